"""A function under Lambda's own runtime, without a container: its interface client for Python (awslambdaric) below its
interface emulator (RIE), whose program comes with the SAM CLI. Both are for Linux."""

import json
import os
import platform
import sysconfig
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import template
from local.engines import ROOT, EngineError, free_port, process

_HOME = ROOT / ".engines" / "rie"
_PROGRAM = "lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{}"
_PATH = "2015-03-31/functions/function/invocations"


class FunctionError(RuntimeError):
    """A function that failed, or took longer than its Timeout; the message is what Lambda returns for it."""


class Emulator:
    """One execution environment: one event at a time, the others wait. The emulator breaks at two at once."""

    def __init__(self, endpoint: str, log: Path) -> None:
        self._url = f"{endpoint}/{_PATH}"
        self._log = log
        self._lock = threading.Lock()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def output(self) -> str:
        """What Lambda and the function have logged."""
        return self._log.read_text(errors="replace")

    def __call__(self, event: Any) -> Any:
        """What the handler returns. Raises FunctionError."""
        with self._lock:
            text = self._post(json.dumps(event).encode())
        try:
            answer = json.loads(text)
        except ValueError:
            raise FunctionError(text) from None  # a timeout, in words
        if isinstance(answer, dict) and {"errorType", "errorMessage"} <= answer.keys():
            raise FunctionError(text)
        return answer

    def _post(self, body: bytes) -> str:
        try:
            with self._opener.open(urllib.request.Request(self._url, body)) as response:  # noqa: S310 - http
                return str(response.read().decode())
        except urllib.error.HTTPError as error:  # the function's process has ended
            raise FunctionError(error.read().decode() or str(error)) from error
        except OSError as error:
            raise FunctionError(f"Lambda's emulator has ended: {error}") from error


@contextmanager
def running(definition: template.Function, variables: Mapping[str, str]) -> Iterator[Emulator]:
    """The function with these variables, which it sees beside those of Lambda and nothing else. Raises EngineError.

    It starts with its first event, and that counts against its Timeout.
    """
    program, python = find_program(), _HOME / "bin" / "python"

    def command(port: int) -> list[str]:
        addresses = {"runtime-interface-emulator": port, "runtime-api": free_port()}
        options = [f"--{name}-address=127.0.0.1:{number}" for name, number in addresses.items()]
        return [str(program), "--log-level=error", *options, str(python), "-m", "awslambdaric", definition.handler]

    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, [*definition.layers, sysconfig.get_path("purelib")])),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(definition.timeout),
        **variables,
    }
    with tempfile.TemporaryDirectory(prefix="lambda-") as folder:
        log = Path(folder) / "log"
        # The runtime looks for the handler in its working directory, which is the function's own.
        with process(
            "Lambda's emulator", command, lambda port: environment, "/", directory=definition.code_uri, log=log
        ) as endpoint:
            yield Emulator(endpoint, log)


def find_program() -> Path:
    """The emulator for this machine. Raises EngineError."""
    machine = {"aarch64": "arm64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    found = next(_HOME.glob(_PROGRAM.format(machine)), None)
    if platform.system() != "Linux" or found is None:
        raise EngineError("Lambda's emulator is missing: `make .engines/rie/installed` installs it, on Linux")
    return found

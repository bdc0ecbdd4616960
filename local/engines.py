"""Starts and stops the engines: Dynoxide for DynamoDB, ministack for SQS.

Both listen on 127.0.0.1, on a free port. Each is a child process that ends with its `with` block,
and on Linux also when this process is killed before it could say goodbye.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

from local.aws import ACCOUNT, REGION

ROOT = Path(__file__).resolve().parent.parent

_START_SECONDS = 30.0
_STOP_SECONDS = 3.0
_ATTEMPTS = 3


class EngineError(RuntimeError):
    """An engine that is missing or does not start; the message is one line."""


@dataclass(frozen=True)
class Endpoints:
    """URLs of the running engines, and a line for the user where they are not the usual ones."""

    dynamodb: str
    sqs: str
    note: str | None = None


Died: TypeAlias = Callable[[EngineError], None]
"""Called, on a thread of its own, when an engine ends by itself."""


@contextmanager
def running(data: Path | None = None, died: Died | None = None) -> Iterator[Endpoints]:
    """Both engines. Items are kept in the folder `data`, messages never are. Raises EngineError.

    Where no Dynoxide binary can be had (it is built for few platforms), ministack serves DynamoDB too.
    """
    if find_dynoxide() is None:
        note = "no Dynoxide for this machine: ministack serves DynamoDB too, in memory"
        with ministack("dynamodb,sqs", died) as endpoint:
            yield Endpoints(endpoint, endpoint, note)
        return
    if data is not None:
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EngineError(f"DATA={data}: {error.strerror}") from error
    with dynoxide(data / "dynoxide.db" if data else None, died) as dynamodb, ministack("sqs", died) as sqs:
        yield Endpoints(dynamodb, sqs)


@contextmanager
def dynoxide(db_path: Path | None = None, died: Died | None = None) -> Iterator[str]:
    """Dynoxide's endpoint; its items are in memory, or in the file `db_path`. Raises EngineError."""
    binary = find_dynoxide()
    if binary is None:
        raise EngineError("Dynoxide is missing: `make engines` installs it, DYNOXIDE_BIN names another binary")

    def command(port: int) -> list[str]:
        storage = ["--db-path", str(db_path)] if db_path else []
        return [str(binary), "serve", "--host", "127.0.0.1", "--port", str(port), *storage]

    with process("Dynoxide", command, lambda port: os.environ, "/", died) as endpoint:
        yield endpoint


@contextmanager
def ministack(services: str = "sqs", died: Died | None = None) -> Iterator[str]:
    """ministack's endpoint, with a comma-separated list of services in memory. Raises EngineError."""
    binary = find_ministack()
    if binary is None:
        raise EngineError("ministack is missing: `make engines` installs it, MINISTACK_BIN names another one")

    def environment(port: int) -> dict[str, str]:
        return {
            **os.environ,
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "SERVICES": services,
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": "0",
            # It would look for containers to clean up; here are none of its own.
            "DOCKER_HOST": "unix:///nonexistent",
        }

    with process("ministack", lambda port: [str(binary)], environment, "/_ministack/health", died) as endpoint:
        yield endpoint


def find_dynoxide() -> Path | None:
    """The Dynoxide binary: DYNOXIDE_BIN (empty: none), else the npm package's, else the one on the PATH."""
    installed = sorted((ROOT / "node_modules" / "@dynoxide").glob("*/dynoxide"))
    return _find("DYNOXIDE_BIN", installed, "dynoxide")


def find_ministack() -> Path | None:
    """The ministack command: MINISTACK_BIN, else the one in .engines, else the one on the PATH."""
    return _find("MINISTACK_BIN", [ROOT / ".engines" / "ministack" / "bin" / "ministack"], "ministack")


def _find(variable: str, installed: list[Path], name: str) -> Path | None:
    named = os.environ.get(variable)
    if named == "":
        return None
    if named is not None:
        path = Path(named)
        if not os.access(path, os.X_OK):
            raise EngineError(f"{variable}={named} is not a program")
        return path
    on_path = shutil.which(name)
    candidates = [*installed, *([Path(on_path)] if on_path else [])]
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


@contextmanager
def process(
    name: str,
    command: Callable[[int], list[str]],
    environment: Callable[[int], Mapping[str, str]],
    health: str,
    died: Died | None = None,
    *,
    directory: Path | None = None,
    log: Path | None = None,
) -> Iterator[str]:
    """The endpoint of an engine on a free port, where `command` and `environment` start it. Raises EngineError.

    `directory` is where it runs, `log` where its output goes; otherwise here, and nowhere.
    """
    with tempfile.TemporaryDirectory(prefix=f"{name.split()[0].lower()}-") as scratch:
        log = log or Path(scratch) / "log"
        for attempt in range(1, _ATTEMPTS + 1):
            port = free_port()
            endpoint = f"http://127.0.0.1:{port}"
            # TMPDIR: what the engine leaves behind goes with the folder.
            child = _start(name, command(port), {**environment(port), "TMPDIR": scratch}, log, directory)
            stopping = threading.Event()
            try:
                if _wait_until_healthy(child, endpoint + health):
                    if died is not None:
                        _watch(name, child, log, stopping, died)
                    yield endpoint
                    return
            finally:
                stopping.set()
                _stop(child)
            # Another program may have taken the free port in between.
            if attempt == _ATTEMPTS:
                raise EngineError(f"{name} does not start: {_last_line(log)}")


def _start(
    name: str, command: list[str], environment: Mapping[str, str], log: Path, directory: Path | None
) -> subprocess.Popen[bytes]:
    try:
        with log.open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - a program that the user installed
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal reaches this process alone, which then stops the engines in order.
                process_group=0,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
    except OSError as error:
        raise EngineError(f"{name} does not start: {error}") from error


def _watch(name: str, process: subprocess.Popen[bytes], log: Path, stopping: threading.Event, died: Died) -> None:
    def wait() -> None:
        process.wait()
        if not stopping.is_set():
            died(EngineError(f"{name} ended by itself ({process.returncode}): {_last_line(log)}"))

    threading.Thread(target=wait, name=f"watch {name}", daemon=True).start()


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str) -> bool:
    """Whether it answered, be it that it wants another request; False when it ended or took too long."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with opener.open(url, timeout=1):
                return process.poll() is None
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return process.poll() is None
            time.sleep(0.02)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it says nothing")


_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    """Runs in the child before the engine's program: the kernel ends it when its parent dies."""
    assert _libc is not None
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

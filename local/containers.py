"""`sam local` beside a running `make serve`: the template's functions in containers that reach its engines.

A container does not reach 127.0.0.1 of this machine. Where the container engine runs on this machine itself, its bridge
is one of our addresses, and a relay leads from there to the engines; where it runs in a virtual machine (Docker Desktop
and the like), that leads host.docker.internal here.
"""

import ipaddress
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local import aws, template
from local.engines import ROOT
from local.relay import relay
from local.resources import Resources

_SAM = ROOT / ".engines" / "sam" / "bin" / "sam"
_ENGINES = ("docker", "finch")  # those that `sam local` knows, in its order
_VIRTUAL_MACHINE = "host.docker.internal"


class ContainerError(RuntimeError):
    """There is no container engine, or nothing can be built for it; the message is one line."""


def bridge() -> str:
    """This machine's address on the engine's bridge, as the engine says it. Raises ContainerError."""
    reasons = []
    for engine in _ENGINES:
        try:
            asked = subprocess.run([engine, "network", "inspect", "bridge"], capture_output=True, text=True)  # noqa: S603
        except OSError:
            continue  # it is not installed
        if asked.returncode == 0:
            config = json.loads(asked.stdout)[0]["IPAM"]["Config"][0]
            return str(config.get("Gateway") or next(ipaddress.ip_network(config["Subnet"]).hosts()))
        reasons.append(f" ({engine}: {' '.join(asked.stderr.split())})")
    raise ContainerError(
        f"there is no container engine{''.join(reasons)}: start Docker or Finch, "
        "or do without one by `make invoke RIE=1`, on Linux"
    )


def invoke(path: Path, resources: Resources, name: str, event: Path) -> int:
    """`sam local invoke`; returns its exit code. Raises ContainerError."""
    with _options(path, resources) as options:
        return _sam("invoke", name, f"--event={event}", *options)


def start_api(path: Path, resources: Resources, port: int) -> int:
    """`sam local start-api`, until Ctrl-C; returns its exit code. Raises ContainerError.

    It asks nobody who they are, as `make serve` does not; of the authorizers it knows those that are functions only.
    """
    with _options(path, resources) as options:
        return _sam("start-api", f"--port={port}", "--warm-containers=LAZY", "--disable-authorizer", *options)


def _sam(command: str, *arguments: str) -> int:
    flags = shlex.split(os.environ.get("SAM_FLAGS", ""))
    process = subprocess.Popen([str(_SAM), "local", command, *arguments, *flags], env=_environment())  # noqa: S603
    # sam removes its containers before it ends, which this process waits for. Ctrl-C reaches it by itself.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda signum, frame: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda signum, frame: process.terminate()),
    }
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _environment() -> dict[str, str]:
    """The user's, with credentials that are none in the place of any profile. sam asks AWS whose they are before it
    starts: that is refused here, at once."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    region = {"AWS_DEFAULT_REGION": aws.REGION}
    return {**environment, **aws.CREDENTIALS, **region, **nowhere, "SAM_CLI_TELEMETRY": "0"}


@contextmanager
def _options(path: Path, resources: Resources) -> Iterator[list[str]]:
    address, built = bridge(), _build(path.parent)
    with _reachable(resources, address) as seen, tempfile.TemporaryDirectory(prefix="sam-") as folder:
        architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
        variables = Path(folder) / "variables.json"
        variables.write_text(json.dumps(_variables(path, seen)), encoding="utf-8")
        yield [
            f"--template-file={built}",
            f"--env-vars={variables}",
            f"--parameter-overrides=Architecture={architecture}",
            f"--region={aws.REGION}",
        ]


def _build(root: Path) -> Path:
    """The template that `sam build` has made, of what is in the folder now."""
    built = ".aws-sam/local/template.yaml"
    # stdout is for what the function returns.
    if subprocess.run(["make", "-s", built], cwd=root, stdout=sys.stderr).returncode:  # noqa: S603, S607
        raise ContainerError("the functions are not built, for the reason above")
    return root / built


def _variables(path: Path, resources: Resources) -> dict[str, dict[str, str]]:
    """Each function's variables. They are all here, as `sam local` itself makes a queue's name of its `!Ref`, and
    nothing of an `!If`; it takes none that the template does not declare."""
    engines = aws.environment(resources.dynamodb, resources.sqs)
    functions = template.read(path, resources.references).functions
    return {name: {**function.environment, **engines} for name, function in functions.items()}


@contextmanager
def _reachable(resources: Resources, address: str) -> Iterator[Resources]:
    with ExitStack() as relays:
        try:
            dynamodb, sqs = (relays.enter_context(relay(url, address)) for url in (resources.dynamodb, resources.sqs))
        except OSError:  # the bridge is in a virtual machine
            dynamodb, sqs = (url.replace("127.0.0.1", _VIRTUAL_MACHINE) for url in (resources.dynamodb, resources.sqs))
        yield resources.at(dynamodb, sqs)

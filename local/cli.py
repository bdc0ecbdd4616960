"""`python -m local serve`, `env FUNCTION`, `invoke FUNCTION EVENT`, `start-api`, `openapi` and `scaffold`."""

import argparse
import json
import os
import shlex
import signal
import sys
import sysconfig
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from local import aws, containers, emulator, functions, stack, template
from local.containers import ContainerError
from local.emulator import FunctionError
from local.engines import ROOT, EngineError
from local.functions import LoadError
from local.http import RESOURCES_PATH, PortError
from local.resources import Resources
from local.template import TemplateError

_CURL = "curl -i -X PUT {url} -H 'content-type: application/json' -d '{{}}'"


class UsageError(ValueError):
    """A call that cannot work; the message is one line."""


class _Stop(BaseException):
    """Ctrl-C or SIGTERM: not an Exception, so that no handler of failures catches it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 after one clear line on stderr."""
    options = _parse(arguments)
    try:
        if options.command == "serve":
            serve(options.template, _port(options.port), options.data)
        elif options.command == "env":
            print(env(options.template, _port(options.port), options.function))
        elif options.command == "openapi":
            print(openapi(options.template))
        elif options.command == "scaffold":
            from local.scaffold import command  # it imports much that the others do not need

            return command.run(options.template, check=options.check)
        elif options.command == "start-api":
            return containers.start_api(options.template, _resources(_port(options.port)), _port(options.api_port))
        else:
            return invoke(options.template, _port(options.port), options.function, options.event, options.runtime)
    except (TemplateError, PortError, EngineError, ContainerError, FunctionError, LoadError, UsageError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


def serve(path: Path, port: int, data: Path | None) -> None:
    """Runs the template until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with stack.running(path, port, data) as running:
            print(banner(running, data), flush=True)
            running.server.serve_forever()
    except _Stop:
        print("stopped", file=sys.stderr, flush=True)


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    # One is enough: a second Ctrl-C must not interrupt the cleaning up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stop


def banner(running: stack.Stack, data: Path | None) -> str:
    """What the user wants to know when everything is ready."""
    resources = running.resources
    kept = f"items kept in {data}" if data and not running.note else "items in memory"
    lines = [
        f"API        {running.server.url}",
        f"Resources  {running.server.url}{RESOURCES_PATH}",
        f"DynamoDB   {resources.dynamodb} ({kept})",
        f"SQS        {resources.sqs} (messages in memory)",
        *(f"           {url}" for url in resources.queues.values()),
        *([f"Note       {running.note}"] if running.note else []),
        *(["", f"Try        {_CURL.format(url=running.server.url + running.example)}"] if running.example else []),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def env(path: Path, port: int, name: str) -> str:
    """Shell assignments with which the function `name` runs by hand against the stack on `port`."""
    function, variables = _function(path, _resources(port), name)
    variables["PYTHONPATH"] = os.pathsep.join(
        map(str, [function.code_uri, *function.layers, sysconfig.get_path("purelib")])
    )
    return "\n".join(f"export {variable}={_quote(value)}" for variable, value in variables.items())


def invoke(path: Path, port: int, name: str, event: Path, runtime: str) -> int:
    """Prints what the function `name` returns for the event in a file, as JSON; returns the exit code. It runs on this
    machine, against the stack on `port`."""
    resources = _resources(port)
    function, variables = _function(path, resources, name)
    try:
        parsed = json.loads(event.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{event}: {error}") from error
    if runtime == "container":
        return containers.invoke(path, resources, name, event)
    if runtime == "rie":
        answer = _emulated(function, variables, parsed)
    else:
        os.environ.update(variables)
        answer = functions.load(function, variables)(parsed)
    print(json.dumps(answer, ensure_ascii=False))
    return 0


def _emulated(function: template.Function, variables: Mapping[str, str], event: Any) -> Any:
    with emulator.running(function, variables) as call:
        try:
            return call(event)
        finally:
            print(call.output, end="", file=sys.stderr, flush=True)


def openapi(path: Path) -> str:
    """The OpenAPI document of the template's API, as JSON. It needs no engines."""
    api = functions.documented(template.read(path))
    document: str = functions.module(api, "documentation").document()
    return json.dumps(json.loads(document), indent=2, ensure_ascii=False)


def _function(path: Path, resources: Resources, name: str) -> tuple[template.Function, dict[str, str]]:
    """A function of the template, and its variables for a running stack."""
    definition = template.read(path, resources.references)
    if name not in definition.functions:
        raise UsageError(f"there is no function {name} in {path}; there are: {', '.join(definition.functions)}")
    function = definition.functions[name]
    return function, functions.environment(function, aws.environment(resources.dynamodb, resources.sqs))


def _resources(port: int) -> Resources:
    return Resources.from_json(_fetch(f"http://127.0.0.1:{port}{RESOURCES_PATH}", port))


def _quote(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"


def _fetch(url: str, port: int) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise UsageError(f"there is no stack on port {port}: start it with `make serve`, or set PORT") from error


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > 65_535:
        raise UsageError(f"PORT={value} is not a port number")
    return int(value)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description="Runs template.yaml on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    data, path = os.environ.get("DATA"), Path(os.environ.get("TEMPLATE") or ROOT / "template.yaml")
    serve_ = commands.add_parser("serve", help="engines, tables, queues, HTTP and the SQS poller")
    serve_.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="keep items here; default: $DATA"
    )
    env_ = commands.add_parser("env", help="the variables of a function, as shell assignments")
    env_.add_argument("function", metavar="FUNCTION")
    invoke_ = commands.add_parser("invoke", help="calls a function with the event of a file")
    invoke_.add_argument("function", metavar="FUNCTION")
    invoke_.add_argument("event", metavar="EVENT", type=Path)
    invoke_.add_argument(
        "--runtime",
        choices=["python", "rie", "container"],
        default="python",
        help="in this Python (default), under Lambda's runtime, or in a container by sam local",
    )
    start_api = commands.add_parser("start-api", help="sam local start-api: the API, its function in a container")
    start_api.add_argument(
        "--api-port", default=os.environ.get("API_PORT") or "3001", help="default: $API_PORT or 3001"
    )
    openapi_ = commands.add_parser("openapi", help="the API's OpenAPI document, for client generators")
    scaffold_ = commands.add_parser(
        "scaffold", help="writes what depends on the models: template.yaml, events, examples"
    )
    scaffold_.add_argument("--check", action="store_true", help="writes nothing: exit code 1 if something is stale")
    for command in (serve_, env_, invoke_, start_api, openapi_, scaffold_):
        command.add_argument("--template", type=Path, default=path, help="default: $TEMPLATE or template.yaml")
        command.add_argument("--port", default=os.environ.get("PORT") or "3000", help="default: $PORT or 3000")
    return parser.parse_args(arguments)

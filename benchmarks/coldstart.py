"""Import and initialisation of both handlers, beside a handler that only has what any handler has.

Each in a fresh interpreter, in turn, with the bytecode in place.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.contenders import HERE, TEMPLATE
from benchmarks.process import BenchError
from local import aws, functions, template

LEAN, WORKER, API = "lean handler", "worker", "API"
_CODE = "import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
_TIMEOUT = 30.0


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds of every start, by handler."""
    starts = _starts()
    for module, environment in starts.values():
        _start(module, environment)
    seconds: dict[str, list[float]] = {name: [] for name in starts}
    for _ in range(rounds):
        for name, (module, environment) in starts.items():
            seconds[name].append(_start(module, environment))
    return seconds


def _starts() -> dict[str, tuple[str, Mapping[str, str]]]:
    functions_ = template.read(TEMPLATE).functions
    local = {**aws.environment("http://127.0.0.1:9", "http://127.0.0.1:9"), "AWS_CONFIG_FILE": os.devnull}

    def environment(name: str, *folders: Path) -> dict[str, str]:
        variables = {**os.environ, **functions.environment(functions_[name], local)}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        return {**variables, "PYTHONPATH": os.pathsep.join(map(str, folders))}

    worker, api = functions_["WorkerFunction"], functions_["ApiFunction"]
    return {
        LEAN: ("lean_handler", environment("WorkerFunction", HERE)),
        WORKER: ("app", environment("WorkerFunction", worker.code_uri, *worker.layers)),
        API: ("app", environment("ApiFunction", api.code_uri, *api.layers)),
    }


def _start(module: str, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", _CODE.format(module=module)]
    try:
        done = subprocess.run(  # noqa: S603 - our own handlers
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=True
        )
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{module} does not start: {error.stderr.strip().splitlines()[-1]}") from error
    return float(done.stdout.split()[-1])

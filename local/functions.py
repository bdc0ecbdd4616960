"""Loads the template's handlers and calls them as Lambda does."""

import contextlib
import gc
import importlib.util
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from local import template

if TYPE_CHECKING:
    from surewrite import Item  # the layers are on the path as soon as a function is loaded


class LoadError(RuntimeError):
    """A handler that cannot be found; the message is one line."""


class Handler(Protocol):
    def __call__(self, event: Any, context: "Context", /) -> Any: ...


class Context:
    """The context object of one invocation, with the attributes of Lambda's Python runtime."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, function: template.Function) -> None:
        self.function_name = function.logical_id
        self.memory_limit_in_mb = str(function.memory_size)
        self.invoked_function_arn = function.arn
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function.logical_id}"
        self.log_stream_name = f"{time.strftime('%Y/%m/%d')}/[$LATEST]local"
        self._deadline = time.monotonic() + function.timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's Timeout, never negative."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class Function:
    """A handler in its execution environment: one event at a time, the others wait.

    `models` are those that its module serves, its `MODELS`.
    """

    def __init__(self, definition: template.Function, handler: Handler, models: "Sequence[type[Item]]" = ()) -> None:
        self.models = models
        self._definition = definition
        self._handler = handler
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any]) -> Any:
        """What the handler returns, as it would arrive in JSON. Raises what the handler raises."""
        with self._lock:
            return json.loads(json.dumps(self._handler(event, Context(self._definition))))


def environment(definition: template.Function, engines: Mapping[str, str]) -> dict[str, str]:
    """The variables of a function: Lambda's own, the template's, and those that lead to the engines."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": definition.logical_id,
        "AWS_LAMBDA_FUNCTION_VERSION": Context.function_version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(definition.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{definition.logical_id}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(definition.code_uri),
        "_HANDLER": definition.handler,
        **definition.environment,
        **engines,
    }


def load(definition: template.Function, variables: Mapping[str, str]) -> Function:
    """Imports a function's handler with its variables set.

    Raises LoadError when there is no such handler, and whatever the module raises while it is imported.
    """
    module_name, _, handler_name = definition.handler.rpartition(".")
    path = definition.code_uri / Path(*module_name.split(".")).with_suffix(".py")
    if not path.is_file():
        raise LoadError(f"{definition.logical_id}: there is no {path}")
    _add_layers(definition)
    # Every function's module may be called `app`; under its function's name they do not meet.
    name = f"{definition.logical_id}_{module_name}"
    try:
        with _variables(variables), _own_modules(definition.code_uri, keep=name):
            module = _import(name, path)
    finally:
        gc.enable()  # a function may have disabled it for its start; one that fails then ends its process on Lambda
    handler = getattr(module, handler_name, None)
    if not callable(handler):
        raise LoadError(f"{definition.logical_id}: {path} has no {handler_name}")
    return Function(definition, handler, getattr(module, "MODELS", ()))


def module(definition: template.Function, name: str) -> ModuleType:
    """A module of a function besides its handler's."""
    _add_layers(definition)
    with _own_modules(definition.code_uri, keep=""):
        return importlib.import_module(name)


def documented(definition: template.Template) -> template.Function:
    """The function that describes its API: it has a documentation.py. LoadError if there is none."""
    for function in definition.functions.values():
        if (function.code_uri / "documentation.py").is_file():
            return function
    raise LoadError("there is no function with a documentation.py")


def _add_layers(definition: template.Function) -> None:
    """Before what is installed, as on Lambda: the models that this Python knows may be those of another template."""
    for layer in reversed(definition.layers):
        if str(layer) not in sys.path:
            sys.path.insert(0, str(layer))


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _own_modules(folder: Path, keep: str) -> Iterator[None]:
    """Modules beside the handler are importable while it loads, and are not shared with the next function."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before - {keep}:
            origin = getattr(sys.modules[name], "__file__", None)
            if origin and Path(origin).is_relative_to(folder):
                del sys.modules[name]

"""A function's handler in a child process, which can be killed at any moment."""

import contextlib
import importlib
import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from local import functions, template

# Children are forked from a process that has imported everything, so that a new one is there at once.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.kill.preload"])


class Killed(Exception):
    """The process died before it had answered."""


class HandlerFailed(Exception):
    """The handler raised; the message is its traceback's last line."""


class Worker:
    """One execution environment: a fresh process, one event at a time. It serves the models of the module `models`,
    whichever a team has put into its layer."""

    def __init__(self, function: template.Function, engines: Mapping[str, str], models: str) -> None:
        self._connection, theirs = _processes.Pipe()
        self._process = _processes.Process(target=_serve, args=(theirs, function, dict(engines), models), daemon=True)
        self._process.start()
        theirs.close()
        self._ask()

    def __call__(self, event: dict[str, Any]) -> Any:
        """What the handler answers; Killed if the process dies before that."""
        try:
            self._connection.send(event)
        except OSError:
            raise Killed from None
        return self._ask()

    def _ask(self) -> Any:
        try:
            answer, error = self._connection.recv()
        except (EOFError, OSError):
            raise Killed from None
        if error:
            raise HandlerFailed(error)
        return answer

    def kill(self) -> None:
        """SIGKILL: no handler of signals, no `finally`, no farewell."""
        with contextlib.suppress(ProcessLookupError):  # it has died by itself, or of an earlier one
            if self._process.exitcode is None:
                self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.join()
        self._connection.close()


def _serve(connection: Connection, definition: template.Function, engines: Mapping[str, str], models: str) -> None:
    """Runs in the child, until the parent is gone or kills it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # logs and metrics
    sys.modules["bookstore.models"] = importlib.import_module(models)
    # As local.stack does: a client that is made with the first event finds the engines as well.
    os.environ.update(engines)
    function = functions.load(definition, functions.environment(definition, engines))
    connection.send((None, ""))
    while True:
        try:
            event = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = (function(event), "")
        except Exception as error:
            answer = (None, f"{type(error).__name__}: {error}")
        connection.send(answer)

"""Child processes of a run: they end with their `with` block, and an answer that does not come is an error."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Any

from local.engines import ROOT

_STOP_SECONDS = 5.0


class BenchError(RuntimeError):
    """A run that cannot be trusted; the message is one line."""


class Process:
    """A Python module that answers each line on its stdin by one JSON line on its stdout."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: IO[str]) -> None:
        self._name, self._process, self._log = name, process, log

    def ask(self, question: Any) -> Any:
        """The answer; raises BenchError if there is none in time."""
        return self.ask_line(json.dumps(question))

    def ask_line(self, question: str, timeout: float = 300.0) -> Any:
        """The answer to what is JSON already."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise BenchError(f"{self._name} has ended: {self._last_words()}") from error
        return self.hear(timeout)

    def hear(self, timeout: float = 60.0) -> Any:
        """The next line."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(timeout, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise BenchError(f"{self._name} does not answer: {self._last_words()}")
        return json.loads(line)

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        return lines[-1] if lines else f"it says nothing within its time (exit code {self._process.poll()})"


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator[Process]:
    """`python -m module arguments`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(  # noqa: S603 - a module of our own
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield Process(module, process, log)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was still to be written has no reader any more
                pipe.close()

"""Starts `python -m local serve` as a process of its own, as `make serve` does."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


class Serving:
    """The process, what it printed, and where it listens."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def url(self) -> str:
        match = re.search(r"^API +(\S+)", self.output, re.MULTILINE)
        assert match is not None, self.output
        return match[1]

    def wait_until_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while "Ctrl-C stops everything." not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def interrupt(self, signum: int = signal.SIGINT) -> int:
        """Sends the signal to all of its group, as a terminal does for Ctrl-C; returns the exit code."""
        os.killpg(self.process.pid, signum)
        return self.process.wait(30)


def environment(template: Path) -> dict[str, str]:
    """The variables of a command that works on a template. This may itself run under make, whose settings are not for
    another one."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return own | {"TEMPLATE": str(template)}


@contextmanager
def starting(
    *arguments: str, command: Sequence[str] | None = None, template: Path = ROOT / "template.yaml"
) -> Iterator[Serving]:
    """`python -m local serve` on a free port with more arguments, or another command; not ready yet."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command or [sys.executable, "-m", "local", "serve", "--port", "0", *arguments],
                cwd=ROOT,
                env=environment(template),
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own, to which a signal can be sent as a terminal does.
                process_group=0,
            )
        try:
            yield Serving(process, log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(30)


@contextmanager
def serving(
    *arguments: str, command: Sequence[str] | None = None, template: Path = ROOT / "template.yaml"
) -> Iterator[Serving]:
    """The same, ready."""
    with starting(*arguments, command=command, template=template) as started:
        started.wait_until_ready()
        yield started


def listening(url: str) -> bool:
    """Whether anything listens at an endpoint of this machine."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((parts.hostname, parts.port or 80)) == 0


def eventually(check: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether the check holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True

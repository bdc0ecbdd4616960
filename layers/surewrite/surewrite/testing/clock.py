"""Time that passes only when a test moves it."""

from __future__ import annotations

from dataclasses import dataclass

from ..commit.retry import Deadline


class Clock:
    """Stands still until it is moved: for a ledger (`clock=`), in place of `time.sleep`, and for deadlines.

    `now` is in seconds since the epoch. It begins within a second, as time does.
    """

    def __init__(self, now: float = 1_700_000_000.25) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        """A deadline by this clock."""
        return _ClockDeadline(self.now + seconds, self)


@dataclass(frozen=True)
class _ClockDeadline(Deadline):
    clock: Clock

    def remaining(self) -> float:
        return self.at - self.clock.now

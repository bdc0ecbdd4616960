"""When to try again, and how long to wait before: deadlines, and backoff with full jitter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# The system's randomness, of which every copy of a process draws its own. With `random`'s, functions that were started
# from one snapshot would wait alike, and meet again.
uniform = random.SystemRandom().uniform

_BASE_DELAY, _MAX_DELAY = 0.025, 1.0

MIN_CALL_TIME = 0.05
"""Seconds that a call should have; with less left it is not begun."""


@dataclass(frozen=True)
class Deadline:
    """A moment on the monotonic clock after which no attempt is begun."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @classmethod
    def of_lambda(cls, context: Any, *, margin: float = 4.0) -> Deadline:
        """What a Lambda invocation has left, less `margin` seconds (at most a quarter of it): long enough for an
        attempt that was begun at the last moment to time out, and for the response."""
        left = context.get_remaining_time_in_millis() / 1000
        return cls.after(max(0.0, left - min(margin, left / 4)))

    def remaining(self) -> float:
        """Seconds left, negative when it has passed."""
        return self.at - time.monotonic()


class Backoff:
    """Full jitter: each wait is drawn between 0 and a bound that doubles, up to a second.

    `attempts` is the number of attempts that have been made already.
    """

    def __init__(self, deadline: Deadline, sleep: Callable[[float], None] = time.sleep, *, attempts: int = 1) -> None:
        self._deadline, self._sleep = deadline, sleep
        self._bound = min(_BASE_DELAY * 2 ** min(attempts - 1, 10), _MAX_DELAY)

    def try_wait(self) -> bool:
        """Waits before the next attempt; False, at once, if the time would be over by then."""
        delay = uniform(0, self._bound)
        if self._deadline.remaining() < delay + MIN_CALL_TIME:
            return False
        self._sleep(delay)
        self._bound = min(self._bound * 2, _MAX_DELAY)
        return True

"""How much goes at a time: more while it goes well, half of it when DynamoDB asks to slow down."""

from __future__ import annotations

import threading
import time

_LEAST, _FIRST, _MOST = 1, 8, 32


class Pace:
    """Counts the waits of a client that was made with `sleep=pace.sleep`; each of them was asked for by throttling, a
    conflict or a failure of DynamoDB. `parallel` is the number of transactions at a time."""

    def __init__(self) -> None:
        self.parallel = _FIRST
        self.waits = 0
        self._seen = 0
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.waits += 1
        time.sleep(seconds)

    def adapt(self) -> None:
        """After each block: additive increase, multiplicative decrease."""
        slowed, self._seen = self.waits > self._seen, self.waits
        self.parallel = max(_LEAST, self.parallel // 2) if slowed else min(_MOST, self.parallel + 2)

"""Workers whose calls take turns, in every order that there is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from surewrite import Transport

Actor = Callable[[Transport], object]
"""Does something by calls of the transport that it is given."""


class _Turns:
    """Lets one actor at a time make its next call. `chosen` are the first choices; `options` how many there were."""

    def __init__(self, inner: Transport, actors: Sequence[Actor], chosen: Sequence[int]) -> None:
        self._inner, self._actors, self._chosen = inner, actors, chosen
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._running = set(range(len(actors)))
        self._next: int | None = None
        self.options: list[int] = []
        self.steps: list[str] = []

    def run(self) -> list[Any]:
        """What the actors return."""
        with ThreadPoolExecutor(len(self._actors)) as pool:
            futures = [pool.submit(self._act, number) for number in range(len(self._actors))]
            while self._choose():
                pass
            return [future.result() for future in futures]

    def _act(self, number: int) -> object:
        def call(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
            with self._changed:
                self._waiting.add(number)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._next == number)
                self._waiting.discard(number)
                self._next = None
            self.steps.append(f"{number}: {operation}")
            return self._inner(operation, request)

        try:
            return self._actors[number](call)
        finally:
            with self._changed:
                self._running.discard(number)
                self._changed.notify_all()

    def _choose(self) -> bool:
        """Waits until everyone waits, and lets one go on; False if all have ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._next is None and self._waiting == self._running)
            if not self._waiting:
                return False
            position = len(self.options)
            self.options.append(len(self._waiting))
            choice = self._chosen[position] if position < len(self._chosen) else 0
            self._next = sorted(self._waiting)[choice]
            self._changed.notify_all()
            return True


def in_every_order(inner: Transport, prepare: Callable[[], Sequence[Actor]]) -> Iterator[tuple[list[Any], list[str]]]:
    """For each order of the calls: what the actors that are prepared for it return, and the calls."""
    chosen: list[int] | None = []
    while chosen is not None:
        turns = _Turns(inner, prepare(), chosen)
        yield turns.run(), turns.steps
        chosen += [0] * (len(turns.options) - len(chosen))
        while chosen and chosen[-1] + 1 >= turns.options[len(chosen) - 1]:
            chosen.pop()
        chosen = [*chosen[:-1], chosen[-1] + 1] if chosen else None

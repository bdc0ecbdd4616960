"""The protocol of slots alone, without the library: every order of its steps is tried.

Workers apply and reject the messages of one key, and fill its slot with other keys. Requests are made a while after
they were planned, or never; clocks differ; what has expired is removed. As long as the first is to be remembered, no
key may be applied twice, rejected after it was applied, or applied for a message that was rejected.

All times are relative to now, so that states which differ in nothing else are one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import product
from typing import NamedTuple

import pytest

RETENTION = 3
SKEWS = (0, 1, 0)
"""How much the clock of each worker is fast."""
MARGIN = 2
"""What clocks differ by, and how long a request may be on its way."""
PAST = -2
"""Past by every clock, and for every request on its way."""


class Kind(Enum):
    APPLY = "apply"
    REJECT = "reject"
    FILL = "fill"
    """Another key of the slot is applied."""


REQUESTS = [(Kind.FILL, ""), *product((Kind.APPLY, Kind.REJECT), ("m1", "m2"))]


class Slot(NamedTuple):
    """A missing one is empty. `entry` is the key's own: applied, a mark (`REJECT`), or none."""

    size: int = 0
    expires_at: int = PAST
    entry: Kind | None = None

    def excludes(self, close_at: int) -> bool:
        """Whether the key has a record of its own."""
        return self.entry is Kind.REJECT or (self.size >= close_at and self.entry is None)

    def later(self) -> Slot:
        return self._replace(expires_at=past(self.expires_at))


class Record(NamedTuple):
    """Until when which messages are `refused`; none of them if the key was applied."""

    expires_at: int = PAST
    refused: frozenset[str] = frozenset()

    def later(self) -> Record:
        return self._replace(expires_at=past(self.expires_at))


class Request(NamedTuple):
    """What a worker is about to send; `now` by its clock."""

    kind: Kind
    message: str
    now: int
    moved: bool = False


class Worker(NamedTuple):
    """One run, with so many requests left. `seen` is the slot as it has last stood in the way of any key."""

    left: int
    request: Request | None = None
    seen: Slot = Slot()

    def later(self) -> Worker:
        request = self.request and self.request._replace(now=self.request.now - 1)
        return Worker(self.left, request, self.seen.later())


class State(NamedTuple):
    """The ledger, and what is to be remembered: until when the key is `applied`, which messages are `rejected`."""

    workers: tuple[Worker, ...]
    slot: Slot = Slot()
    record: Record = Record()
    applied: int = PAST
    rejected: Record = Record()

    def later(self) -> State:
        """A unit of time has passed."""
        workers = tuple(worker.later() for worker in self.workers)
        return State(workers, self.slot.later(), self.record.later(), past(self.applied), self.rejected.later())

    def apply(self, request: Request) -> State:
        assert request.now >= self.applied, "applied twice"
        refused = request.now < self.rejected.expires_at and request.message in self.rejected.refused
        assert not refused, "applied after it was rejected"
        return self._replace(applied=request.now + RETENTION, rejected=Record())

    def reject(self, request: Request) -> State:
        assert request.now >= self.applied, "rejected after it was applied"
        before = self.rejected.refused if request.now < self.rejected.expires_at else frozenset()
        return self._replace(applied=PAST, rejected=Record(request.now + RETENTION, before | {request.message}))


def past(time: int) -> int:
    """What a time is later on."""
    return max(time - 1, PAST)


PARTS = [
    "a look at the slot",
    "a look for each key",
    "marks",
    "moves",
    "moves of a slot that stands",
    "moves as long as the key is not in it",
    "one moment for the move and the claim",
    "a margin for all that is late",
]


class Protocol:
    """The protocol `without` one of its parts, if it is given."""

    def __init__(self, close_at: int = 2, without: str = "") -> None:
        self.close_at, self.without = close_at, without
        self.margin = MARGIN - (without == "a margin for all that is late")

    def after(self, state: State) -> Iterator[State]:
        """Every state that one step leads to."""
        requests = zip((worker.request for worker in state.workers), SKEWS, strict=False)
        if all(request is None or request.now == skew for request, skew in requests):
            yield state.later()
        if state.slot.expires_at < 0:
            yield state._replace(slot=Slot())
        if state.record.expires_at < 0:
            yield state._replace(record=Record())
        for number, worker in enumerate(state.workers):
            for changed, other in self._steps(state, worker, SKEWS[number]):
                yield changed._replace(workers=(*state.workers[:number], other, *state.workers[number + 1 :]))

    def _steps(self, state: State, worker: Worker, clock: int) -> Iterator[tuple[State, Worker]]:
        request, slot = worker.request, state.slot
        if request is None:
            for kind, message in REQUESTS if worker.left else ():
                yield state, worker._replace(left=worker.left - 1, request=Request(kind, message, clock))
            return
        idle, again = worker._replace(request=None), request._replace(now=clock)
        yield state, idle  # the request is lost, or the worker has died
        if request.kind is Kind.FILL or not self._excludes(worker.seen, request):
            changed = self._in_slot(state, request)
            left = None if request.kind is Kind.FILL else again
            yield (changed, idle) if changed else (state, worker._replace(request=left, seen=slot))
        elif request.moved or worker.seen.expires_at >= request.now + RETENTION or self.without == "moves":
            if self.without == "one moment for the move and the claim":
                request = again
            yield self._by_record(state, request) or state, idle
        elif self._is_movable(slot):
            later = max(slot.expires_at, request.now + RETENTION + self.margin)
            moved = worker._replace(request=request._replace(moved=True))
            yield state._replace(slot=slot._replace(expires_at=later)), moved
        else:
            yield state, worker._replace(request=again, seen=slot)

    def _excludes(self, seen: Slot, request: Request) -> bool:
        """Whether a slot that was seen sends the key to its record."""
        if self.without == "a look at the slot" and request.message == "m1":
            return True
        if self.without == "a look for each key" and seen.size >= self.close_at:
            return True
        return seen.excludes(self.close_at)

    def _is_movable(self, slot: Slot) -> bool:
        if self.without in (*PARTS[:2], "moves of a slot that stands"):
            return True
        closed = slot.size >= self.close_at and self.without == "moves as long as the key is not in it"
        return closed or slot.excludes(self.close_at)

    def _in_slot(self, state: State, request: Request) -> State | None:
        """None if the slot stands in the way, and the key is not in it."""
        slot, kind = state.slot, request.kind
        if slot.entry is Kind.APPLY and kind is not Kind.FILL:
            return state
        marked = slot.entry is Kind.REJECT and kind is not Kind.FILL and self.without != "marks"
        if marked or slot.size >= self.close_at:
            return None
        expires_at = request.now + RETENTION + self.margin
        filled = state._replace(slot=Slot(slot.size + 1, expires_at, slot.entry if kind is Kind.FILL else kind))
        if kind is Kind.FILL:
            return filled
        return filled.apply(request) if kind is Kind.APPLY else self._by_record(filled, request) or state

    def _by_record(self, state: State, request: Request) -> State | None:
        """None if the record stands in the way."""
        record, expires_at = state.record, request.now + RETENTION
        barred = not record.refused or (request.kind is Kind.APPLY and request.message in record.refused)
        if record.expires_at > request.now and barred:
            return None
        if request.kind is Kind.APPLY:
            return state.apply(request)._replace(record=Record(expires_at))
        return state.reject(request)._replace(record=Record(expires_at, record.refused | {request.message}))


def explore(protocol: Protocol, lefts: Sequence[int]) -> int:
    """Tries every order; returns the number of states. A failure comes with the states that lead to it."""
    start = State(tuple(Worker(left) for left in lefts))
    paths: dict[State, State | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state: State | None = waiting.popleft()
        assert state is not None
        try:
            for after in protocol.after(state):
                if after not in paths:
                    paths[after] = state
                    waiting.append(after)
        except AssertionError as error:
            while state is not None:
                error.add_note(str(state))
                state = paths[state]
            raise
    return len(paths)


WORKERS = [(2, 1), (1, 1, 1)]
"""How many requests each worker makes."""


@pytest.mark.parametrize("lefts", WORKERS, ids=["two workers", "three workers"])
@pytest.mark.parametrize("close_at", [1, 2])
def test_no_order_of_steps_counts_a_key_twice(lefts: Sequence[int], close_at: int) -> None:
    assert explore(Protocol(close_at), lefts) > 10_000


@pytest.mark.parametrize("without", PARTS)
def test_each_part_is_needed(without: str) -> None:
    close_at = 1 if "in it" in without else 2
    with pytest.raises(AssertionError, match="applied"):
        explore(Protocol(close_at, without), (2, 1))

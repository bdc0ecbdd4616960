"""Which units share a transaction, and which may run side by side. Pure: nothing here talks to DynamoDB.

A unit waits for every earlier unit that shares a resource with it (an item, a key), so the table ends as if the units
had been committed one by one. Units that wait for nothing are packed into transactions.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import count

from ..model.wire import Image
from ..writes import Target
from .ledger import Claim
from .units import Unit

# "Actions: TransactWriteItems": actions and bytes of one transaction
MAX_ACTIONS = 100
MAX_BYTES = 4_000_000

_LOOK_AHEAD = 8


class Schedule:
    """Units, handed out as transactions.

    `take` gives the next transaction, whose units are then under way; `settle` takes each back, with what is left to do
    of it. `weigh` tells how many actions the claims of a transaction need.
    """

    def __init__(
        self, units: Iterable[Unit], *, weigh: Callable[[Sequence[Claim]], int] = len, max_actions: int = MAX_ACTIONS
    ) -> None:
        self._weigh, self._max_actions = weigh, max_actions
        self._queues: defaultdict[Hashable, deque[Unit]] = defaultdict(deque)
        self._ready: list[tuple[int, int, int, Unit]] = []
        self._order = count()
        self._pending = 0
        self.add(units)

    @property
    def finished(self) -> bool:
        """Whether nothing is left, neither waiting nor under way."""
        return not self._pending

    @property
    def idle(self) -> bool:
        """Whether nothing may run beside what is under way."""
        return not self._ready

    def add(self, units: Iterable[Unit]) -> None:
        """Puts units behind all that are there."""
        added = list(units)
        if not added:
            return
        self._pending += len(added)
        for unit in added:
            for resource in unit.resources:
                self._queues[resource].append(unit)
        for unit in added:
            self._offer(unit)

    def take(self) -> list[Unit]:
        """The units of the next transaction, empty if everything that is left waits for what is under way.

        Long queues come first: theirs is the work that cannot be done side by side. A unit that met a failure that
        passes comes after those that did not.
        """
        taken: list[Unit] = []
        claims: list[Claim] = []
        passed: list[tuple[int, int, int, Unit]] = []
        weight = size = 0
        while self._ready and weight + len(claims) < self._max_actions - 1 and len(passed) < _LOOK_AHEAD:
            entry = heapq.heappop(self._ready)
            unit = entry[3]
            actions = weight + unit.weight + self._weigh([*claims, *unit.claims])
            if taken and (unit.alone or actions > self._max_actions or size + unit.size > MAX_BYTES):
                passed.append(entry)
                continue
            taken.append(unit)
            claims += unit.claims
            weight, size = weight + unit.weight, size + unit.size
            if unit.alone:
                break
        for entry in passed:
            heapq.heappush(self._ready, entry)
        return taken

    def settle(self, unit: Unit, left: Sequence[Unit] = ()) -> None:
        """Takes a unit back. What is `left` of it comes before everything that waits for it."""
        self._pending += len(left) - 1
        for resource in unit.resources:
            first = self._queues[resource].popleft()
            assert first is unit
        for one in reversed(left):
            one.offered = False
            for resource in one.resources:
                self._queues[resource].appendleft(one)
        for one in left:
            self._offer(one)
        for resource in unit.resources:
            if queue := self._queues[resource]:
                self._offer(queue[0])
            else:
                del self._queues[resource]

    def tell(self, target: Target, image: Image | None) -> None:
        """Tells the next unit on an item how a commit has left it."""
        if queue := self._queues.get(target):
            queue[0].tell(target, image)

    def _offer(self, unit: Unit) -> None:
        """Makes the unit ready if it waits for nothing in any of its queues."""
        queues = [self._queues[resource] for resource in unit.resources]
        if not unit.offered and all(queue[0] is unit for queue in queues):
            unit.offered = True
            longest = max(map(len, queues), default=0)
            heapq.heappush(self._ready, (unit.attempts, -longest, next(self._order), unit))

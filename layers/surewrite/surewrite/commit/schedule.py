"""Which units share a transaction, and which may run side by side. Pure: nothing here talks to DynamoDB.

A unit waits for every earlier unit that shares a resource with it (an item, a key), so the table ends as if the units
had been committed one by one. Units that wait for nothing are packed into transactions: those that claim in the same
slot go together, because they share its action, and no two transactions that are under way claim in one slot.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from itertools import count, islice
from typing import NamedTuple

from ..model.wire import Image
from ..writes import Target
from .placement import Load, Placement
from .units import Unit

# "Actions: TransactWriteItems": actions and bytes of one transaction
MAX_ACTIONS = 100
MAX_BYTES = 4_000_000

_LOOK_AHEAD = 8

_Entry = tuple[int, int, int, int, Unit]


class _Ready(NamedTuple):
    """A unit that waits for nothing, and what its claims take. `seen` is how much the placement had learned then."""

    unit: Unit
    load: Load
    seen: int
    slot: str | None
    """The only slot in which it claims."""


class _Transaction:
    """Units that share a transaction."""

    def __init__(self, max_actions: int) -> None:
        self.units: list[Unit] = []
        self.load = Load()
        self._max_actions, self._weight, self._size = max_actions, 0, 0

    @property
    def room(self) -> int:
        """Actions that are left."""
        return self._max_actions - self._weight - self.load.actions

    def admits(self, unit: Unit, load: Load) -> bool:
        actions = self.load.with_(load)
        if actions is None or self._weight + unit.weight + actions > self._max_actions:
            return False
        return not self.units or not (unit.alone or self._size + unit.size > MAX_BYTES)

    def add(self, unit: Unit, load: Load) -> None:
        self.units.append(unit)
        self.load.add(load)
        self._weight += unit.weight
        self._size += unit.size


class Schedule:
    """Units, handed out as transactions.

    `take` gives the next transaction, whose units are then under way; `settle` takes each back, with what is left to do
    of it. `placement` tells what the claims of a unit take.
    """

    def __init__(self, units: Iterable[Unit], placement: Placement, *, max_actions: int = MAX_ACTIONS) -> None:
        self._placement, self._max_actions = placement, max_actions
        self._queues: defaultdict[Hashable, deque[Unit]] = defaultdict(deque)
        self._heap: list[_Entry] = []  # an entry counts as long as its unit is ready
        self._ready: dict[Unit, _Ready] = {}
        self._neighbours: defaultdict[str, dict[Unit, None]] = defaultdict(dict)
        self._under_way: dict[Unit, Load] = {}
        self._busy: Counter[str] = Counter()
        self._parked: defaultdict[str, list[_Entry]] = defaultdict(list)
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
        return not self._heap

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

        Long queues come first: theirs is the work that cannot be done side by side; then what claims in many slots. A
        unit that met a failure that passes comes after those that did not.
        """
        taken = _Transaction(self._max_actions)
        passed: list[_Entry] = []
        while self._heap and taken.room > 0 and len(passed) < _LOOK_AHEAD:
            entry = heapq.heappop(self._heap)
            ready = self._current(entry[-1])
            if ready is None:
                continue
            if (slot := self._busy_slot(ready.load, taken)) is not None:
                self._parked[slot].append(entry)
            elif taken.units and (self._crowds(ready, taken) or not taken.admits(ready.unit, ready.load)):
                passed.append(entry)
            elif not taken.admits(ready.unit, ready.load) and (halves := ready.unit.halves()):
                self._replace(ready.unit, halves)
            else:
                self._begin(ready, taken)
                if ready.unit.alone:
                    break
                self._add_neighbours(ready.slot, taken)
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return taken.units

    def release(self, unit: Unit) -> None:
        """Lets others claim in the slots of a unit that is under way: its transaction has been answered."""
        load = self._under_way.pop(unit, None)
        for slot in load.slots if load is not None else ():
            self._busy[slot] -= 1
            if not self._busy[slot]:
                del self._busy[slot]
                for entry in self._parked.pop(slot, ()):
                    heapq.heappush(self._heap, entry)

    def settle(self, unit: Unit, left: Sequence[Unit] = ()) -> None:
        """Takes a unit back. What is `left` of it comes before everything that waits for it."""
        self.release(unit)
        self._replace(unit, left)

    def tell(self, target: Target, image: Image | None) -> None:
        """Tells the next unit on an item how a commit has left it."""
        if queue := self._queues.get(target):
            queue[0].tell(target, image)

    # --- what is ready -------------------------------------------------------------------------------------------

    def _offer(self, unit: Unit) -> None:
        """Makes the unit ready if it waits for nothing in any of its queues."""
        queues = [self._queues[resource] for resource in unit.resources]
        if not unit.offered and all(queue[0] is unit for queue in queues):
            unit.offered = True
            ready = self._ready[unit] = self._weighed(unit)
            longest = max(map(len, queues), default=0)
            heapq.heappush(self._heap, (unit.attempts, -longest, -len(ready.load.slots), next(self._order), unit))

    def _weighed(self, unit: Unit) -> _Ready:
        learned = self._placement.learned  # read first, for other threads learn meanwhile
        load = self._placement.load(unit.claims)
        slot = next(iter(load.slots)) if len(load.slots) == 1 else None
        if slot is not None and not unit.alone:
            self._neighbours[slot][unit] = None
        return _Ready(unit, load, learned, slot)

    def _current(self, unit: Unit) -> _Ready | None:
        """The unit if it is ready, weighed by what the placement knows now."""
        ready = self._ready.get(unit)
        if ready is not None and ready.seen != self._placement.learned:
            self._leave(ready)
            ready = self._ready[unit] = self._weighed(unit)
        return ready

    def _leave(self, ready: _Ready) -> None:
        if ready.slot is not None:
            self._neighbours[ready.slot].pop(ready.unit, None)

    def _replace(self, unit: Unit, left: Sequence[Unit]) -> None:
        if (ready := self._ready.pop(unit, None)) is not None:
            self._leave(ready)
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

    # --- filling a transaction -----------------------------------------------------------------------------------

    def _begin(self, ready: _Ready, taken: _Transaction) -> None:
        taken.add(ready.unit, ready.load)
        self._leave(self._ready.pop(ready.unit))
        self._under_way[ready.unit] = ready.load
        self._busy.update(ready.load.slots.keys())

    def _busy_slot(self, load: Load, taken: _Transaction) -> str | None:
        """A slot in which another transaction claims."""
        return next((slot for slot in load.slots if slot in self._busy and slot not in taken.load.slots), None)

    def _crowds(self, ready: _Ready, taken: _Transaction) -> bool:
        """Whether the units of its slot would have room in one transaction, but not in this one, which is half full:
        then they wait for their own, so that the slot is written once."""
        if ready.slot is None or ready.slot in taken.load.slots:
            return False
        needed = len(self._neighbours[ready.slot]) + 1
        return taken.room < needed <= self._max_actions and 2 * taken.room < self._max_actions

    def _add_neighbours(self, slot: str | None, taken: _Transaction) -> None:
        """Adds what claims in the same slot alone: it shares the action."""
        if slot is None:
            return
        for unit in list(islice(self._neighbours[slot], max(0, taken.room))):
            ready = self._current(unit)
            if ready is not None and ready.slot == slot and taken.admits(unit, ready.load):
                self._begin(ready, taken)

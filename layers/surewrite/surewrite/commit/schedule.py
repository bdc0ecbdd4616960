"""Which transactions a batch becomes, and which of them may run side by side. Pure: nothing here talks to DynamoDB.

Updates of one item that go together become one *unit*: their claims and one action. Units wait for every earlier unit
that shares an item or a message group with them, so the table ends as if the batch had been committed one by one.
Units that wait for nothing are packed into transactions.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from ..expressions.combine import Combiner
from ..expressions.conditions import Condition
from ..expressions.constraints import constraint_of
from ..expressions.merge_patch import MergeAction
from ..expressions.updates import Update
from ..writes import Write
from .ledger import Claim

# "Actions: TransactWriteItems": actions and bytes of one transaction
MAX_ACTIONS = 100
MAX_BYTES = 4_000_000

_CLAIM_BYTES = 400


@dataclass(frozen=True)
class Step:
    """One write with its claim. `solo` writes are committed by themselves: they are read first, or show attributes.

    `contested` steps share their key with another one of the batch and may be refused: they are taken in turn, because
    a refused write leaves the key to the next.
    """

    index: int
    write: Write
    claim: Claim
    group: str | None = None
    constraint: Condition | None = None
    solo: bool = False
    contested: bool = False

    @classmethod
    def of(cls, index: int, write: Write, claim: Claim, group: str | None = None) -> Step:
        """The step, with what the model's limits demand."""
        return cls(index, write, claim, group, write.constraint, solo=write.needs_item or write.return_values != "NONE")

    @property
    def certain(self) -> bool:
        """Whether no state of a valid item can make DynamoDB or the model refuse the write."""
        if self.solo or self.constraint is not None or self.write.condition is not None:
            return False
        action = self.write.action
        return not isinstance(action, Update) or all(
            len(one.path) == 1 and not isinstance(one, MergeAction) and not tuple(one.reads()) for one in action.actions
        )

    @property
    def combinable(self) -> bool:
        """Whether it may be joined with others of its item. What is ordered by a group stays by itself, so that the
        group can stop anywhere, and so does what is contested."""
        alone = self.solo or self.contested or self.group is not None or self.write.condition is not None
        return not alone and isinstance(self.write.action, Update)


@dataclass(eq=False)
class Unit:
    """Steps that commit together as one action on one item. `attempts` counts passing failures."""

    steps: list[Step]
    attempts: int = 0
    offered: bool = False
    _combiner: Combiner | None = field(default=None, repr=False)
    _size: int = 0

    @classmethod
    def of(cls, steps: Sequence[Step], *, attempts: int = 0) -> list[Unit]:
        """The units of steps that have been one before: one again, unless a sum is no longer exact without those that
        are gone."""
        units: list[Unit] = []
        for step in steps:
            if not units or not units[-1].join(step):
                units.append(cls([step], attempts))
        return units

    def join(self, step: Step) -> bool:
        """Takes the step in if it goes together with those that are there."""
        first = self.steps[0]
        if not (first.combinable and step.combinable):
            return False
        assert isinstance(first.write.action, Update)
        assert isinstance(step.write.action, Update)
        if self._combiner is None:
            self._combiner = Combiner(first.write.action)
        if not self._combiner.add(step.write.action):
            return False
        self.steps.append(step)
        self._size += step.write.size
        return True

    @property
    def solo(self) -> bool:
        return self.steps[0].solo

    @property
    def write(self) -> Write:
        """The one write that does what the steps do in turn."""
        first = self.steps[0].write
        return first if self._combiner is None else replace(first, action=self._combiner.update())

    @property
    def constraint(self) -> Condition | None:
        """What the model's limits demand of the item before all of it."""
        if len(self.steps) == 1 or all(step.constraint is None for step in self.steps):
            return self.steps[0].constraint
        updates = [step.write.action for step in self.steps if isinstance(step.write.action, Update)]
        return constraint_of(self.steps[0].write.model, *updates)

    @property
    def claims(self) -> list[Claim]:
        return [step.claim for step in self.steps]

    @property
    def resources(self) -> tuple[Hashable, ...]:
        """What no two units may hold at a time: the item, the message group, contested keys."""
        first = self.steps[0]
        group = () if first.group is None else (first.group,)
        return (first.write.target, *group, *(step.claim.key for step in self.steps if step.contested))

    @property
    def size(self) -> int:
        """Bytes in a request, roughly."""
        return self._size + self.steps[0].write.size + _CLAIM_BYTES * len(self.steps)


class Plan:
    """The units of a batch, handed out as transactions.

    `take` gives the next transaction, whose units are then under way; `settle` takes it back, with what is left to do
    of each unit. `weigh` tells how many actions the claims of a unit need.
    """

    def __init__(
        self, steps: Iterable[Step], *, weigh: Callable[[Sequence[Claim]], int] = len, max_actions: int = MAX_ACTIONS
    ) -> None:
        self._weigh, self._max_actions = weigh, max_actions
        self._queues: defaultdict[Hashable, deque[Unit]] = defaultdict(deque)
        self._ready: list[tuple[int, int, int, Unit]] = []
        self._order = count()
        self._pending = 0
        for unit in self._units(steps):
            self._pending += 1
            for resource in unit.resources:
                self._queues[resource].append(unit)
        for queue in list(self._queues.values()):
            self._offer(queue[0])

    @property
    def finished(self) -> bool:
        """Whether nothing is left, neither waiting nor under way."""
        return not self._pending

    @property
    def idle(self) -> bool:
        """Whether nothing may run beside what is under way."""
        return not self._ready

    def take(self) -> list[Unit]:
        """The units of the next transaction, empty if everything that is left waits for what is under way.

        Long queues come first: theirs is the work that cannot be done side by side. A unit that met a passing failure
        comes after those that did not and travels alone, so that it holds nobody up.
        """
        taken: list[Unit] = []
        passed: list[tuple[int, int, int, Unit]] = []
        actions = size = 0
        while self._ready and actions < self._max_actions - 1 and len(passed) < 8:
            entry = heapq.heappop(self._ready)
            unit = entry[3]
            weight = self._weigh(unit.claims) + 1
            alone = unit.solo or unit.attempts > 0
            if taken and (alone or actions + weight > self._max_actions or size + unit.size > MAX_BYTES):
                passed.append(entry)
                continue
            taken.append(unit)
            actions, size = actions + weight, size + unit.size
            if alone:
                break
        for entry in passed:
            heapq.heappush(self._ready, entry)
        return taken

    def settle(self, unit: Unit, left: Sequence[Unit] = ()) -> None:
        """Takes a unit back. What is `left` of it comes before everything that waits for it."""
        self._pending += len(left) - 1
        for resource in unit.resources:
            queue = self._queues[resource]
            assert queue.popleft() is unit
            queue.extendleft(reversed(left))
        for resource in unit.resources:
            if queue := self._queues[resource]:
                self._offer(queue[0])
            else:
                del self._queues[resource]

    def _offer(self, unit: Unit) -> None:
        """Makes the unit ready if it waits for nothing in any of its queues."""
        queues = [self._queues[resource] for resource in unit.resources]
        if not unit.offered and all(queue[0] is unit for queue in queues):
            unit.offered = True
            heapq.heappush(self._ready, (unit.attempts, -max(map(len, queues)), next(self._order), unit))

    def _units(self, steps: Iterable[Step]) -> list[Unit]:
        units: list[Unit] = []
        open_units: dict[Hashable, Unit] = {}
        for step in steps:
            unit = open_units.get(step.write.target)
            if unit is None or not self._has_room(unit) or not unit.join(step):
                unit = open_units[step.write.target] = Unit([step])
                units.append(unit)
        return units

    def _has_room(self, unit: Unit) -> bool:
        return self._weigh(unit.claims) + 2 <= self._max_actions and unit.size < MAX_BYTES // 2

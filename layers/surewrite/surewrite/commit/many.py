"""Many writes at once, as if one by one in their order, in as few transactions as can be (group commit).

Writes of one item that go together become one action. Lanes (the message groups of a FIFO queue) are fed entry by
entry, side by side: the schedule knows nothing of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from ..errors import Blocked, CallFailed, InvalidRequest, KeyReused, Problem, Rejected, Retryable
from ..writes import MAX_WRITES, AnyWrite, BulkWrite, Target, TransactWrite, Write
from .bulk import ChunkUnit, chunk_units, incomplete
from .engine import MIN_COMMIT_TIME, Engine
from .failures import forget_frames
from .idempotency_key import IdempotencyKey
from .item_unit import ItemUnit
from .order import by_slots
from .outcome import Result, replayed
from .placement import Load, Placement
from .records import Claim, Record
from .schedule import MAX_ACTIONS, MAX_BYTES
from .session import Call, Session
from .steps import Step
from .transact import TransactUnit
from .units import Unit


@dataclass(frozen=True)
class Entry:
    """One request of many, with its key.

    Entries of one `lane` are committed in their order, and none after one that was not applied: those are Blocked.
    `source` is the id of the message that asks for it: a delivery of that message that was rejected stays rejected.
    Where it was `redelivered`, its key may well be consumed: the ledger is asked first, because a cancelled transaction
    costs as much as one that commits.
    """

    write: AnyWrite
    key: IdempotencyKey
    lane: str | None = None
    source: str | None = None
    redelivered: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.write, Write) and self.write.kind == "check":
            raise InvalidRequest(Problem((), "a check is part of a transaction only"))
        if isinstance(self.write, TransactWrite) and len(self.write.writes) == MAX_WRITES:
            raise InvalidRequest(
                Problem((), f"with a key a transaction has at most {MAX_WRITES - 1} writes and checks")
            )


def commit_many(
    session: Session, entries: Sequence[Entry], call: Call, *, parallel: int = 8, ordered: bool = True
) -> list[Result]:
    """A result for each entry, in order; at most `parallel` calls at a time. What the deadline cuts off is a
    DeadlineExceeded of its own. Without `ordered`, entries without a lane may be committed in another order."""
    groups: Sequence[Sequence[int]] = [range(len(entries))]
    if not ordered:
        groups = by_slots(session.ledger, [entry.key if entry.lane is None else None for entry in entries])
    order = [position for group in groups for position in group]
    entries = [entries[position] for position in order]
    ends = {*accumulate(map(len, groups))}
    run = _Run(session, entries, call.placement, _known(session, entries, call), ends)
    engine = Engine(session, call, run.finish, settled=run.settled, parallel=parallel, min_time=MIN_COMMIT_TIME)
    engine.run(run.begin())
    for result in run.results.values():
        if result.error is not None:
            forget_frames(result.error)
    return [run.results[index] for index in sorted(range(len(entries)), key=order.__getitem__)]


@dataclass
class _Bulk:
    """A bulk write under way: the targets and the results of its chunks by their tickets."""

    index: int
    chunks: dict[int, Sequence[Target]]
    results: dict[int, Result] = field(default_factory=dict)

    def missing(self) -> set[Target]:
        """The items of the chunks that were not applied, as far as is known."""
        left = [targets for ticket, targets in self.chunks.items() if self.results[ticket].outcome is None]
        return {target for targets in left for target in targets}

    @property
    def result(self) -> Result:
        """Of all chunks: the first that was not applied, else a replay if all of them are."""
        results = [self.results[ticket] for ticket in self.chunks]
        for result in results:
            if result.outcome is None:
                return result
        first = next((one for one in results if one.outcome and not one.outcome.replayed), results[0])
        assert first.outcome is not None
        return Result(replace(first.outcome, version=None))


class _Run:
    """The bookkeeping of one call: which entries wait for which results. Its methods are called one at a time."""

    def __init__(
        self,
        session: Session,
        entries: Sequence[Entry],
        placement: Placement,
        known: Mapping[IdempotencyKey, Record | None],
        ends: Container[int],
    ) -> None:
        self.results: dict[int, Result] = {}
        self._session = session
        self._entries, self._placement, self._known, self._ends = entries, placement, known, ends
        self._lanes: dict[str, deque[int]] = {}
        self._bulks: dict[int, _Bulk] = {}
        self._leaders: dict[IdempotencyKey, Step] = {}
        self._followers: defaultdict[int, list[int]] = defaultdict(list)
        self._decided: dict[IdempotencyKey, tuple[str, Result]] = {}
        self._tickets = len(entries)
        uses = Counter(entry.key for entry in entries)
        self._repeated = {key for key, count in uses.items() if count > 1}
        self._in_turn = {
            entry.key
            for entry in entries
            if entry.key in self._repeated and (entry.lane is not None or not isinstance(entry.write, Write))
        }

    def begin(self) -> list[Unit]:
        """The units that may be committed at first, in order: entries without a lane, and the heads of the lanes."""
        units: list[Unit] = []
        open_units: dict[Target, tuple[ItemUnit, Load]] = {}
        for index, entry in enumerate(self._entries):
            if index in self._ends:  # of a group: units of the next one claim in other slots
                open_units.clear()
            if entry.lane is not None:
                lane = self._lanes.setdefault(entry.lane, deque())
                lane.append(index)
                if len(lane) > 1:
                    continue
            elif (result := self._before(entry)) is not None:
                self.results[index] = result
                continue
            if entry.lane is not None or not isinstance(entry.write, Write):
                added = self._units(index)
                for target in (one for unit in added for one in unit.resources if isinstance(one, Target)):
                    open_units.pop(target, None)
                units += added
            elif (step := self._step(index, entry.write)) is not None:
                load = self._placement.load([step.claim] if step.claim is not None else [])
                unit, joined = open_units.get(entry.write.target, (None, load))
                if unit is not None and _has_room(unit, joined, load) and unit.join(step):
                    joined.add(load)
                else:
                    unit = ItemUnit.of(step)
                    open_units[entry.write.target] = unit, load
                    units.append(unit)
        return units

    def _before(self, entry: Entry) -> Result | None:
        """The result of an entry whose key is known to be consumed, or its delivery to be rejected."""
        if isinstance(entry.write, BulkWrite) or (record := self._known.get(entry.key)) is None:
            return None
        claim = Claim.of(entry.write, entry.key, entry.source)
        return replayed(claim, record) if claim.barred_by(record) else None

    def settled(self, unit: Unit) -> Sequence[tuple[int, Result]]:
        """The result that a unit has before it is committed: of an earlier entry with its key, or of its bulk write."""
        if isinstance(unit, ChunkUnit):
            bulk = self._bulks[unit.ticket]
            first = bulk.results.get(next(iter(bulk.chunks)))
            return [(unit.ticket, first)] if first is not None and first.outcome is None else ()
        step = unit if isinstance(unit, TransactUnit) else unit.steps[0] if isinstance(unit, ItemUnit) else None
        if step is None or not step.contested:
            return ()
        assert step.claim is not None
        fingerprint, result = self._decided.get(step.claim.key, ("", None))
        if result is None or (result.final and result.outcome is None):
            return ()
        return [(step.ticket, _repeat(result, same=fingerprint == step.claim.fingerprint))]

    def finish(self, ticket: int, result: Result) -> Iterable[Unit]:
        """Keeps a result; the units that have waited for it."""
        if (bulk := self._bulks.get(ticket)) is not None:
            bulk.results[ticket] = result
            if len(bulk.results) < len(bulk.chunks):
                return []
            ticket, result = bulk.index, self._bulk_result(bulk)
        self.results[ticket] = result
        entry = self._entries[ticket]
        if entry.key in self._repeated and not isinstance(result.error, KeyReused):
            self._decided[entry.key] = (entry.write.fingerprint, result)
        units = [unit for follower in self._followers.pop(ticket, ()) for unit in self._follow(follower, ticket)]
        return [*units, *self._advance(entry.lane, result)]

    def _bulk_result(self, bulk: _Bulk) -> Result:
        """One that may be sent again names what is missing."""
        result, write = bulk.result, self._entries[bulk.index].write
        if not isinstance(result.error, Retryable) or not isinstance(write, BulkWrite):
            return result
        error = incomplete(self._session, write, bulk.missing())
        error.__cause__ = result.error
        return Result(error=error)

    def _advance(self, name: str | None, result: Result) -> list[Unit]:
        """The next of a lane; all that are left are blocked where one was not applied."""
        if name is None:
            return []
        lane = self._lanes[name]
        lane.popleft()
        if result.outcome is not None:
            return self._units(lane[0]) if lane else []
        blocked = Result(error=Blocked("an earlier request of the lane has to be settled first"))
        self.results.update(dict.fromkeys(lane, blocked))
        return []

    def _follow(self, index: int, leader: int) -> list[Unit]:
        """What becomes of an entry that has waited for the first one with its key."""
        result = self.results[leader]
        entry, first = self._entries[index], self._entries[leader]
        if isinstance(result.error, Rejected) and entry.source != first.source:
            return self._units(index)  # only that delivery was rejected
        same = entry.write.fingerprint == first.write.fingerprint
        if same or result.outcome is not None or not result.final:
            self.results[index] = _repeat(result, same=same)
            return []
        return self._units(index)

    def _step(self, index: int, write: Write) -> Step | None:
        """The entry's step; None if it repeats the key of one that cannot be refused, and so shares its fate."""
        entry = self._entries[index]
        claim = Claim.of(write, entry.key, entry.source)
        step = Step(index, write, claim)
        if entry.key not in self._repeated:
            return step
        leader = self._leaders.setdefault(entry.key, step)
        in_turn = entry.key in self._in_turn or not leader.certain
        if leader is not step and not in_turn:
            self._followers[leader.ticket].append(index)
            return None
        return replace(step, contested=in_turn)

    def _units(self, index: int) -> list[Unit]:
        """The entry's units, by themselves."""
        entry = self._entries[index]
        contested = entry.key in self._repeated
        if isinstance(entry.write, TransactWrite):
            claim = Claim.of(entry.write, entry.key, entry.source)
            return [TransactUnit(index, entry.write, claim, contested=contested)]
        if isinstance(entry.write, Write):
            claim = Claim.of(entry.write, entry.key, entry.source)
            return [ItemUnit.of(Step(index, entry.write, claim, contested=contested))]
        units = chunk_units(entry.write, entry.key, entry.source, self._tickets)
        self._tickets += len(units)
        bulk = _Bulk(index, {unit.ticket: unit.targets for unit in units})
        self._bulks.update(dict.fromkeys(bulk.chunks, bulk))
        return list(units)


def _known(session: Session, entries: Sequence[Entry], call: Call) -> Mapping[IdempotencyKey, Record | None]:
    """What the ledger holds of the keys of those that were redelivered; nothing where it cannot be read."""
    keys = dict.fromkeys(entry.key for entry in entries if entry.redelivered)
    try:
        return session.records(list(keys), call) if keys else {}
    except (CallFailed, Retryable):
        return {}


def _has_room(unit: ItemUnit, joined: Load, load: Load) -> bool:
    """Whether one more claim has room in a transaction with a unit and its claims."""
    actions = joined.with_(load)
    return actions is not None and actions + unit.weight <= MAX_ACTIONS and unit.size < MAX_BYTES // 2


def _repeat(result: Result, *, same: bool) -> Result:
    """What becomes of a key's later entry: the earlier one's result, if it asks for the same."""
    if result.outcome is None:
        return result
    return Result(result.outcome.as_replay()) if same else Result(error=KeyReused())

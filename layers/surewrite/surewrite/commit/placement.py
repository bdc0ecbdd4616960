"""`Placement`: where the claims of a run go, a slot or a record of their own, and what a cancellation says of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import Conflict, Retryable
from ..model.wire import Wire
from . import slots
from .failures import CHECK_FAILED, transient
from .ledger import Ledger, packed
from .records import Claim, Record, claim_action
from .slots import MAX_CLAIMS, Slot


class Load:
    """How many keys of which slot are claimed together, and how many records."""

    __slots__ = ("records", "slots")

    def __init__(self) -> None:
        self.slots: dict[str, int] = {}
        self.records = 0

    @property
    def actions(self) -> int:
        """The actions of a transaction that claim them."""
        return len(self.slots) + self.records

    def add(self, other: Load) -> None:
        self.records += other.records
        for slot, count in other.slots.items():
            self.slots[slot] = self.slots.get(slot, 0) + count

    def with_(self, other: Load) -> int | None:
        """The actions together with another's, None if they claim too many keys of one slot."""
        own, added = self.slots, 0
        for slot, count in other.slots.items():
            before = own.get(slot, 0)
            if before + count > MAX_CLAIMS:
                return None
            added += not before
        return len(own) + added + self.records + other.records


class Standing(NamedTuple):
    """What a cancellation says of one claim.

    Nothing: the key is free. `record`: it stood in the way. `undecided`: a failure that passes left it open, `shared`
    by all claims of a slot. `elsewhere`: the key has a record of its own, and has to be claimed there.
    """

    record: Record | None = None
    undecided: Retryable | None = None
    shared: bool = False
    elsewhere: bool = False


_FREE, _ELSEWHERE = Standing(), Standing(elsewhere=True)


class Placement:
    """Where the claims of one run go. It learns from the slots that stood in the way: what a slot holds, it holds as
    long as it stands, a closed slot gets no more keys, and a marked key stays so."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen: dict[str, Slot] = {}
        self._count = itertools.count(1)
        self.learned = 0
        """Counts what it has learned: as long as it stays the same, so do the places of all claims."""

    def place(self, claim: Claim) -> tuple[str | None, Slot | None]:
        """The id of the slot to claim the key in, None for a record of its own; then also the slot that excludes it."""
        slot = self._ledger.slot(claim.key)
        if slot is None or (seen := self._seen.get(slot)) is None:
            return slot, None
        excluded = seen.excludes(slots.attribute(claim.key), self._ledger.close_at)
        return (None, seen) if excluded else (slot, None)

    def load(self, claims: Iterable[Claim]) -> Load:
        """What claiming them takes."""
        load = Load()
        for claim in claims:
            slot, _ = self.place(claim)
            if slot is not None:
                load.slots[slot] = load.slots.get(slot, 0) + 1
            if slot is None or claim.rejected is not None:
                load.records += 1
        return load

    def learn(self, seen: Slot) -> None:
        """Takes note of a slot that was seen."""
        before = self._seen.get(seen.id)
        self._seen[seen.id] = seen
        if self._excludes(seen) or (before is not None and self._excludes(before)):
            self.learned = next(self._count)  # at last, for other threads place claims meanwhile

    def _excludes(self, seen: Slot) -> bool:
        return seen.size >= self._ledger.close_at or None in seen.keys.values()

    def consumed(self, claims: Sequence[Claim]) -> list[Record | None]:
        """The records of those keys that are known to be consumed; empty if none is. So a slot that cancels one
        transaction cancels no other."""
        if not self._seen:
            return []
        records = [self._record(claim) for claim in claims]
        return records if any(record is not None for record in records) else []

    def _record(self, claim: Claim) -> Record | None:
        slot = self._ledger.slot(claim.key)
        if slot is None or (seen := self._seen.get(slot)) is None:
            return None
        value = seen.keys.get(slots.attribute(claim.key))
        return None if value is None else packed(value, seen)

    def moved(self, slot: str, expires_at: int) -> None:
        """Takes note that a slot's expiry was moved."""
        if (seen := self._seen.get(slot)) is not None:
            self._seen[slot] = seen._replace(expires_at=expires_at)

    def plan(self, claims: Sequence[Claim]) -> Plan:
        """The actions that claim the keys."""
        return Plan(self, self._ledger, claims)


class Plan:
    """The actions of a transaction that claim keys. It is made from the claims of all of its parts."""

    def __init__(self, placement: Placement, ledger: Ledger, claims: Sequence[Claim]) -> None:
        self._placement, self._ledger, self._claims = placement, ledger, claims
        self._now = ledger.clock()
        self._slots: dict[str, list[Claim]] = {}
        self._records: list[Claim] = []
        self._excluding: dict[str, tuple[Slot, set[str]]] = {}
        for claim in claims:
            slot, excluding = placement.place(claim)
            if slot is not None:
                self._slots.setdefault(slot, []).append(claim)
            if slot is None or claim.rejected is not None:
                self._records.append(claim)
            if excluding is not None:
                self._excluding.setdefault(excluding.id, (excluding, set()))[1].add(slots.attribute(claim.key))

    @property
    def keys(self) -> list[Wire]:
        """The primary keys of what the actions write."""
        ids = [*self._slots, *(claim.key.record_id for claim in self._records)]
        return [{"id": {"S": one}} for one in ids]

    @property
    def repeatable(self) -> bool:
        """Whether the actions may be made twice: they record rejections."""
        return bool(self._records) and not self._slots and all(one.rejected is not None for one in self._records)

    @property
    def overfull(self) -> bool:
        """Whether a slot is to take more keys than one action can claim."""
        return any(len(claims) > MAX_CLAIMS for claims in self._slots.values())

    @property
    def _expiry(self) -> int:
        """When the records expire."""
        return int(self._now + self._ledger.retention)

    @property
    def _slot_expiry(self) -> int:
        """When the slots expire in which it claims, and those that it moves."""
        return self._expiry + slots.MARGIN

    def moves(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The UpdateItems that must be made first, by their slots: a record may not outlive the slot that says that
        there is one, for in a slot that is born again its key could be claimed once more."""
        ledger, expires_at = self._ledger, self._slot_expiry
        for slot, names in self._excluding.values():
            if slot.expires_at < self._expiry:
                yield slot.id, slots.move_request(ledger.table, slot, sorted(names), expires_at, ledger.close_at)

    def outlives(self, slot: str, item: Wire | None) -> bool:
        """Takes note that a slot was moved, or of the `item` that stood in the way of it: False if it does not exclude
        the same keys any more."""
        if item is None:
            self._placement.moved(slot, self._slot_expiry)
            return True
        seen, (_, names) = Slot.from_wire(slot, item), self._excluding[slot]
        self._placement.learn(seen)
        same = all(seen.excludes(name, self._ledger.close_at) for name in names)
        return same and seen.expires_at >= self._expiry

    def actions(self) -> list[dict[str, Any]]:
        """The actions, those on slots first."""
        ledger, now, expires_at = self._ledger, self._now, self._slot_expiry
        return [
            *(
                slots.claim_action(ledger.table, slot, [_entry(one) for one in claims], expires_at, ledger.close_at)
                for slot, claims in self._slots.items()
            ),
            *(claim_action(ledger.table, claim, now, ledger.retention) for claim in self._records),
        ]

    def standings(self, reasons: Sequence[Mapping[str, Any]]) -> list[Standing]:
        """What the reasons of the actions say of each claim, in the claims' order. The item of a failed condition is
        the one that stood in the way, or, where AWS did not bring it, that was read since."""
        standings: dict[int, Standing] = {}
        for (slot, claims), reason in zip(self._slots.items(), reasons, strict=False):
            for claim, standing in zip(claims, self._in_slot(slot, claims, reason), strict=True):
                standings[id(claim)] = standing
        for claim, reason in zip(self._records, reasons[len(self._slots) :], strict=True):
            before = standings.get(id(claim), _FREE)
            standings[id(claim)] = self._by_record(claim, reason) if before == _FREE else before
        return [standings[id(claim)] for claim in self._claims]

    def _in_slot(self, slot: str, claims: Sequence[Claim], reason: Mapping[str, Any]) -> list[Standing]:
        code = reason.get("Code", "None")
        if code != CHECK_FAILED:
            undecided = transient(code)
            return [_FREE if undecided is None else Standing(undecided=undecided, shared=True)] * len(claims)
        seen = Slot.from_wire(slot, reason.get("Item"))
        self._placement.learn(seen)
        standings = [self._seen(claim, seen) for claim in claims]
        return standings if any(one is not _FREE for one in standings) else [_raced(shared=True)] * len(claims)

    def _seen(self, claim: Claim, slot: Slot) -> Standing:
        name = slots.attribute(claim.key)
        if (value := slot.keys.get(name)) is not None:
            return Standing(packed(value, slot))
        return _ELSEWHERE if slot.excludes(name, self._ledger.close_at) else _FREE

    def _by_record(self, claim: Claim, reason: Mapping[str, Any]) -> Standing:
        code = reason.get("Code", "None")
        if code != CHECK_FAILED:
            undecided = transient(code)
            return _FREE if undecided is None else Standing(undecided=undecided)
        item: Wire | None = reason.get("Item")
        record = self._ledger.standing(item) if item else None
        return Standing(record) if claim.barred_by(record) else _raced()


def _raced(*, shared: bool = False) -> Standing:
    return Standing(undecided=Conflict("another request was about to use the key"), shared=shared)


def _entry(claim: Claim) -> tuple[str, bytes | None]:
    return slots.attribute(claim.key), None if claim.rejected is not None else slots.short(claim.fingerprint)

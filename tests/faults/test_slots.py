"""Faults where keys share a record: at every call of a claim that goes from a slot to a record of its own, in what a
cancellation says of a slot, and at random while many workers fill it."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite import Boto3Transport, Deadline, Entry, Write, attr
from surewrite.errors import Throttled, Unavailable
from surewrite.testing import (
    Crash,
    Exactly,
    Fault,
    FaultTransport,
    InterceptingTransport,
    Randomly,
    RecordingTransport,
    cancellation,
    client_error,
)
from tests.engine.house import RETENTION, House, Keys
from tests.engine.test_slots import kinds
from tests.faults.proxy import drawn_from
from tests.faults.test_unpromised import EDITS
from tests.faults.ways import WAYS, broken, check, edited, fitting, no_sleep, prepare, shown, until_done
from tests.models import Book

PAST = RETENTION + 2 * 86_400


def view(name: str) -> Write:
    return Write.update(Book, ("slots", name), {attr("Views").add(1)})


@pytest.fixture
def slot(name: str) -> Keys:
    """Makes keys of a slot of the test's own."""
    return Keys("packed", scope=name)


def views(house: House, name: str) -> int:
    return int((house.shown(Book, ("slots", name)) or {}).get("Views", 0))


def close(house: House, keys: Keys, name: str) -> House:
    """A house in which the slot is closed, and does not hold the key of that name."""
    house = house.closing_at(1)
    house.db.commit(view(f"{name}, other"), keys("other"))
    return house


def mark(house: House, keys: Keys, name: str) -> House:
    """A house in which the key of that name was rejected, for another message."""
    house.db.reject(keys(name), "f", "no", source="m1")
    return house


Elsewhere = Callable[[House, Keys, str], House]
elsewhere = pytest.mark.parametrize("elsewhere", [close, mark], ids=["closed", "marked"])


# --- at every call ---------------------------------------------------------------------------------------------------

CALLS = {way: (*WAYS[way].operations, "TransactWriteItems") for way in ("blind if", "pinned if")}
ONE_FAULT = [
    pytest.param(way, call, fault, id=f"{way}, call {call}, {fault.name}")
    for way, operations in CALLS.items()
    for call, operation in enumerate(operations, 1)
    for fault in fitting(operation)
]


@elsewhere
@pytest.mark.parametrize(("way", "call", "fault"), ONE_FAULT)
def test_a_claim_that_goes_from_its_slot_to_a_record(
    house: House, name: str, slot: Keys, elsewhere: Elsewhere, way: str, call: int, fault: Fault
) -> None:
    house = elsewhere(house, slot, name)
    write, key = prepare(house, WAYS[way], name, slot)
    transport = broken(house, Exactly({call: fault}))
    outcome = until_done(house, transport, lambda writer: writer.commit(write, key))
    assert transport.injected == {call: fault}
    assert house.record(key) is not None
    check(house, WAYS[way], name, outcome, slot)


@elsewhere
@pytest.mark.parametrize("fault", fitting("UpdateItem"))
def test_a_move(house: House, name: str, slot: Keys, elsewhere: Elsewhere, fault: Fault) -> None:
    """The slot has expired: it is moved before a key that it excludes is claimed by a record."""
    house, key = elsewhere(house, slot, name).late(-PAST), slot(name)
    calls = RecordingTransport(Boto3Transport(house.client))
    transport = FaultTransport(calls, Exactly({2: fault}), sleep=no_sleep)
    outcome = until_done(house, transport, lambda writer: writer.commit(view(name), key))
    assert (transport.injected, outcome.replayed) == ({2: fault}, False)
    assert "UpdateItem" in calls.operations
    assert (house.record(key) or {})["expires_at"] <= (house.slot(key) or {})["expires_at"]
    assert house.db.commit(view(name), key).replayed
    assert views(house, name) == 1


@elsewhere
@pytest.mark.parametrize("explained", [True, False])
def test_a_move_that_another_worker_has_made(
    house: House, name: str, slot: Keys, elsewhere: Elsewhere, explained: bool
) -> None:
    """AWS need not bring the slot: it is read, and the key claimed by its record without another look."""
    house, key = elsewhere(house, slot, name).late(-PAST), slot(name)
    calls = RecordingTransport(Boto3Transport(house.client))

    def moved_before(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        if operation != "UpdateItem":
            return calls(operation, request)
        calls(operation, request)
        with pytest.raises(ClientError) as failed:
            calls(operation, request)
        item = {"Item": failed.value.response["Item"]} if explained else {}  # type: ignore[typeddict-item]
        raise client_error(operation, "ConditionalCheckFailedException", **item)

    assert not house.on(moved_before, no_sleep).commit(view(name), key).replayed
    read = [] if explained else ["GetItem"]
    move = ["UpdateItem", "UpdateItem", *read]
    assert calls.operations == ["TransactWriteItems", *move, "TransactWriteItems"]


# --- what a cancellation says ----------------------------------------------------------------------------------------


@elsewhere
@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
def test_what_aws_does_not_promise_of_a_slot(
    house: House, name: str, slot: Keys, elsewhere: Elsewhere, edit: Any
) -> None:
    """That a cancellation brings it, or names it beside an item's failed condition."""
    house = elsewhere(house, slot, name)
    house.seed(*(Book(author="slots", title=title) for title in (name, f"{name}, never")))
    once = Write.update(Book, ("slots", name), {attr("Views").add(1)}, attr("Views").eq(0))
    never = Write.update(Book, ("slots", f"{name}, never"), {attr("Views").add(1)}, attr("Views").eq(7))
    transport = edited(house, edit)
    db = house.on(transport, no_sleep)
    batch = [
        Entry(once, slot(name), source="m2"),
        Entry(never, slot("never")),
        Entry(view(f"{name}, beside"), slot("beside")),
    ]
    assert kinds(db.commit_many(batch)) == {"applied": 2, "ConditionFailed": 1}
    assert transport.edited
    assert kinds(db.commit_many(batch)) == {"replayed": 2, "ConditionFailed": 1}
    # nothing that was rejected for a message is applied for it, before a redrive or after
    again = [Entry(once, slot(name), source="m1"), Entry(once, slot("rejected"), source="m1")]
    house.db.reject(slot("rejected"), once.fingerprint, "no", source="m1")
    assert kinds(db.commit_many(again)) == {"replayed": 1, "Rejected": 1}
    assert (views(house, name), views(house, f"{name}, beside")) == (1, 1)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
@pytest.mark.parametrize("times", [1, 3])
def test_who_claims_in_a_busy_slot_goes_on_together(house: House, name: str, slot: Keys, code: str, times: int) -> None:
    """It is the slot that was in the way, and none of them; nothing else is held up by it."""
    other = Keys("packed", scope=f"{name}, other")
    entries = [Entry(view(f"{name}, {keys.scope} {n}"), keys(str(n))) for n in range(20) for keys in (slot, other)]
    busy, sizes, waits = [True] * times, list[int](), list[float]()
    slot_id = house.db.session.ledger.slot(slot())

    def before(operation: str, request: Mapping[str, Any]) -> None:
        ids = [one["Key"].get("id", {}).get("S") for action in request["TransactItems"] for one in action.values()]
        sizes.append(len(ids))
        if slot_id in ids and busy:
            busy.pop()
            raise cancellation(operation, *(code if one == slot_id else "None" for one in ids))

    db = house.on(InterceptingTransport(Boto3Transport(house.client), before), waits.append)
    assert kinds(db.commit_many(entries, parallel=1)) == {"applied": 40}
    assert len(waits) == times
    assert min(sizes) >= 21
    assert len(sizes) <= times + 2


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.UNPROCESSED, Fault.SERVER_ERROR])
def test_a_throttled_ledger_refuses_nothing(house: House, name: str, slot: Keys, fault: Fault) -> None:
    """It cannot be asked for the keys of what is to be refused: that is to be delivered again."""
    transport = FaultTransport(
        Boto3Transport(house.client),
        lambda _, operation: fault if operation == "BatchGetItem" else Fault.PASS,
        sleep=no_sleep,
    )
    never = Write.update(Book, ("slots", name), {attr("Views").add(1)}, attr("Views").eq(7))
    entries = [Entry(never, slot()), Entry(view(name), slot("other"))]
    refused, applied = house.on(transport, no_sleep).commit_many(entries, deadline=Deadline.after(0.5))
    assert isinstance(refused.error, Throttled | Unavailable)
    assert not refused.final
    assert applied.outcome is not None
    assert kinds(house.db.commit_many([Entry(never, slot())])) == {"ConditionFailed": 1}


# --- at random -------------------------------------------------------------------------------------------------------

WORKERS = 4


@pytest.mark.parametrize("seed", range(5))
def test_workers_that_fill_a_slot(house: House, name: str, slot: Keys, seed: int) -> None:
    """Each of them has the same messages, in another order, and some of them were rejected for another message: every
    key is applied once, by whichever worker, in the slot, after its closing, or beside its mark."""
    house = house.closing_at(15)
    entries = [Entry(view(f"{name} {n % 3}"), slot(str(n)), source="m2") for n in range(40)]
    for entry in entries[::5]:
        house.db.reject(entry.key, "f", "no", source="m1")

    def deliver(number: int) -> Counter[str]:
        chance = drawn_from(seed, number)
        left, transport = chance.sample(entries, len(entries)), transports[number]
        applied = Counter[str]()
        while left:
            batch = chance.sample(left, min(len(left), chance.choice([1, 5, 20])))
            try:
                results = house.on(transport, no_sleep).commit_many(batch, parallel=chance.choice([1, 4]))
            except Crash:
                continue
            applied += kinds([result for result in results if result.outcome is not None])
            done = [entry.key for entry, result in zip(batch, results, strict=True) if result.outcome is not None]
            left = [entry for entry in left if entry.key not in done]
        return applied

    transports = [broken(house, Randomly(seed * WORKERS + number, rate=0.3)) for number in range(WORKERS)]
    with shown(*transports), ThreadPoolExecutor(WORKERS) as pool:
        told = sum(pool.map(deliver, range(WORKERS)), Counter[str]())
        assert sum(len(transport.injected) for transport in transports) >= WORKERS
        assert told["applied"] <= 40
        assert told.keys() <= {"applied", "replayed"}
        assert sum(views(house, f"{name} {n}") for n in range(3)) == 40
        assert all(house.consumed_by(entry.key, entry.write) for entry in entries if isinstance(entry.write, Write))
        assert kinds(house.db.commit_many([replace(entry, source="m1") for entry in entries])) == {"replayed": 40}

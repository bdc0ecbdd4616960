"""A writer that cannot get through says so in time, and has written nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, IdempotencyKey, Write, attr
from surewrite.errors import Conflict, DeadlineExceeded, Retryable, Throttled, Unavailable
from surewrite.testing import Clock, Fault, FaultTransport, InterceptingTransport, RecordingTransport
from tests.engine.house import OWN, House, Keys
from tests.faults.ways import WAYS, book, prepare
from tests.models import Book

ROUND_TRIP = 0.2
SECONDS = 5.0


def commit(house: House, write: Write, key: Any, transport: Any, seconds: float = SECONDS) -> list[float]:
    """Commits with a clock of its own; answers how long it has slept, each time."""
    clock = Clock()
    deadline = clock.deadline(seconds)
    sleeps: list[float] = []

    def slow(operation: str, request: Mapping[str, Any]) -> None:
        assert deadline.remaining() > 0
        clock.now += ROUND_TRIP

    def sleep(duration: float) -> None:
        sleeps.append(duration)
        clock.now += duration
        assert deadline.remaining() > 0

    try:
        house.on(InterceptingTransport(transport, slow), sleep).commit(write, key, deadline=deadline)
    finally:
        assert deadline.remaining() > -ROUND_TRIP
    return sleeps


def always(house: House, fault: Fault, operation: str) -> tuple[FaultTransport, RecordingTransport]:
    """A transport on which each such call meets the fault."""
    faults = FaultTransport(
        Boto3Transport(house.client), lambda _, called: fault if called == operation else Fault.PASS
    )
    return faults, RecordingTransport(faults)


STUCK = [
    (Fault.THROTTLE, Throttled),
    (Fault.CANCELLED_BY_THROTTLE, Throttled),
    (Fault.CONFLICT, Conflict),
    (Fault.CONFLICT_AT_FIRST, Conflict),
    (Fault.IN_PROGRESS, Conflict),
    (Fault.SERVER_ERROR, Unavailable),
    (Fault.DROP_REQUEST, Unavailable),
]


@pytest.mark.parametrize(("fault", "error"), STUCK)
@pytest.mark.parametrize("way", WAYS)
def test_it_gives_up_in_time(
    house: House, name: str, keys: Keys, way: str, fault: Fault, error: type[Retryable]
) -> None:
    write, key = prepare(house, WAYS[way], name, keys)
    before = house.stored(write.model, write.key)
    faults, calls = always(house, fault, "TransactWriteItems")
    with pytest.raises(error):
        commit(house, write, key, calls)
    # it has tried for as long as it could
    assert len(faults.injected) > 3
    assert house.stored(write.model, write.key) == before
    assert house.holds(key) is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.THROTTLE, Throttled), (Fault.UNPROCESSED, Throttled), (Fault.SERVER_ERROR, Unavailable)],
)
def test_it_gives_up_reading_in_time(house: House, name: str, keys: Keys, fault: Fault, error: type[Retryable]) -> None:
    write, key = prepare(house, WAYS["pinned"], name, keys)
    faults, calls = always(house, fault, "BatchGetItem")
    with pytest.raises(error):
        commit(house, write, key, calls)
    assert set(calls.operations) == {"BatchGetItem"}
    assert len(faults.injected) > 3
    assert house.holds(key) is None


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.CONFLICT, Fault.SERVER_ERROR])
def test_a_plain_write_gives_up_in_time(house: House, name: str, fault: Fault) -> None:
    write, _ = prepare(house, WAYS["blind"], name, OWN)
    _, calls = always(house, fault, "UpdateItem")
    with pytest.raises({Fault.THROTTLE: Throttled, Fault.CONFLICT: Conflict}.get(fault, Unavailable)):
        commit(house, write, None, calls)
    assert (house.stored(Book, ("a", name)) or {})["_v"] == "seeded"


@pytest.mark.parametrize("keyed", [True, False])
def test_losing_every_race_is_a_conflict(house: House, name: str, keys: Keys, keyed: bool) -> None:
    """Before each commit somebody else changes the item."""
    write, key = prepare(house, WAYS["pinned by validators"], name, keys)
    rivals = 0

    def race(operation: str, request: Mapping[str, Any]) -> None:
        nonlocal rivals
        if operation in ("TransactWriteItems", "UpdateItem"):
            rivals += 1
            house.db.commit(Write.update(write.model, name, {attr("high").add(1)}))

    with pytest.raises(Conflict):
        commit(house, write, key if keyed else None, InterceptingTransport(Boto3Transport(house.client), race))
    assert rivals > 3
    assert house.shown(write.model, name) == {"id": name, "low": 1, "high": 1 + rivals}
    assert house.holds(key) is None


@pytest.mark.parametrize("keyed", [True, False])
def test_a_race_lost_a_few_times_is_won_in_the_end(house: House, name: str, keys: Keys, keyed: bool) -> None:
    write, key = prepare(house, WAYS["pinned by validators"], name, keys)
    send = RecordingTransport(Boto3Transport(house.client))
    rivals = 0

    def race(operation: str, request: Mapping[str, Any]) -> None:
        nonlocal rivals
        if operation in ("TransactWriteItems", "UpdateItem") and rivals < 3:
            rivals += 1
            house.db.commit(Write.update(write.model, name, {attr("high").add(1)}))

    sleeps = commit(house, write, key if keyed else None, InterceptingTransport(send, race))
    assert len(sleeps) == 3
    # one read at the beginning: each lost race has brought the item
    assert send.operations == (
        ["BatchGetItem", *["TransactWriteItems"] * 4] if keyed else ["GetItem", *["UpdateItem"] * 4]
    )
    assert house.shown(write.model, name) == {"id": name, "low": 2, "high": 2 + rivals}


WITHOUT_TIME: list[Callable[[House, IdempotencyKey, Any], object]] = [
    lambda house, key, options: house.db.commit(Write.put(book("x")), **options),
    lambda house, key, options: house.db.find(key, **options),
    lambda house, key, options: house.db.reject(key, "f", "bad", **options),
    lambda house, key, options: house.db.session.item(
        Book, Book.schema_.key(("a", "x")), house.db.session.begin(**options)
    ),
]


@pytest.mark.parametrize("do", WITHOUT_TIME, ids=["commit", "find", "reject", "read"])
@pytest.mark.parametrize("seconds", [-1, 0, 0.01])
def test_without_time_nothing_is_sent(
    house: House, keys: Keys, do: Callable[[House, IdempotencyKey, Any], object], seconds: float
) -> None:
    house.transport.calls.clear()
    clock = Clock()
    with pytest.raises(DeadlineExceeded):
        do(house, keys(), {"deadline": clock.deadline(seconds)})
    assert house.operations == []


@pytest.mark.parametrize("way", WAYS)
def test_without_time_a_keyed_write_sends_nothing(house: House, name: str, keys: Keys, way: str) -> None:
    write, key = prepare(house, WAYS[way], name, keys)
    calls = RecordingTransport(Boto3Transport(house.client))
    with pytest.raises(DeadlineExceeded):
        commit(house, write, key, calls, seconds=0)
    assert calls.calls == []


def test_waits_grow_and_differ(house: House, name: str, keys: Keys) -> None:
    """Full jitter: drawn between 0 and a bound that doubles up to a second."""
    write, key = prepare(house, WAYS["blind"], name, keys)
    _, calls = always(house, Fault.THROTTLE, "TransactWriteItems")
    clock = Clock()
    deadline = clock.deadline(60)
    sleeps: list[float] = []

    def sleep(duration: float) -> None:
        sleeps.append(duration)
        clock.now += duration

    with pytest.raises(Throttled):
        house.on(calls, sleep).commit(write, key, deadline=deadline)
    assert len(set(sleeps)) == len(sleeps) > 30
    assert all(0 <= wait <= min(1, 0.025 * 2**number) for number, wait in enumerate(sleeps))
    assert max(sleeps) > 0.3


def test_a_number_of_seconds_is_no_deadline(house: House) -> None:
    wrong: Any = 5
    with pytest.raises(TypeError, match=r"deadline: a Deadline is needed, as Deadline.after\(5\)"):
        house.table(Book).get(("a", "b"), deadline=wrong)

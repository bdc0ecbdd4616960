"""Nothing is forgotten before its time: a slot stands longer than all that was claimed in it, or because of it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, Entry, IdempotencyKey, Write, attr
from surewrite.testing import InterceptingTransport
from tests.engine.house import PACKED, RETENTION, House
from tests.engine.test_slots import kinds
from tests.models import Book

DAY = 86_400
HOUR = 3600
PAST = RETENTION + 2 * DAY
"""Seconds after which a slot has expired."""

FIRST, SECOND, THIRD = (PACKED(name) for name in ("first", "second", "third"))


def view(key: IdempotencyKey, source: str | None = None) -> Entry:
    return Entry(Write.update(Book, ("a", "t"), {attr("Views").add(1)}), key, source=source)


def commit(house: House, key: IdempotencyKey, source: str | None = None) -> str:
    """What becomes of the request."""
    (kind,) = kinds(house.db.commit_many([view(key, source)]))
    return kind


def total(house: House) -> int:
    return int((house.shown(Book, ("a", "t")) or {}).get("Views", 0))


def expires_at(house: House) -> int:
    """When the slot does."""
    return int((house.slot(FIRST) or {})["expires_at"])


def close(house: House) -> House:
    """A house whose slot is closed, by its first key."""
    house = house.closing_at(1)
    assert commit(house, FIRST) == "applied"
    return house


def mark(house: House) -> House:
    """A house whose slot is open, and has the mark of the second key, which was rejected for the message m1."""
    assert commit(house, FIRST) == "applied"
    house.db.reject(SECOND, "f", "no", source="m1")
    return house


BOTH = pytest.mark.parametrize("prepare", [close, mark], ids=["closed", "marked"])
Prepare = Callable[[House], House]


# --- slots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("passed", [RETENTION, RETENTION + DAY, PAST, 100 * PAST])
def test_a_slot_counts_as_long_as_it_stands(house: House, passed: float) -> None:
    """A key may be remembered longer, never shorter."""
    assert commit(house, FIRST) == "applied"
    house.clock.now += passed
    assert house.db.find(FIRST) is not None
    assert commit(house, FIRST) == "replayed"
    assert total(house) == 1


def test_a_slot_that_is_gone_is_forgotten(house: House) -> None:
    assert commit(house, FIRST) == "applied"
    house.clock.now += PAST
    house.forget(FIRST)
    assert house.db.find(FIRST) is None
    assert [commit(house, FIRST) for _ in range(2)] == ["applied", "replayed"]
    assert total(house) == 2


def test_every_claim_moves_the_expiry(house: House) -> None:
    for key in (FIRST, SECOND):
        house.clock.now += DAY
        assert commit(house, key) == "applied"
        assert expires_at(house) == int(house.clock.now) + RETENTION + DAY
    house.clock.now += 1
    assert commit(house, FIRST) == "replayed"
    assert expires_at(house) == int(house.clock.now) - 1 + RETENTION + DAY


@pytest.mark.parametrize("hours", [-12, 12])
def test_a_clock_that_differs_by_hours_shortens_no_memory(house: House, hours: int) -> None:
    """Whichever clock is right, and whoever comes last: the margin is a day."""
    assert commit(house, FIRST) == "applied"
    other = house.late(hours * HOUR)
    assert commit(other, SECOND) == "applied"
    assert expires_at(house) >= max(house.clock.now, other.clock.now) + RETENTION - 1


# --- records under a slot --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("hours", range(0, 61, 6))
def test_no_record_outlives_the_slot_that_excludes_its_key(house: House, prepare: Prepare, hours: int) -> None:
    house = prepare(house)
    house.clock.now += hours * HOUR
    assert commit(house, SECOND, "m2") == "applied"
    record = house.record(SECOND) or {}
    assert record["expires_at"] == int(house.clock.now) + RETENTION
    assert record["expires_at"] <= expires_at(house)
    assert [commit(house, SECOND, "m2"), total(house)] == ["replayed", 2]


@BOTH
def test_nor_does_a_rejection(house: House, prepare: Prepare) -> None:
    """Else the message that was rejected would be applied in the slot that is born again."""
    house = prepare(house)
    house.clock.now += PAST
    house.db.reject(SECOND, "f", "not yet", source="m2")
    assert (house.record(SECOND) or {})["expires_at"] <= expires_at(house)
    assert commit(house, SECOND, "m2") == "Rejected"


@BOTH
def test_a_slot_is_moved_only_where_it_has_to_be(house: House, prepare: Prepare) -> None:
    house = prepare(house)
    house.transport.calls.clear()
    assert commit(house, SECOND, "m2") == "applied"
    assert house.operations == ["TransactWriteItems"] * 2
    house.clock.now += PAST
    entries = [view(SECOND, "m3"), view(THIRD)] if prepare is close else [view(SECOND, "m3")]
    assert set(kinds(house.db.commit_many(entries))) == {"applied"}
    # it stands in the way, is moved once, and then its keys are claimed
    assert house.operations == ["TransactWriteItems", "UpdateItem", "TransactWriteItems"]
    assert expires_at(house) == int(house.clock.now) + RETENTION + DAY


def test_a_late_clock_moves_no_slot_back(house: House) -> None:
    house = close(house)
    house.clock.now += PAST
    assert commit(house, SECOND) == "applied"
    before = expires_at(house)
    late = house.late(12 * HOUR)
    assert commit(late, THIRD) == "applied"
    assert expires_at(house) == before


# --- what happens before the move ------------------------------------------------------------------------------------


def between(house: House, happen: Callable[[], object]) -> Any:
    """A writer before whose first move something happens."""
    pending = [happen]

    def before(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "UpdateItem" and pending:
            pending.pop()()

    return house.on(InterceptingTransport(Boto3Transport(house.client), before))


@BOTH
@pytest.mark.parametrize("born_again", [False, True], ids=["gone", "born again"])
def test_a_slot_that_goes_before_it_is_moved(house: House, prepare: Prepare, born_again: bool) -> None:
    """TTL deletes it, and maybe another key is claimed where it was: the new slot says where the key belongs."""
    house = prepare(house)
    house.clock.now += PAST

    def happen() -> None:
        house.forget(FIRST)
        if born_again:
            assert commit(house, THIRD) == "applied"

    assert kinds(between(house, happen).commit_many([view(SECOND, "m2")])) == {"applied": 1}
    assert ("entry" in (house.holds(SECOND) or {})) == (prepare is mark or not born_again)
    assert [commit(house, SECOND, "m2"), commit(house, SECOND, "m3")] == ["replayed"] * 2
    assert total(house) == 2 + born_again


@BOTH
@pytest.mark.parametrize("hours", [0, 12, -12])
def test_the_key_is_claimed_in_the_slot_that_is_born_again(house: House, prepare: Prepare, hours: int) -> None:
    """By another worker, before this one has moved the slot that was: closed again, it holds the key now."""
    house = prepare(house)
    house.clock.now += PAST
    other = house.late(hours * HOUR)

    def happen() -> None:
        house.forget(FIRST)
        assert commit(other, SECOND, "m2") == "applied"

    assert kinds(between(house, happen).commit_many([view(SECOND, "m2")])) == {"replayed": 1}
    assert total(house) == 2


def test_transactions_side_by_side_find_the_slot_gone(house: House) -> None:
    """Each of them was about to move it."""
    house = close(house)
    house.clock.now += PAST
    gone = False

    def before(operation: str, request: Mapping[str, Any]) -> None:
        nonlocal gone
        if operation == "UpdateItem" and not gone:
            gone = True
            house.forget(FIRST)

    db = house.on(InterceptingTransport(Boto3Transport(house.client), before))
    entries = [
        Entry(Write.update(Book, ("b", str(number)), {attr("Views").add(1)}), PACKED(str(number)))
        for number in range(400)
    ]
    assert kinds(db.commit_many(entries)) == {"applied": 400}
    assert kinds(db.commit_many(entries)) == {"replayed": 400}


@BOTH
def test_another_worker_moves_the_slot_first(house: House, prepare: Prepare) -> None:
    house = prepare(house)
    house.clock.now += PAST

    def happen() -> None:
        assert commit(house, SECOND, "m2") == "applied"

    assert kinds(between(house, happen).commit_many([view(SECOND, "m2")])) == {"replayed": 1}
    assert total(house) == 2

"""Rejections: by a record of their own, with a mark in the slot where the key would otherwise be claimed."""

from collections.abc import Callable
from typing import Any

import pytest

from surewrite import Entry, IdempotencyKey, Record, Write, attr
from surewrite.commit.records import Claim
from tests.engine.house import OWN, PACKED, SPREAD, House, Keys, attribute, in_every_way
from tests.engine.test_slots import kinds
from tests.models import Book

WRITE = Write.update(Book, ("a", "t"), {attr("Views").add(1)})


def commit(house: House, key: IdempotencyKey, source: str | None = None) -> str:
    """What becomes of a delivery of the message."""
    (kind,) = kinds(house.db.commit_many([Entry(WRITE, key, source=source)]))
    return kind


def reject(house: House, key: IdempotencyKey, source: str, reason: str = "no") -> Record | None:
    return house.db.reject(key, WRITE.fingerprint, reason, source=source)


def total(house: House) -> int:
    return int((house.shown(Book, ("a", "t")) or {}).get("Views", 0))


def close(house: House, key: IdempotencyKey) -> House:
    """A house in which the key's slot is closed, and does not hold it."""
    house = house.closing_at(1)
    other = IdempotencyKey(key.scope, f"{key.key}-other")
    house.db.commit_many([Entry(Write.update(Book, ("a", "other"), {attr("Views").add(1)}), other)])
    house.transport.calls.clear()
    return house


def mark(house: House, key: IdempotencyKey) -> House:
    """A house in which the key was rejected, for the message m1."""
    reject(house, key, "m1")
    return house


def test_what_a_rejection_leaves(house: House) -> None:
    """Its form must stay the same for as long as ledgers last."""
    assert reject(house, PACKED(), "m1") is None
    assert house.operations == ["TransactWriteItems"]
    slot = house.slot(PACKED()) or {}
    assert (slot["n"], slot[attribute(PACKED())]) == (1, None)
    record = house.record(PACKED()) or {}
    assert (record["rejected"], record["message_ids"]) == ("no", {"m1"})


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_a_redrive_of_a_rejected_message_is_applied_once(house: House, key: Keys, closed: bool) -> None:
    """The message that was rejected stays rejected, before the redrive and, as a replay, after it."""
    house = close(house, key()) if closed else house
    for source in ("m1", "m2"):
        reject(house, key(), source)
    assert [commit(house, key(), source) for source in ("m1", "m2", "m1")] == ["Rejected"] * 3
    assert total(house) == 0
    redrives = [Entry(WRITE, key(), source=source) for source in ("r1", "r2", "r1")]
    assert kinds(house.db.commit_many(redrives)) == {"applied": 1, "replayed": 2}
    assert [commit(house, key(), source) for source in ("m1", "m2", "r1", "r3")] == ["replayed"] * 4
    assert total(house) == 1


def test_a_redrive_may_be_rejected_again(house: House, key: Keys) -> None:
    reject(house, key(), "m1")
    house.operations  # noqa: B018
    reject(house, key(), "r1", "still no")
    # a mark that stands is found once; then the rejection is a call of its own
    assert house.operations == (["TransactWriteItems", "UpdateItem"] if key.shared else ["UpdateItem"])
    assert [commit(house, key(), source) for source in ("m1", "r1")] == ["Rejected"] * 2
    assert [commit(house, key(), source) for source in ("r2", "m1", "r1")] == ["applied", "replayed", "replayed"]
    assert total(house) == 1


APPLIED: dict[str, Callable[[House, IdempotencyKey], House]] = {
    "in its slot": lambda house, key: house,
    "beside a closed one": close,
    "after a rejection": mark,
}


@pytest.mark.parametrize("before", APPLIED.values(), ids=APPLIED)
@pytest.mark.parametrize("source", ["m1", "m2"])
def test_what_was_applied_is_not_rejected(house: House, key: Keys, before: Any, source: str) -> None:
    """The message that is to be rejected is the second delivery of one that was applied, or another one."""
    house = before(house, key())
    assert commit(house, key(), "m2") == "applied"
    held = house.holds(key())
    standing = reject(house, key(), source)
    assert standing is not None
    assert (standing.rejected, standing.matches(WRITE.fingerprint), standing.matches("f")) == (None, True, False)
    assert house.holds(key()) == held
    assert commit(house, key(), source) == "replayed"
    assert total(house) == 1


def test_what_can_be_found(house: House, key: Keys) -> None:
    def found() -> tuple[str | None, bool] | None:
        record = house.db.find(key())
        return None if record is None else (record.rejected, record.matches(WRITE.fingerprint))

    assert found() is None
    reject(house, key(), "m1", "first")
    assert found() == ("first", True)
    house.db.reject(key(), "another request's", "second", source="m2")
    assert found() == ("second", False)
    commit(house, key(), "m3")
    assert found() == (None, True)
    assert reject(house, key(), "m4") is not None
    assert found() == (None, True)


def test_what_can_be_found_beside_others(house: House) -> None:
    """A slot says nothing of keys that it does not hold, open or closed."""
    commit(house, PACKED("a"))
    assert house.db.find(PACKED("b")) is None
    house = house.closing_at(1)
    assert house.db.find(PACKED("b")) is None
    assert commit(house, PACKED("b")) == "applied"
    found = house.db.find(PACKED("b"))
    assert found is not None
    assert not found.packed
    house.clock.now += 101
    assert house.db.find(PACKED("b")) is None
    assert house.db.find(PACKED("a")) is not None


@pytest.mark.parametrize(
    ("key", "closed"),
    [(OWN, False), (PACKED, False), (SPREAD, False), (PACKED, True)],
    ids=["own", "packed", "spread", "closed"],
)
def test_many_rejections_are_few_calls(house: House, key: Keys, closed: bool) -> None:
    """A transaction takes 99 of a slot, or 100 that have records of their own only."""
    house = close(house, key()) if closed else house
    claims = [Claim(key(str(n)), f"f{n}", source=f"m{n}", rejected=f"reason {n}") for n in range(180)]
    assert house.db.reject_many(claims, parallel=1) == [None] * 180
    assert len(house.operations) <= (3 if closed else 2)
    records = house.db.session.records([claim.key for claim in claims], house.db.session.begin())
    assert [records[claim.key].rejected for claim in claims] == [claim.rejected for claim in claims]  # type: ignore[union-attr]
    assert house.db.reject_many(claims, parallel=1) == [None] * 180
    assert kinds(house.db.commit_many([Entry(WRITE, claim.key, source=claim.source) for claim in claims])) == {
        "Rejected": 180
    }
    redrives = [Entry(WRITE, claim.key, source=f"moved {claim.source}") for claim in claims]
    assert kinds(house.db.commit_many(redrives)) == {"applied": 180}
    assert kinds(house.db.commit_many(redrives)) == {"replayed": 180}
    assert total(house) == 180


@in_every_way
def test_rejections_beside_what_was_applied(house: House, key: Keys) -> None:
    """Each gets its own answer: one is recorded, the other's key is consumed."""
    house.db.commit_many([Entry(WRITE, key(str(n))) for n in range(0, 60, 2)])
    claims = [Claim(key(str(n)), WRITE.fingerprint, source=f"m{n}", rejected="no") for n in range(60)]
    found = house.db.reject_many(claims)
    assert [isinstance(one, Record) for one in found] == [n % 2 == 0 for n in range(60)]
    again = house.db.commit_many([Entry(WRITE, key(str(n)), source=f"m{n}") for n in range(60)])
    assert kinds(again) == {"replayed": 30, "Rejected": 30}
    assert (total(house), house.consumed()) == (30, 30)


def test_two_messages_of_one_key_are_rejected_in_one_batch(house: House, key: Keys) -> None:
    claims = [Claim(key(), WRITE.fingerprint, source=f"m{n}", rejected=f"reason {n}") for n in range(3)]
    assert house.db.reject_many(claims) == [None] * 3
    assert [commit(house, key(), f"m{n}") for n in range(3)] == ["Rejected"] * 3
    assert commit(house, key(), "other") == "applied"

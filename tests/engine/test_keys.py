"""What an idempotency key protects: whose it is, how long, which request, and what consumes it."""

from typing import Any

import pytest

from surewrite import IdempotencyKey, Write, attr
from surewrite.commit.outcome import MAX_OUTCOME_BYTES
from surewrite.errors import ConditionFailed, InvalidItem, InvalidKey, KeyReused
from tests.engine.house import OWN, PACKED, RAINMAKER, House, Keys, rainmaker
from tests.models import Book, Product


def view(by: int = 1, **options: Any) -> Write:
    return Write.update(Book, RAINMAKER, {attr("Views").add(by)}, **options)


OTHERS = {
    "another value": view(2),
    "another attribute": Write.update(Book, RAINMAKER, {attr("Stock").add(1)}),
    "another item": Write.update(Book, (RAINMAKER[0], "The Firm"), {attr("Views").add(1)}),
    "another table": Write.update(Product, 1, {attr("QuantityOnHand").add(1)}),
    "a condition": view(when=attr("Views").gte(0)),
    "another representation": view(return_values="ALL_NEW"),
    "a version": view(version="v"),
    "create only": view(absent=True),
    "a put": Write.put(rainmaker(views=1)),
    "a delete": Write.delete(Book, RAINMAKER),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_request_under_the_key_is_refused(house: House, key: Keys, other: str) -> None:
    house.db.commit(view(), key())
    held, item = house.holds(key()), house.stored(Book, RAINMAKER)
    with pytest.raises(KeyReused):
        house.db.commit(OTHERS[other], key())
    assert house.holds(key()) == held
    assert house.stored(Book, RAINMAKER) == item
    assert house.stored(OTHERS[other].model, OTHERS[other].key) in (None, item)


def test_the_same_request_in_another_order_is_a_replay(house: House, key: Keys) -> None:
    actions = [attr("Views").add(1), attr("Stock").add(2), attr("Category").set("x")]
    house.db.commit(Write.update(Book, RAINMAKER, actions), key())
    assert house.db.commit(Write.update(Book, RAINMAKER, reversed(actions)), key()).replayed


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_a_key_belongs_to_its_scope(house: House, key: Keys, returns: Any) -> None:
    for scope in ("alice", "bob", "queue:WritesQueue"):
        assert not house.db.commit(view(return_values=returns), key(scope=scope)).replayed
    assert house.db.commit(view(return_values=returns), key(scope="bob")).replayed
    assert house.shown(Book, RAINMAKER) == {"Author": RAINMAKER[0], "Title": RAINMAKER[1], "Views": 3}
    assert house.consumed() == 3


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
@pytest.mark.parametrize(
    ("passed", "views"), [(0, 1), (99.5, 1), (100, 2), (1000, 2)], ids=["at once", "just in time", "just over", "late"]
)
def test_an_expired_record_counts_as_absent(house: House, returns: Any, passed: float, views: int) -> None:
    house.db.commit(view(return_values=returns), OWN())
    house.clock.now += passed
    assert (house.db.find(OWN()) is None) == (views == 2)
    again = house.db.commit(view(return_values=returns), OWN())
    assert again.replayed == (views == 1)
    assert house.shown(Book, RAINMAKER) == {"Author": RAINMAKER[0], "Title": RAINMAKER[1], "Views": views}
    # what was applied anew is protected anew
    assert house.db.commit(view(return_values=returns), OWN()).replayed
    if views == 2:
        assert (house.record(OWN()) or {})["expires_at"] == int(house.clock.now) + 100
        house.clock.now += 99
        assert house.db.commit(view(return_values=returns), OWN()).replayed


def test_an_expired_record_of_another_request_is_no_reuse(house: House) -> None:
    house.db.commit(view(), OWN())
    house.clock.now += 101
    assert not house.db.commit(view(5), OWN()).replayed
    assert (house.shown(Book, RAINMAKER) or {})["Views"] == 6


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
@pytest.mark.parametrize("fingerprint", ["the same", "another"])
def test_a_rejection_does_not_consume_the_key(house: House, key: Keys, returns: Any, fingerprint: str) -> None:
    write = view(return_values=returns)
    given = write.fingerprint if fingerprint == "the same" else "f"
    assert house.db.reject(key(), given, "InvalidItem: too many") is None
    record = house.db.find(key())
    assert record is not None
    assert (record.rejected, record.outcome, record.fingerprint) == ("InvalidItem: too many", None, given)

    assert not house.db.commit(write, key()).replayed
    assert house.db.commit(write, key()).replayed
    assert (house.shown(Book, RAINMAKER) or {})["Views"] == 1
    assert house.consumed_by(key(), write)
    assert house.consumed() == 1


def test_a_rejection_cannot_overwrite_an_applied_write(house: House, key: Keys) -> None:
    house.db.commit(view(return_values="ALL_NEW"), key())
    before = house.holds(key())
    standing = house.db.reject(key(), "f", "too late")
    assert standing is not None
    assert standing.rejected is None
    assert standing.matches(view(return_values="ALL_NEW").fingerprint)
    assert not standing.matches("f")
    assert house.holds(key()) == before


def test_a_rejection_overwrites_a_rejection(house: House, key: Keys) -> None:
    for reason in ("first", "second"):
        assert house.db.reject(key(), "f", reason) is None
        assert (house.record(key()) or {})["rejected"] == reason
        assert getattr(house.db.find(key()), "rejected", None) == reason


def test_a_rejection_overwrites_an_expired_record(house: House) -> None:
    house.db.commit(view(), OWN())
    house.clock.now += 101
    assert house.db.reject(OWN(), "f", "too late") is None
    assert (house.record(OWN()) or {})["rejected"] == "too late"


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_a_failed_write_consumes_nothing(house: House, key: Keys, returns: Any) -> None:
    house.seed(rainmaker(stock=1))
    with pytest.raises(ConditionFailed):
        house.db.commit(view(when=attr("Views").eq(5), return_values=returns), key())
    with pytest.raises(InvalidItem):
        house.db.commit(Write.update(Book, RAINMAKER, {attr("Stock").add(-2)}, return_values=returns), key())
    assert house.consumed() == 0
    assert house.shown(Book, RAINMAKER) == rainmaker(stock=1).to_image()
    assert not house.db.commit(view(return_values=returns), key()).replayed


def test_find_of_what_nobody_has_used(house: House, key: Keys) -> None:
    assert house.db.find(key()) is None


def test_the_record_of_a_write_without_representation_holds_no_outcome(house: House) -> None:
    house.db.commit(view(), OWN())
    assert house.record(OWN()) == {
        "id": OWN().record_id,
        "fingerprint": view().fingerprint,
        "expires_at": int(house.clock.now) + 100,
    }


@pytest.mark.parametrize("text", ["x", "k" * 241, "schlüssel 🔑/%20#", "0"])
def test_keys_of_any_printable_text(house: House, key: Keys, text: str) -> None:
    assert not house.db.commit(view(), key(text)).replayed
    assert house.db.commit(view(), key(text)).replayed


@pytest.mark.parametrize("text", ["", "k" * 256, "line\nbreak", "\x00"])
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(InvalidKey):
        IdempotencyKey("app", text)


LONG = "x" * (MAX_OUTCOME_BYTES + 1)


@pytest.mark.parametrize(("key", "category"), [(OWN, LONG), (PACKED, "short")], ids=["too large", "packed"])
def test_an_outcome_that_was_not_kept_is_replayed_as_the_current_item(house: House, key: Keys, category: str) -> None:
    actions = {attr("Category").set(category), attr("Views").add(1)}
    write = Write.update(Book, RAINMAKER, actions, return_values="ALL_NEW")
    fresh = house.db.commit(write, key())
    assert fresh.attributes == {"Author": RAINMAKER[0], "Title": RAINMAKER[1], "Category": category, "Views": 1}
    assert not fresh.current
    assert len((house.holds(key()) or {}).get("outcome", "")) < 100

    later = house.db.commit(view(10))
    replay = house.db.commit(write, key())
    assert (replay.replayed, replay.current) == (True, True)
    assert replay.attributes == {**fresh.attributes, "Views": 11}
    assert replay.version == later.version
    assert house.stored(Book, RAINMAKER) == {**fresh.attributes, "Views": 11, "_v": later.version}

    house.db.commit(Write.delete(Book, RAINMAKER))
    replay = house.db.commit(write, key())
    assert (replay.current, replay.attributes, replay.version) == (True, None, None)
    assert house.stored(Book, RAINMAKER) is None


def test_an_outcome_that_just_fits_is_kept(house: House) -> None:
    write = Write.update(Book, RAINMAKER, {attr("Category").set(LONG[:-1000])}, return_values="UPDATED_NEW")
    fresh = house.db.commit(write, OWN())
    replay = house.db.commit(write, OWN())
    assert not replay.current
    assert replay.dump() == fresh.dump()

"""Transactions: writes and checks of several items, all of them or none."""

from collections.abc import Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, Entry, IdempotencyKey, TransactWrite, Write, attr
from surewrite.errors import ConditionFailed, InvalidItem, InvalidRequest, InvalidUpdate, KeyReused, Rejected
from surewrite.testing import InterceptingTransport
from tests.engine.house import RAINMAKER, House, Keys, rainmaker
from tests.models import Book, Offer, Product, Thread, User

DOE = ("johndoe", "Doe")


def order(copies: int = 1, **options: Any) -> list[Write]:
    """A put, an update, a delete and a check."""
    return [
        Write.put(Thread(forum_name="orders", subject="17"), absent=True),
        Write.update(Book, RAINMAKER, {attr("Stock").add(-copies)}, **options),
        Write.delete(Product, 601),
        Write.check(User, DOE, attr("account_type").eq("standard_user")),
    ]


@pytest.fixture(autouse=True)
def stock(house: House) -> None:
    house.seed(
        rainmaker(stock=3), Product(id=601), User(username="johndoe", last_name="Doe", account_type="standard_user")
    )


def untouched(house: House) -> bool:
    book, product = house.stored(Book, RAINMAKER), house.stored(Product, 601)
    return (
        house.stored(Thread, ("orders", "17")) is None
        and book is not None
        and (book["Stock"], book["_v"]) == (3, "seeded")
        and product is not None
    )


def test_all_of_it_is_one_call(house: House, key: Keys) -> None:
    outcome = house.db.transact(order(2), key())
    assert house.operations == ["TransactWriteItems"]
    assert not outcome.replayed
    assert (house.stored(Book, RAINMAKER) or {})["Stock"] == 1
    assert (house.stored(Book, RAINMAKER) or {})["_v"] == outcome.version
    assert (house.stored(Thread, ("orders", "17")) or {})["_v"] == outcome.version
    assert house.stored(Product, 601) is None
    assert (house.stored(User, DOE) or {})["_v"] == "seeded"


def test_a_repetition_is_a_replay(house: House, key: Keys) -> None:
    first = house.db.transact(order(), key())
    again = house.db.transact(order(), key())
    assert again.replayed
    assert again.version == (None if key.shared else first.version)
    assert (house.stored(Book, RAINMAKER) or {})["Stock"] == 2


def test_another_transaction_under_the_key_is_refused(house: House, key: Keys) -> None:
    house.db.transact(order(), key())
    for other in (order(2), order()[:3], order()[::-1]):
        with pytest.raises(KeyReused):
            house.db.transact(other, key())
    with pytest.raises(KeyReused):
        house.db.commit(order()[1], key())


def test_without_a_key_it_is_repeated(house: House) -> None:
    for _ in range(2):
        house.db.transact([Write.update(Book, RAINMAKER, {attr("Stock").add(-1)}), Write.delete(Product, 601)])
    assert (house.stored(Book, RAINMAKER) or {})["Stock"] == 1
    assert house.consumed() == 0


@pytest.mark.parametrize("keyed", [True, False])
def test_one_write_or_one_check(house: House, key: Keys, keyed: bool) -> None:
    named = key("one") if keyed else None
    assert house.db.transact([Write.update(Book, RAINMAKER, {attr("Stock").add(-1)})], named).version
    assert (house.stored(Book, RAINMAKER) or {})["Stock"] == 2
    house.db.transact([Write.check(User, DOE, attr("account_type").exists())], key("two") if keyed else None)
    with pytest.raises(ConditionFailed, match=r"^writes 0: the condition is not met$") as failed:
        house.db.transact([Write.check(User, DOE, attr("age").exists())], key("three") if keyed else None)
    assert (failed.value.image or {})["username"] == "johndoe"
    assert house.consumed() == 2 * keyed


@pytest.mark.parametrize("keyed", [True, False])
def test_a_refusal_names_the_write_and_brings_its_item(house: House, key: Keys, keyed: bool) -> None:
    writes = order(when=attr("Price").eq(10))
    with pytest.raises(ConditionFailed, match=r"^writes 1: the condition is not met$") as failed:
        house.db.transact(writes, key() if keyed else None)
    assert failed.value.location == ("writes", 1)
    assert (failed.value.image or {})["Stock"] == 3
    assert "_v" not in (failed.value.image or {})
    assert untouched(house)
    assert house.consumed() == 0


def test_an_unmet_check_names_itself(house: House, key: Keys) -> None:
    checked = [*order()[:3], Write.check(User, DOE, attr("account_type").eq("super_user"))]
    with pytest.raises(ConditionFailed) as failed:
        house.db.transact(checked, key())
    assert failed.value.location == ("writes", 3)
    assert (failed.value.image or {})["account_type"] == "standard_user"
    missing = [*order()[:3], Write.check(User, ("jane", "Doe"), attr("username").exists())]
    with pytest.raises(ConditionFailed) as failed:
        house.db.transact(missing, key())
    assert (failed.value.location, failed.value.image) == (("writes", 3), None)
    assert untouched(house)


def test_a_check_of_what_must_not_be_there(house: House, key: Keys) -> None:
    house.db.transact([*order()[:3], Write.check(User, ("jane", "Doe"), absent=True)], key())
    assert not untouched(house)


def test_the_models_bounds_hold(house: House, key: Keys) -> None:
    with pytest.raises(InvalidItem) as refused:
        house.db.transact(order(4), key())
    assert [problem.location for problem in refused.value.problems] == [("writes", 1, "Stock")]
    assert untouched(house)
    house.db.transact(order(3), key())


def test_the_models_validators_hold(house: House, key: Keys) -> None:
    """They look at the whole item, so that it is read first, with the record of the key."""
    house.seed(Offer(id="a", low=1, high=3))
    raising = [*order(), Write.update(Offer, "a", {attr("low").add(1)})]
    house.db.transact(raising, key())
    assert house.operations[-2:] == ["BatchGetItem", "TransactWriteItems"]
    assert house.db.transact(raising, key()).replayed
    assert house.operations == ["BatchGetItem"]
    with pytest.raises(InvalidItem, match=r"^writes 1: .*low is above high"):
        house.db.transact([Write.delete(Book, RAINMAKER), Write.update(Offer, "a", {attr("low").add(2)})], key("other"))
    assert house.stored(Book, RAINMAKER) is not None


def test_what_dynamodb_refuses_is_named(house: House, key: Keys) -> None:
    nowhere = [Write.delete(Product, 601), Write.update(Book, RAINMAKER, {attr("Price").increment(1)})]
    with pytest.raises(InvalidUpdate) as refused:
        house.db.transact(nowhere, key())
    assert {problem.location[:2] for problem in refused.value.problems} == {("writes", 1)}
    assert untouched(house)


def test_an_item_that_changes_meanwhile_is_read_again(house: House, key: Keys) -> None:
    house.seed(Offer(id="a", low=1, high=9))
    raced: list[bool] = []

    def race(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and not raced:
            raced.append(True)
            house.seed(Offer(id="a", low=5, high=9), version="another")

    writer = house.on(InterceptingTransport(Boto3Transport(house.client), race), lambda seconds: None)
    writer.transact([Write.update(Offer, "a", {attr("low").add(1)}), Write.delete(Product, 601)], key())
    assert raced
    assert (house.stored(Offer, "a") or {})["low"] == 6


def test_what_is_no_transaction(house: House) -> None:
    with pytest.raises(InvalidRequest, match="at least one"):
        house.db.transact([])
    with pytest.raises(InvalidRequest, match="writes 1: a second write of the same item"):
        house.db.transact([Write.delete(Product, 1), Write.check(Product, 1, attr("Price").exists())])
    with pytest.raises(InvalidRequest, match="writes 0 return_values: a transaction returns no values"):
        house.db.transact([Write.delete(Product, 1, return_values="ALL_OLD")])
    with pytest.raises(InvalidRequest, match="when: a check needs a condition"):
        Write.check(Product, 1)
    check = Write.check(Product, 601, attr("Price").exists())
    for alone in (None, "k"):
        with pytest.raises(InvalidRequest, match="a check is part of a transaction only"):
            house.db.commit(check, alone)


def test_how_many_there_may_be(house: House, key: Keys) -> None:
    many = [Write.put(Product(id=number)) for number in range(101)]
    with pytest.raises(InvalidRequest, match="at most 99 writes and checks, these are 100"):
        house.db.transact(many[:100], key())
    with pytest.raises(InvalidRequest, match="at most 100 writes and checks, these are 101"):
        house.db.transact(many)
    house.db.transact(many[:99], key())
    house.db.transact(many[:100])
    assert house.operations == ["TransactWriteItems"] * 2
    assert (house.stored(Product, 99) or {})["_v"]


def test_among_many(house: House, key: Keys) -> None:
    """As if one by one in their order, replays and refusals included."""
    add = Write.update(Book, RAINMAKER, {attr("Stock").add(1)})
    several = TransactWrite.of(order(4))
    entries = [
        Entry(several, key("a")),  # the stock is too small
        Entry(add, key("b")),
        Entry(several, key("c")),
        Entry(several, key("c")),
        Entry(add, key("c")),
        Entry(add, key("d")),
    ]
    results = house.db.commit_many(entries)
    assert isinstance(results[0].error, InvalidItem)
    assert [result.outcome.replayed if result.outcome else None for result in results[1:]] == [
        False,
        False,
        True,
        None,
        False,
    ]
    assert isinstance(results[4].error, KeyReused)
    assert (house.stored(Book, RAINMAKER) or {})["Stock"] == 1


def test_in_a_lane(house: House, key: Keys) -> None:
    entries = [
        Entry(TransactWrite.of(order()), key("a"), lane="g"),
        Entry(TransactWrite.of([Write.check(Product, 601, attr("Price").exists())]), key("b"), lane="g"),
        Entry(TransactWrite.of([Write.delete(Book, RAINMAKER)]), key("c"), lane="g"),
    ]
    first, second, third = house.db.commit_many(entries)
    assert first.outcome is not None
    assert isinstance(second.error, ConditionFailed)
    assert type(third.error).__name__ == "Blocked"
    assert house.stored(Book, RAINMAKER) is not None


def test_a_delivery_that_was_rejected_stays_rejected(house: House, key: Keys) -> None:
    several = TransactWrite.of(order())
    house.db.reject(key(), several.fingerprint, "bad", source="m1")
    (again,) = house.db.commit_many([Entry(several, key(), source="m1")])
    assert isinstance(again.error, Rejected)
    (redriven,) = house.db.commit_many([Entry(several, key(), source="m2", redelivered=True)])
    assert redriven.outcome is not None
    assert not redriven.outcome.replayed
    (redelivered,) = house.db.commit_many([Entry(several, key(), source="m2", redelivered=True)])
    assert redelivered.outcome is not None
    assert redelivered.outcome.replayed


def test_an_entry_is_no_check_and_has_room_for_its_key() -> None:
    check = Write.check(Product, 601, attr("Price").exists())
    with pytest.raises(InvalidRequest, match="part of a transaction only"):
        Entry(check, IdempotencyKey("app", "k"))
    whole = TransactWrite.of([Write.put(Product(id=number)) for number in range(100)], keyed=False)
    with pytest.raises(InvalidRequest, match="with a key a transaction has at most 99"):
        Entry(whole, IdempotencyKey("app", "k"))

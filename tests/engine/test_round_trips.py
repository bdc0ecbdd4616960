"""How many calls a write takes, and what they are."""

import random
from dataclasses import replace
from typing import Any

import pytest

from surewrite import Entry, IdempotencyKey, Write, attr
from surewrite.errors import ConditionFailed, KeyReused
from tests.engine.house import OWN, PACKED, RAINMAKER, House, Keys, in_every_way, rainmaker
from tests.models import Book, Offer

TRANSACTION = ["TransactWriteItems"]
READ_AND_COMMIT = ["BatchGetItem", "TransactWriteItems"]
READ = ["BatchGetItem"]


def view(**options: Any) -> Write:
    return Write.update(Book, RAINMAKER, {attr("Views").add(1)}, **options)


def test_keyed_without_representation_takes_one_for_the_first_and_one_for_a_replay(house: House, key: Keys) -> None:
    assert not house.db.commit(view(), key()).replayed
    assert house.operations == TRANSACTION
    assert house.db.commit(view(), key()).replayed
    assert house.operations == TRANSACTION
    assert house.shown(Book, RAINMAKER) == {"Author": RAINMAKER[0], "Title": RAINMAKER[1], "Views": 1}


@pytest.mark.parametrize("returns", ["ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"])
def test_keyed_with_representation_takes_two_and_a_replay_one(house: House, key: Keys, returns: Any) -> None:
    assert not house.db.commit(view(return_values=returns), key()).replayed
    assert house.operations == READ_AND_COMMIT
    assert house.db.commit(view(return_values=returns), key()).replayed
    # what was shown is not kept in a slot: the item is
    assert house.operations == ([*READ, "GetItem"] if key.shared else READ)


def test_a_model_with_validators_across_is_read_even_for_nothing(house: House, key: Keys) -> None:
    write = Write.update(Offer, "o1", {attr("low").add(1)})
    assert not house.db.commit(write, key()).replayed
    assert house.operations == READ_AND_COMMIT
    assert house.db.commit(write, key()).replayed
    assert house.operations == READ
    assert house.shown(Offer, "o1") == {"id": "o1", "low": 1}


@pytest.mark.parametrize(
    ("write", "native"),
    [(Write.put(rainmaker()), "PutItem"), (view(), "UpdateItem"), (Write.delete(Book, RAINMAKER), "DeleteItem")],
    ids=["put", "update", "delete"],
)
def test_plain_is_the_native_call(house: House, write: Write, native: str) -> None:
    house.db.commit(write)
    assert house.operations == [native]
    assert house.consumed() == 0


def test_plain_with_validators_across_is_read_and_pinned(house: House) -> None:
    house.db.commit(Write.update(Offer, "o1", {attr("low").add(1)}))
    assert house.operations == ["GetItem", "UpdateItem"]


@pytest.mark.parametrize("keyed", [True, False])
def test_a_failed_condition_brings_the_item_and_asks_the_ledger_for_the_key(
    house: House, key: Keys, keyed: bool
) -> None:
    house.seed(rainmaker(views=3))
    with pytest.raises(ConditionFailed) as failed:
        house.db.commit(view(when=attr("Views").eq(0)), key() if keyed else None)
    assert failed.value.image == rainmaker(views=3).to_image()
    assert house.operations == ([*TRANSACTION, key.look_up] if keyed else ["UpdateItem"])


def test_the_read_before_a_commit_is_strongly_consistent(house: House, key: Keys) -> None:
    house.db.commit(view(return_values="ALL_NEW"), key())
    _, request = house.transport.calls[0]
    assert {table["ConsistentRead"] for table in request["RequestItems"].values()} == {True}
    assert set(request["RequestItems"]) == {house.names["Ledger"], house.names["Books"]}


@pytest.mark.parametrize(
    ("returns", "idempotency_key", "calls"),
    [("ALL_NEW", None, 1), ("NONE", OWN(), 1), ("ALL_NEW", OWN(), 2), ("NONE", PACKED(), 1), ("ALL_NEW", PACKED(), 2)],
)
def test_consumed_capacity_is_reported_for_every_call(
    house: House, returns: Any, idempotency_key: Any, calls: int
) -> None:
    outcome = house.db.commit(view(return_values=returns), idempotency_key, return_consumed_capacity="TOTAL")
    assert [call["ReturnConsumedCapacity"] for _, call in house.transport.calls] == ["TOTAL"] * calls
    tables = {house.names["Books"], *([house.names["Ledger"]] if idempotency_key else [])}
    assert {entry["TableName"] for entry in outcome.consumed} == tables
    assert len(outcome.consumed) == calls * len(tables)
    assert all(entry["CapacityUnits"] > 0 for entry in outcome.consumed)


def test_nothing_is_asked_of_capacity_unless_wanted(house: House, key: Keys) -> None:
    assert house.db.commit(view(), key()).consumed == ()
    assert "ReturnConsumedCapacity" not in house.transport.calls[0][1]


def offers(key: Keys, count: int, items: int) -> list[Entry]:
    writes = [Write.update(Offer, f"o{n % items}", {attr("low").add(1)}) for n in range(count)]
    return [Entry(write, key(str(n))) for n, write in enumerate(writes)]


@in_every_way
@pytest.mark.parametrize(("items", "parallel"), [(1000, 8), (300, 1), (300, 8), (1, 1)])
def test_a_thousand_updates_that_must_see_their_items(house: House, key: Keys, items: int, parallel: int) -> None:
    house.seed(*(Offer(id=f"o{n}", high=2000) for n in range(items)))
    results = house.db.commit_many(offers(key, 1000, items), parallel=parallel)
    assert all(result.outcome is not None for result in results)
    assert len(house.operations) <= 40
    assert sum(offer.low for offer in house.table(Offer).scan(consistent=True)) == 1000


def test_of_updates_that_see_their_item_only_those_that_fit_are_applied(house: House, key: Keys) -> None:
    house.seed(Offer(id="o0", low=0, high=5))
    results = house.db.commit_many(offers(key, 8, 1))
    assert [result.outcome is not None for result in results] == [True] * 5 + [False] * 3
    assert house.shown(Offer, "o0") == {"id": "o0", "low": 5, "high": 5}


@in_every_way
def test_the_deliveries_of_a_thousand_again(house: House, key: Keys) -> None:
    house.seed(*(Offer(id=f"o{n}", high=2000) for n in range(300)))
    house.db.commit_many(offers(key, 1000, 300))
    house.transport.calls.clear()
    again = house.db.commit_many(offers(key, 1000, 300))
    assert all(result.outcome is not None and result.outcome.replayed for result in again)
    assert len(house.operations) <= 40


@in_every_way
def test_what_was_redelivered_is_asked_for_before_it_is_claimed(house: House, key: Keys) -> None:
    """So that a consumed key costs a read, and no transaction of others is cancelled for it."""
    views = [
        Entry(Write.update(Book, ("A", f"T{number % 7}"), {attr("Views").add(1)}), key(str(number)))
        for number in range(60)
    ]
    house.db.commit_many(views[:20], parallel=1)
    house.operations  # noqa: B018
    batch = [replace(entry, redelivered=number < 20) for number, entry in enumerate(views)]
    results = house.db.commit_many(batch, parallel=1)
    assert [result.unwrap().replayed for result in results] == [True] * 20 + [False] * 40
    assert house.operations == ["BatchGetItem", "TransactWriteItems"]


def test_a_redelivered_key_that_belongs_to_another_request_is_refused(house: House, key: Keys) -> None:
    house.db.commit_many([Entry(view(), key())])
    other = Write.update(Book, RAINMAKER, {attr("Views").add(2)})
    (result,) = house.db.commit_many([Entry(other, key(), redelivered=True)])
    assert isinstance(result.error, KeyReused)


def test_a_slot_cancels_one_transaction_and_no_other(house: House) -> None:
    """What it holds is known then: the other duplicates are replays without a call."""
    keys = [IdempotencyKey("queue:q", f"1767225600{number % 300:03}-{number}") for number in range(600)]
    views = [Entry(Write.update(Book, ("A", f"T{n}"), {attr("Views").add(1)}), one) for n, one in enumerate(keys)]
    house.db.commit_many(views[::20], parallel=1)
    house.operations  # noqa: B018
    results = house.db.commit_many(views, parallel=1)
    assert [result.unwrap().replayed for result in results] == [number % 20 == 0 for number in range(600)]
    slots, full = 3, 6  # a transaction has room for 99 items of one slot
    assert house.operations == ["TransactWriteItems"] * (slots + full)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_backlog_in_any_order(house: House, ordered: bool) -> None:
    """2,000 views of one book from ten seconds: a transaction for each half of them, if the order is free."""
    keys = [IdempotencyKey("queue:q", f"{1767225600000 + number * 5}-{number}") for number in range(2000)]
    entries = [Entry(view(), one) for one in keys]
    house.db.commit_many(entries[::100])
    house.operations  # noqa: B018
    chance = random.Random(1)  # noqa: S311
    shuffled = chance.sample(range(2000), 2000)
    batch = [replace(entries[number], redelivered=number % 100 == 0) for number in shuffled]
    results = house.db.commit_many(batch, parallel=1, ordered=ordered)
    assert [result.unwrap().replayed for result in results] == [number % 100 == 0 for number in shuffled]
    transactions = house.operations.count("TransactWriteItems")
    assert transactions == (5 if ordered else 2)
    assert house.shown(Book, RAINMAKER) == {"Author": RAINMAKER[0], "Title": RAINMAKER[1], "Views": 2000}

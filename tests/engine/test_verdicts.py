"""Whose reason is it? Many requests share a transaction, and each is answered for itself."""

from collections.abc import Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, Write, attr
from surewrite.commit.many import Entry
from surewrite.errors import ConditionFailed, InvalidItem, InvalidUpdate
from surewrite.expressions.actions import Action
from surewrite.testing import Exactly, Fault, FaultTransport, InterceptingTransport, client_error
from surewrite.writes import BulkWrite
from tests.engine.house import House, Keys
from tests.models import Book, Offer, Product


def view(title: str, **options: Any) -> Write:
    return Write.update(Book, ("a", title), {attr("Views").add(1)}, **options)


@pytest.mark.parametrize("before", [0, 1])
def test_a_bulk_write_beside_a_condition_that_is_not_met(house: House, key: Keys, before: int) -> None:
    """The actions of a bulk write are several, those of a write are one."""
    bulk = BulkWrite.of([Write.put(Product(id=number)) for number in range(3)])
    unmet = view("unmet", when=attr("Category").exists())
    entries = [Entry(bulk, key("bulk")), Entry(unmet, key("unmet"))]
    entries.insert(before, Entry(view("met"), key("met")))

    house.transport.calls.clear()
    results = dict(zip((entry.key for entry in entries), house.db.commit_many(entries), strict=True))
    # the one cancellation decides: the refusal is confirmed by the ledger, the others go on together
    operations = house.operations
    assert operations.count("TransactWriteItems") == 2
    assert operations[:2] == ["TransactWriteItems", "GetItem"]
    assert isinstance(results[key("unmet")].error, ConditionFailed)
    assert [results[key(name)].outcome is not None for name in ("bulk", "met")] == [True, True]
    assert (house.shown(Book, ("a", "met")) or {})["Views"] == 1
    assert house.shown(Book, ("a", "unmet")) is None
    assert [house.shown(Product, number) is not None for number in range(3)] == [True] * 3
    assert house.consumed() == 2


def test_a_used_key_beside_a_bulk_write(house: House, key: Keys) -> None:
    """A replay is the one of the key that was used, and of no other."""
    house.db.commit(view("used"), key("used"))
    bulk = BulkWrite.of([Write.put(Product(id=number)) for number in range(3)])
    fresh, used, other = house.db.commit_many(
        [Entry(bulk, key("bulk")), Entry(view("used"), key("used")), Entry(view("other"), key("other"))]
    )
    replays = [result.outcome is not None and result.outcome.replayed for result in (fresh, used, other)]
    assert replays == [False, True, False]
    assert (house.shown(Book, ("a", "used")) or {})["Views"] == 1
    assert (house.shown(Book, ("a", "other")) or {})["Views"] == 1


def test_what_does_not_fit_after_others_is_committed_after_them(house: House, key: Keys) -> None:
    """Each update of a validated item meets the item that the one before has left."""
    house.seed(Offer(id="o", low=0, high=10))
    changes = [attr("low").add(8), attr("low").add(5), attr("high").add(10), attr("low").add(5)]
    entries = [Entry(Write.update(Offer, "o", {change}), key(str(number))) for number, change in enumerate(changes)]
    results = house.db.commit_many(entries)
    assert [result.error is None or isinstance(result.error, InvalidItem) for result in results] == [True] * 4
    assert [result.outcome is not None for result in results] == [True, False, True, True]
    assert house.shown(Offer, "o") == {"id": "o", "low": 13, "high": 20}


def test_an_item_that_appears_after_it_was_not_there(house: House, key: Keys) -> None:
    """What was computed for a new item may not be committed to another one's."""
    rivals = [Offer(id="o", low=9)]

    def before(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and rivals:
            house.db.commit(Write.put(rivals.pop()))

    transport = InterceptingTransport(Boto3Transport(house.client), before)
    with pytest.raises(InvalidItem):
        house.on(transport).commit(Write.update(Offer, "o", {attr("low").add(5)}), key())
    assert not rivals
    assert (house.shown(Offer, "o") or {})["low"] == 9


@pytest.mark.parametrize("action", [attr("Views").add(1), attr("Category").set("x")], ids=["uncertain", "certain"])
def test_a_repeated_request_shares_the_transaction_of_the_first(house: House, key: Keys, action: Action) -> None:
    """Whether the first could be refused or not: its result is that of the others."""
    write = Write.update(Book, ("a", "t"), {action})
    results = house.db.commit_many([Entry(write, key("k")) for _ in range(3)])
    assert [result.outcome is not None and result.outcome.replayed for result in results] == [False, True, True]
    assert house.operations == ["TransactWriteItems"]


def test_a_request_that_is_refused_whole_is_refused_for_one(house: House, key: Keys) -> None:
    """DynamoDB does not say for which action: the halves are tried, and the others are applied."""

    def refuse(operation: str, request: Mapping[str, Any]) -> None:
        if "bad" in repr(request.get("TransactItems")):
            raise client_error(operation, "ValidationException")

    titles = ["a", "b", "bad", "c", "d"]
    db = house.on(InterceptingTransport(Boto3Transport(house.client), refuse))
    results = db.commit_many([Entry(view(title), key(title)) for title in titles])
    assert [result.outcome is not None for result in results] == [title != "bad" for title in titles]
    assert isinstance(results[2].error, InvalidUpdate)
    assert [house.shown(Book, ("a", title)) is not None for title in titles] == [title != "bad" for title in titles]


def test_a_transaction_whose_response_was_lost_is_the_same_when_it_is_sent_again(house: House, key: Keys) -> None:
    transport = FaultTransport(Boto3Transport(house.client), Exactly({1: Fault.DROP_RESPONSE}))
    outcome = house.on(transport).commit(view("t"), key())
    assert transport.calls == 2
    assert not outcome.replayed
    assert outcome.version == (house.stored(Book, ("a", "t")) or {})["_v"]

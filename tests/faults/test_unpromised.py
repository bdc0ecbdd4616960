"""What AWS does not promise: that a cancellation names every reason, that it brings the item, that it says the same as
the library's own evaluation. Nothing may be refused, and nothing applied twice, for want of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite import Boto3Transport, BulkWrite, Client, Entry, Transaction, Write, attr
from surewrite.errors import ConditionFailed, InvalidItem, InvalidUpdate
from surewrite.testing import InterceptingTransport, RecordingTransport, cancellation, client_error
from tests.engine.house import House, Keys
from tests.faults.ways import WAYS, book, check, edited, no_sleep, prepare
from tests.faults.wires import only_the_last, without_items
from tests.models import Book, Offer

EDITS = [without_items, only_the_last, lambda reasons: only_the_last(without_items(reasons))]


@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
@pytest.mark.parametrize("way", WAYS)
def test_a_second_delivery_is_a_replay(house: House, name: str, keys: Keys, way: str, edit: Any) -> None:
    write, key = prepare(house, WAYS[way], name, keys)
    outcome = house.db.commit(write, key)
    again = house.on(edited(house, edit), no_sleep).commit(write, key)
    assert again.replayed
    check(house, WAYS[way], name, outcome, keys)


@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
def test_a_second_delivery_of_many_is_a_replay(house: House, name: str, keys: Keys, edit: Any) -> None:
    house.seed(book(name, stock=3))
    once = attr("Views").eq(0)
    entries = [
        Entry(Write.update(Book, ("a", name), {attr("Stock").add(-3)}), keys("1")),
        Entry(Write.update(Book, ("a", name), {attr("Views").add(1)}, once), keys("2")),
    ]
    house.db.commit_many(entries)
    transport = edited(house, edit)
    again = house.on(transport, no_sleep).commit_many(entries)
    assert [result.outcome is not None and result.outcome.replayed for result in again] == [True, True]
    assert transport.edited
    stored = house.shown(Book, ("a", name)) or {}
    assert (stored["Stock"], stored["Views"]) == (0, 1)


@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
def test_what_fits_the_stock_is_applied_and_nothing_else_is_refused(
    house: House, name: str, keys: Keys, edit: Any
) -> None:
    house.seed(book(name, stock=5))
    entries = [Entry(Write.update(Book, ("a", name), {attr("Stock").add(-1)}), keys(str(n))) for n in range(8)]
    results = house.on(edited(house, edit), no_sleep).commit_many(entries)
    assert [result.outcome is not None for result in results] == [True] * 5 + [False] * 3
    assert all(isinstance(result.error, InvalidItem) for result in results[5:])
    assert (house.shown(Book, ("a", name)) or {})["Stock"] == 0


@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
def test_a_bulk_write_is_a_replay(house: House, name: str, keys: Keys, edit: Any) -> None:
    bulk = BulkWrite.of([Write.put(book(name))])
    house.db.bulk_write(bulk, keys())
    assert house.on(edited(house, edit), no_sleep).bulk_write(bulk, keys()).replayed


@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
def test_a_unit_of_work_is_a_replay(house: House, name: str, edit: Any) -> None:
    house.seed(book(name))

    def work(db: Client) -> Any:
        @db.exactly_once("unpromised")
        def sell(tx: Transaction) -> int:
            stock = tx.require(Book, ("a", name)).stock
            tx.update(Book, ("a", name), {attr("Stock").add(-1)})
            return stock

        return sell(idempotency_key=name)

    assert work(house.db) == 1
    assert work(house.on(edited(house, edit), no_sleep)) == 1
    assert (house.shown(Book, ("a", name)) or {})["Stock"] == 0


def test_a_race_without_the_item_is_a_race(house: House, name: str, keys: Keys) -> None:
    """The pinned item has changed, and the cancellation does not bring it: it is read again."""
    house.seed(book(name))
    transport = edited(house, without_items)
    raced: list[bool] = []

    def rival(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        if operation == "TransactWriteItems" and not raced:
            raced.append(True)
            house.table(Book).update(("a", name), {attr("Views").add(10)})
        return transport(operation, request)

    write = Write.update(Book, ("a", name), {attr("Views").add(1)}, return_values="ALL_NEW")
    outcome = house.on(rival, no_sleep).commit(write, keys())
    assert (outcome.attributes or {})["Views"] == 11


@pytest.mark.parametrize("items", [True, False], ids=["with the item", "without"])
@pytest.mark.parametrize("keyed", [True, False])
def test_an_item_that_comes_back_unchanged_is_no_race(
    house: House, name: str, keys: Keys, items: bool, keyed: bool
) -> None:
    """DynamoDB finds a condition unmet that the library's evaluation takes for met: DynamoDB is right, at once."""
    house.seed(Offer(id=name))
    calls: list[str] = []

    def never(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        calls.append(operation)
        if operation == "TransactWriteItems":
            stored = house.client.get_item(TableName=house.names["Offers"], Key={"id": {"S": name}})["Item"]
            item = {"Item": stored} if items else {}
            raise cancellation(operation, "None", {"Code": "ConditionalCheckFailed", **item})
        if operation == "UpdateItem":
            stored = house.client.get_item(TableName=house.names["Offers"], Key={"id": {"S": name}})["Item"]
            response: Any = {
                "Error": {"Code": "ConditionalCheckFailedException", "Message": ""},
                **({"Item": stored} if items else {}),
            }
            raise ClientError(response, operation)
        return Boto3Transport(house.client)(operation, request)

    write = Write.update(Offer, name, {attr("low").add(1)}, attr("high").eq(10))
    with pytest.raises(ConditionFailed) as failed:
        house.on(never, no_sleep).commit(write, keys() if keyed else None)
    assert (failed.value.image or {})["high"] == 10
    assert len(calls) <= 5


@pytest.mark.parametrize("way", WAYS)
def test_an_undecided_key_comes_before_a_refusal(house: House, name: str, keys: Keys, way: str) -> None:
    """[TransactionConflict, ValidationError]: the same for every way, nothing is refused while the key is undecided."""
    write, key = prepare(house, WAYS[way], name, keys)
    send = Boto3Transport(house.client)
    left = 3

    def undecided(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        nonlocal left
        if operation == "TransactWriteItems" and left:
            left -= 1
            raise cancellation(operation, "TransactionConflict", {"Code": "ValidationError", "Message": "no"})
        return send(operation, request)

    outcome = house.on(undecided, no_sleep).commit(write, key)
    assert left == 0
    check(house, WAYS[way], name, outcome, keys)


def test_a_refusal_beside_a_decided_key_stands(house: House, name: str, keys: Keys) -> None:
    house.seed(book(name))
    calls = RecordingTransport(Boto3Transport(house.client))

    def refused(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        if operation == "TransactWriteItems":
            raise cancellation(operation, "None", {"Code": "ValidationError", "Message": "not today"})
        return calls(operation, request)

    write = Write.update(Book, ("a", name), {attr("Views").add(1)})
    with pytest.raises(InvalidUpdate, match="not today"):
        house.on(refused, no_sleep).commit(write, keys())
    assert calls.operations == ["GetItem", keys.look_up]  # the item, for words of our own, and the ledger


def test_a_rejection_that_comes_too_late(house: House, name: str, keys: Keys) -> None:
    """The record of the write that has consumed the key is read where the failed condition does not bring it."""
    write, key = prepare(house, WAYS["pinned"], name, keys)
    house.db.commit(write, key)

    def without_its_item(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "UpdateItem":
            raise client_error(operation, "ConditionalCheckFailedException")

    transport = InterceptingTransport(edited(house, without_items), without_its_item)
    standing = house.on(transport, no_sleep).reject(key, "f", "bad")
    assert standing is not None
    assert standing.rejected is None
    assert standing.matches(write.fingerprint)

"""Batches: chunk by chunk under a key, BatchWriteItem without one."""

from __future__ import annotations

from typing import Any

import pytest

from surewrite import Boto3Transport, Client, Deadline, IdempotencyKey, Ledger, attr
from surewrite.errors import BulkIncomplete, InvalidRequest, KeyReused
from surewrite.testing import Crash, Exactly, Fault, FaultTransport, RecordingTransport
from surewrite.writes import BulkWrite, Write
from tests.engine.house import Keys
from tests.models import Book, Product


@pytest.fixture
def load(key: Keys) -> IdempotencyKey:
    """The key of a batch."""
    return key("load-1")


@pytest.fixture
def calls(dynamodb_client: Any) -> RecordingTransport:
    return RecordingTransport(Boto3Transport(dynamodb_client))


@pytest.fixture
def faults(calls: RecordingTransport) -> FaultTransport:
    """Breaks nothing, unless a test gives it another plan."""
    return FaultTransport(calls, Exactly({}))


@pytest.fixture
def writer(faults: FaultTransport, table_names: dict[str, str]) -> Client:
    return Client(Ledger(table_names["Ledger"]), transport=faults, sleep=lambda seconds: None, tables=table_names)


def products(count: int, quantity: int = 1) -> list[Write]:
    return [Write.put(Product(id=n, quantity_on_hand=quantity)) for n in range(count)]


def stored(writer: Client) -> dict[int, int]:
    return {product.id: product.quantity_on_hand for product in writer.table(Product).scan()}


def test_a_keyed_batch_is_one_transaction_a_chunk(
    writer: Client, load: IdempotencyKey, calls: RecordingTransport
) -> None:
    batch = BulkWrite.of(products(250))
    assert not writer.bulk_write(batch, load).replayed
    assert calls.operations == ["TransactWriteItems"] * 3
    assert stored(writer) == dict.fromkeys(range(250), 1)
    assert writer.bulk_write(batch, load).replayed


def test_a_retry_resumes_where_it_stopped(writer: Client, load: IdempotencyKey, faults: FaultTransport) -> None:
    batch = BulkWrite.of(products(250))
    faults.plan = Exactly({2: Fault.CRASH_AFTER})
    with pytest.raises(Crash):
        writer.bulk_write(batch, load, parallel=1)
    writer.table(Product).update(7, {attr("QuantityOnHand").set(99)})
    assert not writer.bulk_write(batch, load).replayed
    assert stored(writer) == {**dict.fromkeys(range(250), 1), 7: 99}


def test_another_batch_under_the_key_is_refused(writer: Client, load: IdempotencyKey) -> None:
    writer.bulk_write(BulkWrite.of(products(3)), load)
    with pytest.raises(KeyReused):
        writer.bulk_write(BulkWrite.of(products(3, quantity=2)), load)
    assert stored(writer) == dict.fromkeys(range(3), 1)


def test_a_refused_item_is_an_error_and_nothing_of_its_chunk_is_written(writer: Client, load: IdempotencyKey) -> None:
    with pytest.raises(InvalidRequest):
        writer.bulk_write(BulkWrite.of([*products(3), Write.put(Product(id=1, description="x"))], "error"), load)
    assert stored(writer) == {}


@pytest.mark.parametrize(("policy", "kept"), [("first", 1), ("last", 2)])
def test_duplicates(writer: Client, policy: Any, kept: int) -> None:
    writer.bulk_write(BulkWrite.of([*products(2, 1), *products(2, 2)], policy))
    assert stored(writer) == dict.fromkeys(range(2), kept)


def test_duplicates_are_an_error_by_default() -> None:
    with pytest.raises(InvalidRequest, match="2: a second write of the same item"):
        BulkWrite.of([*products(2), *products(1)])


def test_a_batch_holds_plain_puts_and_deletes_only() -> None:
    for write in (
        Write.update(Product, 1, {attr("Price").set(1)}),
        Write.put(Product(id=1), when=attr("Price").eq(1)),
        Write.delete(Product, 1, return_values="ALL_OLD"),
    ):
        with pytest.raises(InvalidRequest, match="plain puts and deletes"):
            BulkWrite.of([write])


def test_without_a_key_it_is_batch_write_item(writer: Client, calls: RecordingTransport) -> None:
    writer.bulk_write(BulkWrite.of(products(60)))
    assert calls.operations == ["BatchWriteItem"] * 3
    writer.bulk_write(BulkWrite.of([Write.delete(Product, n) for n in range(50)]))
    assert stored(writer) == dict.fromkeys(range(50, 60), 1)


def test_unprocessed_items_are_retried(writer: Client, faults: FaultTransport) -> None:
    faults.plan = Exactly(dict.fromkeys(range(1, 5), Fault.UNPROCESSED))
    writer.bulk_write(BulkWrite.of(products(25)))
    assert stored(writer) == dict.fromkeys(range(25), 1)


def test_what_finally_failed_is_named(writer: Client, faults: FaultTransport, table_names: dict[str, str]) -> None:
    faults.plan = lambda call, operation: Fault.UNPROCESSED
    books = [Write.put(Book(author="a", title=str(n))) for n in range(2)]
    with pytest.raises(BulkIncomplete) as failure:
        writer.bulk_write(BulkWrite.of(books), deadline=Deadline.after(0.3))
    assert failure.value.keys == ((table_names["Books"], {"Author": {"S": "a"}, "Title": {"S": "1"}}),)

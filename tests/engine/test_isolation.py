"""What happens to one request of many stays its own: the others go on, and every one gets its result."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, BulkWrite, Deadline, Entry, Write, attr
from surewrite.errors import CallFailed, DeadlineExceeded, InvalidItem, InvalidUpdate, KeyReused, Rejected
from surewrite.testing import InterceptingTransport, cancellation, client_error
from tests.engine.house import OWN, House, Keys
from tests.models import Book, Offer, Product


def view(title: str = "t") -> Write:
    return Write.update(Book, ("a", title), {attr("Views").add(1)})


def low(by: int, offer: str = "o") -> Write:
    """A write that has to see its item."""
    return Write.update(Offer, offer, {attr("low").add(by)})


def test_a_bulk_write_of_nothing_has_a_result(house: House, key: Keys) -> None:
    nothing, something = BulkWrite.of([]), BulkWrite.of([Write.put(Product(id=1))])
    assert not house.db.bulk_write(nothing, key("nothing")).replayed
    assert house.db.bulk_write(nothing, key("nothing")).replayed
    with pytest.raises(KeyReused):
        house.db.bulk_write(something, key("nothing"))
    results = house.db.commit_many([Entry(nothing, key("lane"), lane="l"), Entry(view(), key("next"), lane="l")])
    assert [result.error for result in results] == [None, None]


def test_an_item_that_vanishes_before_writes_that_do_not_fit_together(house: House, key: Keys) -> None:
    """The first is committed again, and the second has its turn after it."""
    house.seed(Offer(id="o"))
    vanishing = [Write.delete(Offer, "o")]

    def before(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and vanishing:
            house.db.commit(vanishing.pop())

    db = house.on(InterceptingTransport(Boto3Transport(house.client), before))
    first, second = db.commit_many([Entry(low(8), key("first")), Entry(low(8), key("second"))])
    assert first.outcome is not None
    assert second.error is not None
    assert (house.shown(Offer, "o") or {})["low"] == 8


def test_what_one_half_has_committed_is_not_told_by_the_other(house: House, key: Keys) -> None:
    """A transaction is refused for one of its writes, and then its second half is denied."""

    def before(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and "bad" in repr(request):
            whole = "good" in repr(request)
            raise client_error(operation, "ValidationException" if whole else "AccessDeniedException")

    db = house.on(InterceptingTransport(Boto3Transport(house.client), before))
    good, bad = db.commit_many([Entry(view(title), key(title)) for title in ("good", "bad")])
    assert good.outcome is not None
    assert isinstance(bad.error, CallFailed)


@pytest.mark.parametrize("order", [1, -1])
def test_a_table_that_cannot_be_read_fails_its_own_writes_only(house: House, key: Keys, order: int) -> None:
    house.seed(Offer(id="o"))

    def denied(operation: str, request: Mapping[str, Any]) -> None:
        if operation in ("GetItem", "BatchGetItem") and house.names["Offers"] in repr(request):
            raise client_error(operation, "AccessDeniedException")

    shown = Write.update(Book, ("a", "shown"), {attr("Views").add(1)}, return_values="ALL_NEW")
    entries = [Entry(low(1), key("denied")), Entry(shown, key("shown")), Entry(view(), key("unread"))][::order]
    db = house.on(InterceptingTransport(Boto3Transport(house.client), denied))
    results = dict(zip((entry.key for entry in entries), db.commit_many(entries), strict=True))
    assert isinstance(results[key("denied")].error, CallFailed)
    assert results[key("shown")].outcome is not None
    assert results[key("unread")].outcome is not None


def test_a_read_that_is_refused_fails_its_own_write_only(house: House, key: Keys) -> None:
    def refuse(operation: str, request: Mapping[str, Any]) -> None:
        if operation in ("GetItem", "BatchGetItem") and "bad" in repr(request):
            raise client_error(operation, "ValidationException")

    for name in ("good", "bad", "fine"):
        house.seed(Offer(id=name))
    db = house.on(InterceptingTransport(Boto3Transport(house.client), refuse))
    results = db.commit_many([Entry(low(1, name), key(name)) for name in ("good", "bad", "fine")])
    assert [result.outcome is not None for result in results] == [True, False, True]


def test_a_slow_read_holds_up_nothing_that_needs_none(house: House) -> None:
    """While one table is throttled, the writes of another one are committed, in transactions of their own."""
    house.seed(Offer(id="o"))
    committed = threading.Event()

    def before(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "GetItem" and house.names["Offers"] in repr(request):
            assert committed.wait(5), "the others wait for this read"

    def after(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        response = transport(operation, request)
        if operation == "TransactWriteItems" and "last" in repr(request):
            committed.set()
        return response

    transport = InterceptingTransport(Boto3Transport(house.client), before)
    bulks = [BulkWrite.of([Write.put(Product(id=100 * n + m)) for m in range(99)]) for n in range(3)]
    entries = [
        Entry(low(1), OWN("read")),
        *(Entry(bulk, OWN(str(n))) for n, bulk in enumerate(bulks)),
        *(Entry(view("last"), OWN(f"last {n}")) for n in range(99)),
    ]
    results = house.on(after).commit_many(entries)
    assert all(result.outcome is not None for result in results)


def test_a_validator_that_breaks_on_a_writes_own_effect(
    house: House, key: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second delivery is a replay, whatever the validator raises on the item that the first has left."""
    (first,) = house.db.commit_many([Entry(low(1), key())])
    assert first.outcome is not None

    def broken(cls: type[Offer], image: Mapping[str, Any]) -> Offer:
        raise TypeError("not foreseen")

    monkeypatch.setattr(Offer, "from_image", classmethod(broken))
    second, other = house.db.commit_many([Entry(low(1), key()), Entry(low(1), key("other"))])
    assert second.outcome is not None
    assert second.outcome.replayed
    assert isinstance(other.error, TypeError)


def test_without_assertions_it_does_the_same() -> None:
    """`python -O` leaves them out, with all that they do."""
    program = """
from surewrite import Client, Entry, IdempotencyKey, Item, PartitionKey, Write
class Note(Item, table="Notes", collection="notes"):
    id: PartitionKey[str]
entries = [Entry(Write.put(Note(id="n")), IdempotencyKey("app", name)) for name in "ab"]
results = Client("Ledger", transport=lambda operation, request: {}).commit_many(entries)
print(sum(result.outcome is not None for result in results))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-O", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() == "2"


@pytest.mark.parametrize("amounts", [[8, 8], [4, 4, 4], [4, 4, 4, 20]], ids=str)
def test_a_refusal_of_some_leaves_what_does_not_fit_after_them(house: House, key: Keys, amounts: list[int]) -> None:
    """DynamoDB refuses the write of those that go together: each has its result, and so has what was to follow."""
    house.seed(Offer(id="o"))

    def refuse(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems":
            raise client_error(operation, "ValidationException")

    db = house.on(InterceptingTransport(Boto3Transport(house.client), refuse))
    results = db.commit_many([Entry(low(amount), key(str(number))) for number, amount in enumerate(amounts)])
    assert [type(result.error) for result in results] == [
        InvalidUpdate if amount < 10 else InvalidItem for amount in amounts
    ]


def test_a_refusal_that_the_ledger_cannot_confirm_is_none(house: House, key: Keys) -> None:
    def denied(operation: str, request: Mapping[str, Any]) -> None:
        if operation == key.look_up and house.names["Ledger"] in repr(request):
            raise client_error(operation, "AccessDeniedException")

    house.seed(Offer(id="o"))
    db = house.on(InterceptingTransport(Boto3Transport(house.client), denied))
    (result,) = db.commit_many([Entry(low(20), key())])
    assert isinstance(result.error, CallFailed)
    assert not result.final


def test_what_has_too_little_time_is_not_begun(house: House, key: Keys) -> None:
    house.transport.calls.clear()
    results = house.db.commit_many([Entry(view(), key()), Entry(low(1), key("low"))], deadline=Deadline.after(0.2))
    assert [type(result.error) for result in results] == [DeadlineExceeded] * 2
    assert house.operations == []


@pytest.mark.parametrize("reasons", [(), ("None", "None")], ids=["none", "empty ones"])
def test_a_cancellation_without_a_reason_is_tried_again_after_a_wait(
    house: House, key: Keys, reasons: tuple[str, ...]
) -> None:
    cancelled = [True]
    waits: list[float] = []

    def cancel(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and cancelled:
            cancelled.pop()
            raise cancellation(operation, *reasons)

    db = house.on(InterceptingTransport(Boto3Transport(house.client), cancel), sleep=waits.append)
    (result,) = db.commit_many([Entry(view(), key())])
    assert result.outcome is not None
    assert len(waits) == 1


def test_waits_for_what_is_busy_double(house: House, key: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surewrite.commit.retry.uniform", lambda low, high: high)
    left, waits = [True] * 4, list[float]()

    def busy(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and left:
            left.pop()
            raise cancellation(operation, "None", "TransactionConflict")

    db = house.on(InterceptingTransport(Boto3Transport(house.client), busy), sleep=waits.append)
    (result,) = db.commit_many([Entry(view(), key())])
    assert result.outcome is not None
    assert waits == [0.025, 0.05, 0.1, 0.2]


def test_what_a_commit_has_left_is_not_read_again(house: House, key: Keys) -> None:
    """Neither for writes that could not go together, nor for what did not fit after others."""
    house.seed(Offer(id="o"))
    apart = [Write.update(Offer, "o", {attr("low").add(1)}, when=attr("id").exists()) for _ in range(3)]
    results = house.db.commit_many([Entry(write, key(str(number))) for number, write in enumerate(apart)])
    assert all(result.outcome is not None for result in results)
    assert house.operations == ["GetItem"] + ["TransactWriteItems"] * 3

    house.db.commit_many([Entry(low(6), key("fits")), Entry(low(6), key("does not"))])
    # the last one asks the ledger for the key that is to be refused
    assert house.operations == ["GetItem", "TransactWriteItems", key.look_up]


def test_writes_of_one_key_never_share_a_transaction(house: House, key: Keys) -> None:
    """DynamoDB would refuse it, for they claim the same record."""
    takes = [Write.update(Book, ("a", title), {attr("Stock").add(-1)}) for title in ("empty", "full")]
    house.seed(Book(author="a", title="empty"), Book(author="a", title="full", stock=1))
    first, second = house.db.commit_many([Entry(write, key()) for write in takes])
    assert isinstance(first.error, InvalidItem)
    assert second.outcome is not None
    assert house.operations == ["TransactWriteItems", key.look_up, "TransactWriteItems"]


def test_what_is_denied_is_not_tried_one_by_one(house: House, key: Keys) -> None:
    """One table is denied, or it is not: there is nothing to find out."""
    calls = list[str]()

    def denied(operation: str, request: Mapping[str, Any]) -> None:
        calls.append(operation)
        if operation == "TransactWriteItems" and house.names["Books"] in repr(request):
            raise client_error(operation, "AccessDeniedException")

    db = house.on(InterceptingTransport(Boto3Transport(house.client), denied))
    entries = [Entry(view(str(number)), key(str(number))) for number in range(8)]
    *books, product = db.commit_many([*entries, Entry(Write.put(Product(id=1)), key("product"))])
    assert all(isinstance(result.error, CallFailed) for result in books)
    assert product.outcome is not None
    assert calls == ["TransactWriteItems"] * 3


def test_a_write_after_a_bulk_write_of_its_item(house: House, key: Keys) -> None:
    """It does not join a write from before."""
    before = Write.update(Product, 1, {attr("Description").set("before"), attr("QuantityOnHand").add(1)})
    after = Write.update(Product, 1, {attr("QuantityOnHand").add(5)})
    bulk = BulkWrite.of([Write.put(Product(id=1, description="bulk"))])
    entries = [Entry(before, key("before")), Entry(bulk, key("bulk")), Entry(after, key("after"))]
    results = house.db.commit_many(entries)
    assert all(result.outcome is not None for result in results)
    shown = house.shown(Product, 1) or {}
    assert (shown["Description"], shown["QuantityOnHand"]) == ("bulk", 5)


def test_a_rejected_delivery_decides_for_no_other(house: House, key: Keys) -> None:
    """Two messages with one key in one batch: one of them has been rejected before."""
    write = Write.update(Book, ("a", "t"), {attr("Category").set("c")})
    house.db.reject(key(), write.fingerprint, "no", source="m1")
    results = house.db.commit_many([Entry(write, key(), source=source) for source in ("m1", "m2", "m2")])
    assert isinstance(results[0].error, Rejected)
    assert [result.outcome is not None and result.outcome.replayed for result in results[1:]] == [False, True]

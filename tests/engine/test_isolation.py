"""What happens to one request of many stays its own: the others go on, and every one gets its result."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, BulkWrite, Entry, Write, attr
from surewrite.errors import CallFailed, KeyReused
from surewrite.testing import InterceptingTransport, client_error
from tests.engine.house import House, key
from tests.models import Book, Offer, Product


def view(title: str = "t") -> Write:
    return Write.update(Book, ("a", title), {attr("Views").add(1)})


def low(by: int, offer: str = "o") -> Write:
    """A write that has to see its item."""
    return Write.update(Offer, offer, {attr("low").add(by)})


def test_a_bulk_write_of_nothing_has_a_result(house: House) -> None:
    nothing, something = BulkWrite.of([]), BulkWrite.of([Write.put(Product(id=1))])
    assert not house.db.bulk_write(nothing, key("nothing")).replayed
    assert house.db.bulk_write(nothing, key("nothing")).replayed
    with pytest.raises(KeyReused):
        house.db.bulk_write(something, key("nothing"))
    results = house.db.commit_many([Entry(nothing, key("lane"), lane="l"), Entry(view(), key("next"), lane="l")])
    assert [result.error for result in results] == [None, None]


def test_an_item_that_vanishes_before_writes_that_do_not_fit_together(house: House) -> None:
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


def test_what_one_half_has_committed_is_not_told_by_the_other(house: House) -> None:
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
def test_a_table_that_cannot_be_read_fails_its_own_writes_only(house: House, order: int) -> None:
    house.seed(Offer(id="o"))

    def denied(operation: str, request: Mapping[str, Any]) -> None:
        if operation in ("GetItem", "BatchGetItem") and house.names["Offers"] in repr(request):
            raise client_error(operation, "AccessDeniedException")

    shown = Write.update(Book, ("a", "shown"), {attr("Views").add(1)}, return_values="ALL_NEW")
    entries = [Entry(low(1), key("denied")), Entry(shown, key("shown")), Entry(view(), key("unread"))][::order]
    db = house.on(InterceptingTransport(Boto3Transport(house.client), denied))
    results = dict(zip((entry.key.key for entry in entries), db.commit_many(entries), strict=True))
    assert isinstance(results["denied"].error, CallFailed)
    assert results["shown"].outcome is not None
    assert results["unread"].outcome is not None


def test_a_read_that_is_refused_fails_its_own_write_only(house: House) -> None:
    def refuse(operation: str, request: Mapping[str, Any]) -> None:
        if operation in ("GetItem", "BatchGetItem") and "bad" in repr(request):
            raise client_error(operation, "ValidationException")

    for name in ("good", "bad", "fine"):
        house.seed(Offer(id=name))
    db = house.on(InterceptingTransport(Boto3Transport(house.client), refuse))
    results = db.commit_many([Entry(low(1, name), key(name)) for name in ("good", "bad", "fine")])
    assert [result.outcome is not None for result in results] == [True, False, True]


def test_a_slow_read_holds_up_nothing_that_needs_none(house: House) -> None:
    """While one table is throttled, the writes of another one are committed."""
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
        Entry(low(1), key("read")),
        *(Entry(bulk, key(str(n))) for n, bulk in enumerate(bulks)),
        *(Entry(view("last"), key(f"last {n}")) for n in range(99)),
    ]
    results = house.on(after).commit_many(entries)
    assert all(result.outcome is not None for result in results)


def test_a_validator_that_breaks_on_a_writes_own_effect(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
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

"""`db.measure`: what everything within consumes."""

from collections.abc import Callable
from typing import Any

import pytest

from surewrite import BulkWrite, Client, Entry, IdempotencyKey, InvalidRequest, Write, attr
from tests.engine.house import RAINMAKER, House, rainmaker
from tests.models import Book, Product, Thread

AUTHOR = attr("Author").eq("John Grisham")
WRITE = Write.update(Book, RAINMAKER, {attr("Views").add(1)})


def _batch(db: Client) -> None:
    with db.table(Book).batch_writer() as batch:
        batch.put(rainmaker())


CALLS: dict[str, Callable[[Client], Any]] = {
    "get": lambda db: db.table(Book).get(RAINMAKER),
    "query": lambda db: list(db.table(Book).query(AUTHOR, page_size=1)),
    "scan": lambda db: list(db.table(Book).scan()),
    "scan in segments": lambda db: list(db.table(Book).scan(segments=3)),
    "page": lambda db: db.table(Book).page(AUTHOR),
    "count": lambda db: db.table(Book).count(),
    "get_many": lambda db: db.table(Book).get_many([RAINMAKER]),
    "of several": lambda db: db.get_many({Book: [RAINMAKER], Product: [1]}),
    "put": lambda db: db.table(Book).put(rainmaker()),
    "update": lambda db: db.table(Book).update(RAINMAKER, {attr("Views").add(1)}),
    "delete": lambda db: db.table(Book).delete(RAINMAKER),
    "commit": lambda db: db.commit(WRITE, "k"),
    "commit_many": lambda db: db.commit_many([Entry(WRITE, IdempotencyKey("app", "k"))]),
    "transact": lambda db: db.transact([WRITE], "k"),
    "bulk_write": lambda db: db.bulk_write(BulkWrite.of([Write.put(rainmaker())])),
    "batch_writer": _batch,
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_measured(house: House, name: str) -> None:
    house.seed(rainmaker())
    with house.db.measure() as usage:
        CALLS[name](house.db)
    assert usage.capacity[house.names["Books"]]["CapacityUnits"] > 0
    assert ("Ledger" in str(usage.capacity)) == (name in ("commit", "commit_many", "transact"))
    CALLS[name](house.db)
    assert all("ReturnConsumedCapacity" not in request for _, request in house.transport.calls[-1:])


def test_calls_are_summed(house: House) -> None:
    house.seed(rainmaker())
    with house.db.measure() as usage:
        for _ in range(4):
            house.table(Book).get(RAINMAKER, consistent=True)
    assert usage.capacity == {house.names["Books"]: {"CapacityUnits": 4.0}}


def test_one_within_another(house: House) -> None:
    books = house.table(Book)
    with house.db.measure() as outer:
        books.get(RAINMAKER)
        with house.db.measure("INDEXES") as inner:
            books.get(RAINMAKER)
            page = books.page(return_consumed_capacity="TOTAL")
    books.get(RAINMAKER)
    assert (len(outer.consumed), len(inner.consumed), len(page.consumed)) == (3, 2, 1)
    levels = [request.get("ReturnConsumedCapacity") for _, request in house.transport.calls]
    assert levels == ["TOTAL", "INDEXES", "INDEXES", None]


def test_a_measure_ends_with_an_error(house: House) -> None:
    with pytest.raises(ZeroDivisionError), house.db.measure():
        _ = 1 / 0
    house.table(Book).get(RAINMAKER)
    assert "ReturnConsumedCapacity" not in house.transport.calls[-1][1]


@pytest.mark.parametrize("level", ["total", "ALL", ""])
def test_another_level_is_refused(house: House, level: str) -> None:
    with pytest.raises(InvalidRequest, match="return_consumed_capacity: one of NONE, TOTAL, INDEXES is needed"):
        house.db.measure(level).__enter__()
    with pytest.raises(InvalidRequest, match="return_consumed_capacity: one of"):
        house.table(Book).page(return_consumed_capacity=level)


def test_none_asks_for_nothing(house: House) -> None:
    assert house.table(Book).page(return_consumed_capacity="NONE").consumed == ()
    with house.db.measure("NONE") as usage:
        house.table(Book).get(RAINMAKER)
    assert usage.capacity == {}


def test_item_collections_of_tables_with_local_indexes(house: House) -> None:
    thread = Thread(forum_name="f", subject="s", last_post_date_time="2016")
    threads = house.table(Thread)
    with house.db.measure("NONE", item_collections=True) as usage:
        threads.put(thread)
        threads.update(("f", "s"), {attr("Views").add(1)}, idempotency_key="k")
        with threads.batch_writer() as batch:
            batch.put(thread)
        threads.get(("f", "s"))
        house.table(Book).put(rainmaker())
    assert usage.capacity == {}
    asked = [request.get("ReturnItemCollectionMetrics") for _, request in house.transport.calls]
    assert asked == ["SIZE", "SIZE", "SIZE", None, "SIZE"]
    assert usage.item_collections.keys() == {house.names["Thread"]}
    for metrics in usage.item_collections[house.names["Thread"]]:
        assert metrics["ItemCollectionKey"] == {"ForumName": {"S": "f"}}
        assert len(metrics["SizeEstimateRangeGB"]) == 2


def test_a_table_itself_has_no_capacity_to_tell_of(house: House) -> None:
    with house.db.measure(item_collections=True) as usage:
        assert house.db.resource(Thread).exists()
    assert usage.capacity == {}

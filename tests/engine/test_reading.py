"""Pages, projections, counts, segments and many keys at once, on the engine."""

from typing import Any

import pytest

from surewrite import Client, InvalidKey, InvalidRequest, Item, ReadIncomplete, Retryable, Throttled, attr
from surewrite.commit.retry import Deadline
from surewrite.testing import Exactly, Fault, FaultTransport
from tests.engine.house import RAINMAKER, House, rainmaker
from tests.models import Book, Product

AUTHOR = attr("Author").eq("John Grisham")


@pytest.fixture
def shelf(house: House) -> list[Book]:
    books = [rainmaker(title=f"{number:03}", stock=number) for number in range(10)]
    house.seed(*books)
    return books


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("where", [None, attr("Stock").lt(4), attr("Stock").lt(0)])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9, 10, 11, None])
@pytest.mark.parametrize("condition", [AUTHOR, None], ids=["query", "scan"])
def test_pages_of_any_size_are_the_whole(
    house: House, shelf: list[Book], condition: Any, limit: int | None, where: Any, descending: bool
) -> None:
    if condition is None and descending:
        with pytest.raises(InvalidRequest, match="a scan has no order"):
            house.table(Book).page(descending=True)
        return
    books = house.table(Book)
    found: list[Book] = []
    scanned, after, pages = 0, None, 0
    while after is not None or not pages:
        page = books.page(condition, where=where, limit=limit, descending=descending, next=after)
        assert page.count == len(page.items) <= page.scanned_count <= (limit or 10)
        found, scanned, after, pages = found + page.items, scanned + page.scanned_count, page.next, pages + 1
    kept = [book for book in shelf if where is None or book.stock < (4 if "4" in repr(where) else 0)]
    assert found == (kept[::-1] if descending else kept)
    assert scanned == 10


def test_iteration_reads_pages_of_the_size_that_was_asked_for(house: House, shelf: list[Book]) -> None:
    books = house.table(Book)
    assert list(books.query(AUTHOR, page_size=4)) == shelf
    assert list(books.scan(page_size=4, limit=6)) == shelf[:6]
    assert [request["Limit"] for _, request in house.transport.calls] == [4, 4, 4, 4, 2]


def test_a_part_of_each_item(house: House, shelf: list[Book]) -> None:
    books = house.table(Book)
    for found in (books.query(AUTHOR, fields=["Stock"]), books.scan(attr("Views").eq(0), fields=iter(["Stock"]))):
        parts = list(found)
        assert [(part.title, part.stock) for part in parts] == [(book.title, book.stock) for book in shelf]
        with pytest.raises(AttributeError):
            _ = parts[0].category


def test_count(house: House, shelf: list[Book]) -> None:
    books = house.table(Book)
    assert (books.count(AUTHOR), books.count(), books.count(AUTHOR, where=attr("Stock").lt(4))) == (10, 10, 4)
    assert {request["Select"] for _, request in house.transport.calls} == {"COUNT"}


def test_segments_are_the_whole_and_share_nothing(house: House) -> None:
    books = [rainmaker(author=f"author {number}") for number in range(20)]
    house.seed(*books)
    parts = [list(house.table(Book).scan(segment=(number, 3))) for number in range(3)]
    assert sorted(book.author for part in parts for book in part) == sorted(book.author for book in books)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"limit": 0}, "limit"),
        ({"segment": (3, 3)}, "segment"),
        ({"segment": (-1, 3)}, "segment"),
        ({"condition": AUTHOR, "segment": (0, 3)}, "segment"),
        ({"fields": "Stock"}, "fields"),
        ({"fields": ["Stok"]}, "Stok"),
    ],
)
def test_what_is_wrong_with_a_page_is_named(house: House, options: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        house.table(Book).page(**options)
    assert house.operations == []


def test_a_page_tells_what_it_consumed(house: House, shelf: list[Book]) -> None:
    (consumed,) = house.table(Book).page(AUTHOR, return_consumed_capacity="TOTAL").consumed
    assert consumed["CapacityUnits"] > 0
    assert house.table(Book).page(AUTHOR).consumed == ()


def test_many_keys_once_each_in_their_order(house: House) -> None:
    products = [Product(id=number, quantity_on_hand=number) for number in range(230)]
    house.seed(*products)
    keys = [*range(229, -1, -1), 5, 5, 1000]
    found = house.table(Product).get_many(keys, consistent=True, return_consumed_capacity="TOTAL")
    assert found.items == products[::-1]
    assert found.missing == [{"Id": 1000}]
    assert len(found.consumed) == 3
    asked = [one for _, request in house.transport.calls for one in request["RequestItems"].values()]
    assert [len(one["Keys"]) for one in asked] == [100, 100, 31]
    assert all(one["ConsistentRead"] for one in asked)


def test_many_keys_of_several_models(house: House) -> None:
    house.seed(rainmaker(stock=7), Product(id=1, quantity_on_hand=3))
    firm = ("John Grisham", "The Firm")
    found = house.on(house.transport).get_many({Book: [RAINMAKER, firm], Product: [1, 2]}, fields={Book: ["Stock"]})
    assert [book.stock for book in found[Book].items] == [7]
    with pytest.raises(AttributeError):
        _ = found[Book].items[0].category
    assert found[Product].items == [Product(id=1, quantity_on_hand=3)]
    assert (found[Book].missing, found[Product].missing) == (
        [{"Author": "John Grisham", "Title": "The Firm"}],
        [{"Id": 2}],
    )
    assert house.operations == ["BatchGetItem"]
    assert house.on(house.transport).get_many({}) == {}
    assert house.table(Book).get_many([]).items == []


def test_what_dynamodb_leaves_is_asked_for_again(house: House) -> None:
    """A response holds 16 MB at most."""
    large = [rainmaker(title=f"{number:03}", category="x" * 350_000) for number in range(60)]
    house.seed(*large)
    keys = [("John Grisham", book.title) for book in large]
    assert house.table(Book).get_many(keys).items == large


def test_what_is_left_until_time_runs_out_is_not_missing(house: House) -> None:
    products = [Product(id=number) for number in range(0, 250, 2)]
    house.seed(*products, rainmaker())
    # the first hundred are read, of the second ever smaller halves, the rest never
    faults = FaultTransport(house.transport, lambda call, _: Fault.UNPROCESSED if call > 1 else Fault.PASS)
    db = house.on(faults, lambda _: None)
    wanted: dict[type[Item], Any] = {Product: range(250), Book: [RAINMAKER]}
    with pytest.raises(ReadIncomplete) as caught:
        db.get_many(wanted, deadline=Deadline.after(0.3))
    assert isinstance(caught.value.__cause__, Retryable)
    found, remaining = caught.value.found, caught.value.remaining
    assert len(found[Product]) + len(remaining[Product]) > len(products)
    faults.plan = Exactly({})
    rest = db.get_many(remaining)
    assert [*found[Product], *rest[Product].items] == products
    assert [*found[Book], *rest[Book].items] == [rainmaker()]


def test_nothing_more_is_asked_for_once_time_has_run_out(house: House) -> None:
    def leave(operation: str, request: Any) -> Any:
        asked.append(len(request["RequestItems"]["ProductCatalog"]["Keys"]))
        return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

    asked: list[int] = []
    products = Client(transport=leave).table(Product)
    with pytest.raises(ReadIncomplete, match=r"250 item\(s\) were not read in time") as caught:
        products.get_many(range(250), deadline=Deadline.after(0.2))
    assert caught.value.found == {Product: []}
    assert caught.value.remaining == {Product: [{"Id": number} for number in range(250)]}
    assert isinstance(caught.value.__cause__, Throttled)
    assert set(asked) == {100}


def test_what_is_no_key_is_named(house: House) -> None:
    with pytest.raises(InvalidKey, match="Id"):
        house.table(Product).get_many([1, "x"])
    with pytest.raises(InvalidRequest, match="a list of keys is needed"):
        house.table(Product).get_many("123")

"""What the guides to boto3 and to DynamoDB's items say about reading, and what other libraries promise of theirs."""

from decimal import Decimal
from typing import Any

import pytest

from surewrite import Client, InvalidKey, Table, attr
from surewrite.errors import CallFailed
from surewrite.testing import Exactly, Fault, FaultTransport, InterceptingTransport, client_error
from tests.engine.house import House, rainmaker
from tests.models import Book, Product, Thread, User

AUTHOR = attr("Author").eq("John Grisham")
EVEN, NEVER = attr("Views").eq(0), attr("Views").eq(2)


# --- working with items and attributes -------------------------------------------------------------------------------


def test_get_item_with_a_projection(house: House) -> None:
    bicycle = Product(id=1, description="Bicycle", price=Decimal(500), related_items=[341, 472], quantity_on_hand=1)
    house.seed(bicycle)
    fields = ["Description", "Price", "RelatedItems"]
    with house.db.measure("TOTAL") as usage:
        product = house.table(Product).get(1, consistent=True, fields=fields)
    assert product is not None
    assert (product.description, product.price, product.related_items) == ("Bicycle", Decimal(500), [341, 472])
    ((_, request),) = house.transport.calls
    assert request["ConsistentRead"] is True
    assert len(usage.capacity) == 1


def test_an_eventually_consistent_read_is_the_default(house: House) -> None:
    house.table(Product).get(1)
    ((_, request),) = house.transport.calls
    assert request["ConsistentRead"] is False


def test_batch_get_item_of_two_threads(house: House) -> None:
    posts = [("Amazon DynamoDB", "DynamoDB Thread 1"), ("Amazon S3", "S3 Thread 1")]
    house.seed(*(Thread(forum_name=forum, subject=subject, message="x", replies=3) for forum, subject in posts))
    fields = ["ForumName", "Subject", "LastPostDateTime", "Replies"]
    found = house.table(Thread).get_many(posts, fields=fields)
    assert [(thread.forum_name, thread.subject, thread.replies) for thread in found.items] == [
        (*post, 3) for post in posts
    ]
    assert found.missing == []
    assert all("message" not in thread.model_fields_set for thread in found.items)
    assert house.operations == ["BatchGetItem"]


# --- boto3's guide ---------------------------------------------------------------------------------------------------


def test_boto3s_conditions(house: House) -> None:
    from boto3.dynamodb.conditions import Attr, Key

    house.seed(*(User(username=f"u{age}", last_name="Doe", age=age, address={"state": "CA"}) for age in range(20, 30)))
    users = house.table(User)
    assert [user.age for user in users.query(Key("username").eq("u25") & Key("last_name").begins_with("D"))] == [25]
    assert sorted(user.age or 0 for user in users.scan(Attr("age").lt(23))) == [20, 21, 22]
    assert users.count(where=Attr("address.state").eq("CA") & ~Attr("age").between(21, 29)) == 1


# --- limits, pages and positions -------------------------------------------------------------------------------------


@pytest.fixture
def books(house: House) -> Table[Book]:
    house.seed(*(rainmaker(title=f"{number:03}", views=number % 2, stock=number) for number in range(30)))
    return house.table(Book)


@pytest.mark.parametrize("limit", [1, 10, 14, 15, 16, 25])
@pytest.mark.parametrize("page_size", [None, 1, 4, 10, 30])
def test_a_limit_counts_what_passes_the_filter(books: Table[Book], limit: int, page_size: int | None) -> None:
    expected = list(range(0, 30, 2))[:limit]
    query = books.query(AUTHOR, where=EVEN, limit=limit, page_size=page_size)
    assert [book.stock for book in query] == expected
    assert [book.stock for book in books.scan(EVEN, limit=limit, page_size=page_size)] == expected
    assert len(list(books.scan(EVEN, limit=limit, page_size=page_size, segments=2))) == len(expected)


@pytest.mark.parametrize(
    ("limit", "page_size", "asked"),
    [(25, None, [25]), (30, None, [30]), (25, 10, [10, 10, 5]), (50, 10, [10, 10, 10, 10]), (None, 20, [20, 20])],
)
def test_no_more_is_read_than_is_needed(
    house: House, books: Table[Book], limit: int | None, page_size: int | None, asked: list[int]
) -> None:
    house.transport.calls.clear()
    assert len(list(books.query(AUTHOR, limit=limit, page_size=page_size))) == min(limit or 30, 30)
    sizes = [request["Limit"] for _, request in house.transport.calls]
    assert sizes == asked[: len(sizes)]
    assert len(sizes) >= len(asked) - 1  # an engine may know that the last page is the last


def test_a_page_whose_items_are_all_filtered_is_not_the_last(books: Table[Book]) -> None:
    page = books.page(AUTHOR, where=NEVER, limit=10)
    assert (page.items, page.count, page.scanned_count) == ([], 0, 10)
    assert page.next is not None
    assert list(books.query(AUTHOR, where=NEVER, page_size=10)) == []


def test_a_position_is_a_key(books: Table[Book]) -> None:
    """So a page can begin behind any item, whether there is one or not."""
    start = {"Author": "John Grisham", "Title": "0105"}
    assert [book.stock for book in books.page(AUTHOR, limit=2, next=start).items] == [11, 12]
    assert [book.stock for book in books.page(AUTHOR, limit=2, next=start, descending=True).items] == [10, 9]


def test_nothing_is_read_before_the_first_item_is_asked_for(house: House, books: Table[Book]) -> None:
    house.transport.calls.clear()
    found = books.query(AUTHOR, page_size=10)
    assert house.operations == []
    for _ in range(10):
        next(found)
    assert house.operations == ["Query"]
    next(found)
    assert house.operations == ["Query"]


def test_counts(house: House, books: Table[Book]) -> None:
    assert (books.count(), books.count(AUTHOR), books.count(attr("Author").eq("x"))) == (30, 30, 0)
    assert books.count(AUTHOR & attr("Title").lt("010"), where=EVEN) == 5
    assert books.count(where=EVEN) == 15


def test_a_count_adds_up_its_pages(house: House) -> None:
    house.seed(*(rainmaker(title=f"{number:03}", category="x" * 350_000) for number in range(8)))
    house.transport.calls.clear()
    assert house.table(Book).count(AUTHOR) == 8
    assert len(house.operations) > 1


def test_a_refused_page_ends_the_iteration(house: House, books: Table[Book]) -> None:
    calls = iter(range(9))

    def refuse(operation: str, request: Any) -> None:
        if next(calls) == 1:
            raise client_error(operation, "AccessDeniedException")

    found = house.on(InterceptingTransport(house.transport, refuse)).table(Book).query(AUTHOR, page_size=10)
    assert [next(found).stock for _ in range(10)] == list(range(10))
    with pytest.raises(CallFailed):
        next(found)
    assert list(found) == []


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.SERVER_ERROR, Fault.DROP_REQUEST, Fault.DROP_RESPONSE])
def test_a_page_is_read_again(house: House, books: Table[Book], fault: Fault) -> None:
    broken = _broken(house, dict.fromkeys((1, 2, 4), fault))
    assert [book.stock for book in broken.table(Book).query(AUTHOR, page_size=10)] == list(range(30))
    assert broken.table(Book).count(AUTHOR) == 30


# --- many keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.UNPROCESSED, Fault.THROTTLE, Fault.SERVER_ERROR, Fault.DROP_RESPONSE])
def test_many_keys_are_all_read(house: House, fault: Fault) -> None:
    products = [Product(id=number, quantity_on_hand=number) for number in range(0, 240, 2)]
    house.seed(*products)
    faults = dict.fromkeys((1, 2, 3, 5), fault)
    found = _broken(house, faults).table(Product).get_many([*range(240), 0, 238])
    assert found.items == products
    assert found.missing == [{"Id": number} for number in range(1, 240, 2)]


@pytest.mark.parametrize("key", ["ab", ("a",), ("a", "b", "c"), {"Author": "a"}])
def test_a_key_with_too_few_or_too_many_values(house: House, key: Any) -> None:
    with pytest.raises(InvalidKey):
        house.table(Book).get_many([key])
    assert house.operations == []


def test_keys_in_every_spelling(house: House) -> None:
    house.seed(rainmaker())
    keys = [rainmaker(), ("John Grisham", "The Rainmaker"), {"Author": "John Grisham", "title": "The Rainmaker"}]
    assert house.table(Book).get_many(iter(keys)).items == [rainmaker()]


def _broken(house: House, faults: dict[int, Fault]) -> Client:
    return house.on(FaultTransport(house.transport, Exactly(faults)), lambda _: None)

"""What is wrong with a read is said by its name, and before anything is called."""

from collections.abc import Callable
from typing import Any

import pytest

from surewrite import InvalidKey, InvalidRequest, attr
from tests.engine.house import House
from tests.models import Book, Product, Thread, User

AUTHOR = attr("Author").eq("John Grisham")
POSITIVE = "a number of at least 1 is needed"
SEGMENT = "a number and a total of at most 1,000,000 above it are needed"
CONDITION = "a condition is needed"


def _same(name: str, reason: str, *values: Any) -> list[tuple[dict[str, Any], str, str]]:
    return [({name: value}, name, reason) for value in values]


OPTIONS = [
    *_same("limit", POSITIVE, 0, -1, "5", 1.5, True),
    *_same("fields", "a list of document paths is needed", "Stock", 5),
    *_same("fields", "a document path is needed", [1], [None]),
    *_same("index", "the name of an index is needed", "", 5, ["ByAuthor"]),
    *_same("consistent", "true or false is needed", "yes", 1),
    *_same("where", CONDITION, "Stock", {"Stock": 1}, attr("Stock").set(1)),
]


@pytest.mark.parametrize(("options", "name", "reason"), OPTIONS)
@pytest.mark.parametrize("read", ["query", "page", "scan", "segments"])
def test_options(house: House, read: str, options: dict[str, Any], name: str, reason: str) -> None:
    books = house.table(Book)
    calls: dict[str, Callable[..., Any]] = {
        "query": lambda **options: books.query(AUTHOR, **options),
        "page": lambda **options: books.page(AUTHOR, **options),
        "scan": books.scan,
        "segments": lambda **options: books.scan(segments=2, **options),
    }
    _refused(house, lambda: calls[read](**options), name, reason)


@pytest.mark.parametrize("size", [0, -1, "5", 1.5, True])
def test_the_size_of_a_page(house: House, size: Any) -> None:
    _refused(house, lambda: house.table(Book).query(AUTHOR, page_size=size), "page_size", POSITIVE)
    _refused(house, lambda: house.table(Book).scan(page_size=size), "page_size", POSITIVE)


@pytest.mark.parametrize(
    "segment", [3, "12", (), (1,), (1, 2, 3), ("1", "2"), (0.5, 2), (4, 4), (-1, 4), (0, 0), (0, 1_000_001)]
)
def test_a_segment(house: House, segment: Any) -> None:
    _refused(house, lambda: house.table(Book).scan(segment=segment), "segment", SEGMENT)


@pytest.mark.parametrize("segments", [0, -1, 101, "4", 2.0, (0, 4)])
def test_segments(house: House, segments: Any) -> None:
    _refused(house, lambda: house.table(Book).scan(segments=segments), "segments", "a number from 1 to 100 is needed")


@pytest.mark.parametrize("condition", ["John Grisham", ("John Grisham", "The Firm"), {"Author": "John Grisham"}])
def test_what_is_no_condition(house: House, condition: Any) -> None:
    _refused(house, lambda: house.table(Book).query(condition), "key", CONDITION)
    _refused(house, lambda: house.table(Book).count(condition), "key", CONDITION)


def test_a_query_without_a_condition_is_no_scan(house: House) -> None:
    nothing: Any = None
    _refused(house, lambda: house.table(Book).query(nothing), "key", CONDITION)


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ("x", "the next of a page is needed"),
        ({}, "username, last_name, account_type, age are needed"),
        ({"username": "a", "last_name": "b"}, "username, last_name, account_type, age are needed"),
        ({"username": "a", "last_name": "b", "account_type": "c", "age": 1, "x": 1}, "username, last_name"),
        ({"username": 1, "last_name": "b", "account_type": "c", "age": 1}, "a string is needed"),
        ({"username": "a", "last_name": "", "account_type": "c", "age": 1}, "a key cannot be empty"),
        ({"username": "a", "last_name": "b", "account_type": object(), "age": 1}, "a string is needed"),
        ({"username": "a", "last_name": "b", "account_type": "c", "age": "1"}, "a number is needed"),
    ],
)
def test_a_position_that_no_page_has_given(house: House, position: Any, reason: str) -> None:
    users, accounts = house.table(User), attr("account_type").eq("anonymous")
    _refused(house, lambda: users.page(accounts, index="ByAccountType", next=position), "next", reason)


def test_indexes(house: House) -> None:
    users, threads = house.table(User), house.table(Thread)
    _refused(house, lambda: users.scan(index="ByAge"), "index", "unknown index, there are ByAccountType")
    weak = "a global index is never read strongly consistent"
    _refused(house, lambda: users.count(index="ByAccountType", consistent=True), "consistent", weak)
    _refused(house, lambda: users.scan(index="ByAccountType", consistent=True, segments=2), "consistent", weak)
    forum = attr("ForumName").eq("f") & attr("LastPostDateTime").begins_with("")
    _refused(house, lambda: threads.query(forum, index="LastPostIndex"), "key", "a key cannot be empty")


@pytest.mark.parametrize("keys", [None, 5, "123", b"123", {"Id": 1}])
def test_what_is_no_list_of_keys(house: House, keys: Any) -> None:
    _refused(house, lambda: house.table(Product).get_many(keys), "keys", "a list of keys is needed")
    _refused(house, lambda: house.db.get_many({Product: keys}), "keys", "a list of keys is needed")


def test_many_keys_without_their_models(house: House) -> None:
    keys: Any = [(Product, 1)]
    _refused(house, lambda: house.db.get_many(keys), "keys", "models and lists of keys are needed")
    _refused(house, lambda: house.table(Product).get_many([1], fields="Price"), "fields", "a list of document paths")


@pytest.mark.parametrize(
    ("key", "name", "reason"),
    [
        (("", "x"), "Author", "a key cannot be empty"),
        (("x", ""), "Title", "a key cannot be empty"),
        ((1, "x"), "Author", "a string is needed"),
        (("x", None), "Title", "a string is needed"),
        ({"Author": "x"}, "Title", "the sort key is missing"),
        ({"Author": "x", "Title": "y", "Stock": 1}, "Stock", "not part of the primary key"),
        ({"Author": {"S": "x"}, "Title": {"S": "y"}}, "Author", "a string is needed"),
    ],
)
def test_a_key(house: House, key: Any, name: str, reason: str) -> None:
    for read in (lambda: house.table(Book).get(key), lambda: house.table(Book).get_many([("a", "b"), key])):
        with pytest.raises(InvalidKey):
            read()
        _refused(house, read, name, reason)


def _refused(house: House, read: Callable[[], Any], name: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read()
    (problem,) = caught.value.problems
    assert (problem.location[0], problem.reason[: len(reason)]) == (name, reason)
    assert house.operations == []

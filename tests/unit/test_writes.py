"""What makes two requests the same one, and how a write is written."""

from itertools import combinations
from typing import Any

import pytest

from surewrite import Write, attr
from surewrite.errors import InvalidRequest, Problem
from surewrite.writes import BulkWrite
from tests.models import Book, Product
from tests.unit.samples import Sample

A: Any = attr
KEY = ("John Grisham", "The Rainmaker")
BOOK = Book(author=KEY[0], title=KEY[1])


def update(*actions: Any, key: Any = KEY, **options: Any) -> Write:
    return Write.update(Book, key, actions or (attr("Views").add(1),), **options)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (update(), update(attr("Views").add(1.0))),
        (update(attr("Views").add(1), attr("Stock").add(2)), update(attr("Stock").add(2), attr("Views").add(1))),
        (update(), update(key={"Title": KEY[1], "Author": KEY[0]})),
        (update(attr("Tags").add({"a", "b", "c"})), update(attr("Tags").add({"c", "b", "a"}))),
        (update(when=A("Price").eq(10)), update(when=A("Price").eq(10.0))),
        (Write.put(BOOK), Write.put(Book(title=KEY[1], author=KEY[0]))),
        (Write.update(Sample, ("a", 1), [attr("extras").set({"a": 1, "b": 2})]),) * 2,
    ],
)
def test_equal_requests_have_one_fingerprint(one: Write, other: Write) -> None:
    assert one.fingerprint == other.fingerprint
    assert len(one.fingerprint) == 32


def test_different_requests_have_different_fingerprints() -> None:
    writes = [
        update(),
        update(attr("Views").add(2)),
        update(attr("Stock").add(1)),
        update(attr("Views").increment(1)),
        update(key=("John Grisham", "The Firm")),
        update(return_values="ALL_NEW"),
        update(version="v1"),
        update(absent=True),
        update(when=A("Price").eq(10)),
        update(when=A("Price").eq(11)),
        update(when=A("Price").ne(10)),
        update(when=~A("Price").eq(10)),
        update(when=A("Category").eq("10")),
        Write.put(BOOK),
        Write.put(Book(author=KEY[0], title=KEY[1], views=0)),
        Write.put(Book(author=KEY[0], title=KEY[1], tags={"a"})),
        Write.delete(Book, KEY),
        Write.delete(Product, 1),
        Write.update(Product, 1, [attr("QuantityOnHand").add(1)]),
    ]
    for one, other in combinations(writes, 2):
        assert one.fingerprint != other.fingerprint, (one, other)


def test_an_update_with_its_condition_and_the_guards() -> None:
    write = update(attr("Price").set(8), when=A("Price").eq(10), version="v1")
    operation, parameters = write.request("books-table", "v2", A("Stock").gte(1))
    assert operation == "Update"
    assert parameters == {
        "TableName": "books-table",
        "Key": {"Author": {"S": KEY[0]}, "Title": {"S": KEY[1]}},
        "UpdateExpression": "SET #1 = :1, #0 = :0",
        "ConditionExpression": "#0 = :2 AND #1 = :3 AND #2 >= :4",
        "ExpressionAttributeNames": {"#0": "Price", "#1": "_v", "#2": "Stock"},
        "ExpressionAttributeValues": {
            ":0": {"N": "8"}, ":1": {"S": "v2"}, ":2": {"N": "10"}, ":3": {"S": "v1"}, ":4": {"N": "1"},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }  # fmt: skip


def test_a_put_where_there_is_nothing() -> None:
    operation, parameters = Write.put(BOOK, absent=True).request("t", "v1")
    assert operation == "Put"
    assert parameters["Item"]["_v"] == {"S": "v1"}
    assert parameters["ConditionExpression"] == "attribute_not_exists(#0)"
    assert parameters["ExpressionAttributeNames"] == {"#0": "Author"}
    assert "ExpressionAttributeValues" not in parameters


def test_a_plain_delete() -> None:
    assert Write.delete(Product, 7).request("t", "v1") == ("Delete", {"TableName": "t", "Key": {"Id": {"N": "7"}}})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: update(return_values="SOME"),
            "return_values: must be one of NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW (update)",
        ),
        (
            lambda: Write.put(BOOK, return_values="UPDATED_OLD"),
            "return_values: must be one of NONE, ALL_OLD, ALL_NEW (put)",
        ),
        (
            lambda: Write.delete(Book, KEY, return_values="ALL_NEW"),
            "return_values: must be one of NONE, ALL_OLD (delete)",
        ),
        (lambda: update(when=A("Prize").eq(1)), "Prize: unknown attribute, did you mean Price?"),
        (lambda: Write.put(BOOK, when=A("Prize").eq(1)), "Prize: unknown attribute, did you mean Price?"),
    ],
)
def test_what_is_refused_at_once(make: Any, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        make()
    assert str(caught.value) == message


def test_targets_tell_items_apart() -> None:
    targets = {
        update().target,
        update(key=("a", "b")).target,
        Write.delete(Product, 1).target,
        Write.delete(Product, 2).target,
    }
    assert len(targets) == 4
    assert update().target == Write.put(BOOK).target


def test_a_misspelt_way_with_duplicates_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        BulkWrite.of([Write.delete(Product, 1)], "frist")  # type: ignore[arg-type]
    assert caught.value.problems == (Problem(("duplicates",), "must be one of error, first, last"),)

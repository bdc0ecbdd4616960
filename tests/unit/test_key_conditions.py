"""What a query takes for its keys and its filter."""

from typing import Any

import pytest

from surewrite import attr
from surewrite.errors import InvalidRequest
from surewrite.expressions.conditions import Condition
from surewrite.reading import Reading
from tests.models import Book, Thing, Thread, User

AUTHOR, TITLE = attr("Author"), attr("Title")
FORUM, SUBJECT, POSTED = attr("ForumName"), attr("Subject"), attr("LastPostDateTime")


@pytest.mark.parametrize(
    "condition",
    [
        AUTHOR.eq("x"),
        AUTHOR.eq("x") & TITLE.between("a", "b"),
        TITLE.begins_with("The") & AUTHOR.eq("x"),
        *(AUTHOR.eq("x") & getattr(TITLE, name)("a") for name in ("eq", "lt", "lte", "gt", "gte")),
    ],
)
def test_a_key_condition(condition: Condition) -> None:
    request = Reading(model=Book, key=condition).request()
    assert set(request["ExpressionAttributeNames"].values()) <= {"Author", "Title"}
    assert request["KeyConditionExpression"].startswith("#0 = :0")
    assert request["ExpressionAttributeNames"]["#0"] == "Author"


@pytest.mark.parametrize(
    ("condition", "location", "reason"),
    [
        (
            AUTHOR.ne("x"),
            ("key", "Author"),
            "a key is found by eq, lt, lte, gt, gte, between and begins_with, joined by &",
        ),
        (AUTHOR.eq("x") | TITLE.eq("y"), ("key",), "a key is found by"),
        (~AUTHOR.eq("x"), ("key",), "a key is found by"),
        (AUTHOR.exists(), ("key", "Author"), "a key is found by"),
        (AUTHOR.eq("x") & TITLE.size().eq(1), ("key", "Title"), "a key is found by"),
        (AUTHOR.eq("x") & TITLE.is_in(["a"]), ("key", "Title"), "a key is found by"),
        (TITLE.eq("x"), ("key", "Author"), "the partition key is missing"),
        (AUTHOR.begins_with("x"), ("key", "Author"), "the partition key has to equal a value"),
        (AUTHOR.between("x", "y"), ("key", "Author"), "the partition key has to equal a value"),
        (AUTHOR.eq("x") & AUTHOR.eq("y"), ("key", "Author"), "a key has one condition"),
        (AUTHOR.eq("x") & TITLE.gt("a") & TITLE.lt("b"), ("key", "Title"), "a key has one condition"),
        (AUTHOR.eq("x") & attr("Stock").eq(1), ("key", "Stock"), "no key: Author and Title may be tested here"),
        (AUTHOR.eq("x") & TITLE.eq(attr("Category")), ("key", "Title"), "a key is compared with values"),
        (AUTHOR.eq("x") & TITLE.ne("a"), ("key", "Title"), "a key is found by"),
        (AUTHOR.eq("x") & TITLE.contains("a"), ("key", "Title"), "a key is found by"),
        (AUTHOR.eq(1), ("key", "Author"), ""),
        (AUTHOR.eq(""), ("key", "Author"), "a key cannot be empty"),
        (AUTHOR.eq("x") & TITLE.begins_with(""), ("key", "Title"), "a key cannot be empty"),
        (AUTHOR.eq("x") & TITLE.between("", "b"), ("key", "Title"), "a key cannot be empty"),
        (AUTHOR.eq("x") & TITLE.begins_with(b"a"), ("key", "Title"), "a string is needed"),
        (AUTHOR.eq("x" * 2049), ("key", "Author"), "longer than 2048 bytes, DynamoDB's limit"),
        (AUTHOR.eq("x") & TITLE.lt("é" * 513), ("key", "Title"), "longer than 1024 bytes, DynamoDB's limit"),
        (attr("Nope").eq(1), ("key", "Nope"), "unknown attribute"),
    ],
)
def test_what_no_key_condition_can_say(condition: Condition, location: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Reading(model=Book, key=condition).request()
    (problem,) = caught.value.problems
    assert problem.location == location
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize(
    ("options", "location", "reason"),
    [
        ({"key": FORUM.eq("f") & SUBJECT.eq("s")}, ("key", "Subject"), "no key: ForumName and LastPostDateTime may"),
        ({"key": POSTED.eq("2016")}, ("key", "ForumName"), "the partition key is missing"),
        ({"key": FORUM.eq("f"), "where": POSTED.exists()}, ("where", "LastPostDateTime"), "a key of what is queried"),
        ({"key": FORUM.eq("f"), "where": ~FORUM.size().gt(3)}, ("where", "ForumName"), "a key of what is queried"),
        ({"where": attr("Nope").exists()}, ("where", "Nope"), "unknown attribute"),
        ({"index": "Nope"}, ("index",), "unknown index, there are LastPostIndex"),
    ],
)
def test_what_is_wrong_with_the_read_of_an_index(options: Any, location: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Reading(**{"model": Thread, "index": "LastPostIndex", **options}).request()
    (problem,) = caught.value.problems
    assert problem.location == location
    assert problem.reason.startswith(reason)


def test_a_number_has_no_beginning() -> None:
    with pytest.raises(InvalidRequest, match="key number: a number has no beginning"):
        Reading(model=Thing, key=attr("id").eq(b"x") & attr("number").begins_with("1")).request()


def test_what_may_be_filtered() -> None:
    by_post = Reading(model=Thread, index="LastPostIndex", key=FORUM.eq("f"), where=SUBJECT.begins_with("s"))
    assert by_post.request()["FilterExpression"] == "begins_with(#1, :1)"
    scan = Reading(model=Thread, where=SUBJECT.eq("s") & FORUM.eq("f"))
    assert scan.request()["FilterExpression"] == "#0 = :0 AND #1 = :1"


def test_a_global_index_is_never_read_strongly() -> None:
    with pytest.raises(InvalidRequest, match="consistent: a global index is never read strongly consistent"):
        Reading(model=User, index="ByAccountType", consistent=True).request()
    assert Reading(model=Thread, index="LastPostIndex", consistent=True).request()["ConsistentRead"] is True

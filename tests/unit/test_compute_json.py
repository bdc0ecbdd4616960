"""`compute`: operands in JSON."""

from decimal import Decimal
from typing import Any

import pytest

from surewrite import Item, PartitionKey, Update, attr, list_append, literal
from surewrite.errors import InvalidRequest
from surewrite.expressions.compute_json import computed
from surewrite.requests import UpdateBody
from tests.models import Book, Product


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("Price", {"minus": [{"path": "Stock"}, 5]}, attr("Stock") - 5),
        ("Price", {"minus": [100, {"path": "Stock"}]}, 100 - attr("Stock")),
        ("Price", {"plus": [{"path": "Stock"}, {"path": "Views"}]}, attr("Stock") + attr("Views")),
        ("Price", {"plus": [Decimal("1.5"), 2]}, literal(Decimal("1.5")) + 2),
        ("Views", {"plus": [{"if_not_exists": ["Views", 0]}, 1]}, attr("Views").if_not_exists(0) + 1),
        ("Category", {"if_not_exists": ["Formats.Paperback", "x"]}, attr("Formats.Paperback").if_not_exists("x")),
        ("Tags", {"if_not_exists": ["Tags", ["law"]]}, attr("Tags").if_not_exists({"law"})),
    ],
)
def test_it_is_what_python_says(name: str, value: Any, same: Any) -> None:
    made = Update.build(Book, [attr(name).set(computed(value))])
    assert made.expression.parameters() == Update.build(Book, [attr(name).set(same)]).expression.parameters()


@pytest.mark.parametrize(
    ("value", "same"),
    [
        ({"list_append": [{"path": "RelatedItems"}, [1]]}, list_append(attr("RelatedItems"), [1])),
        ({"list_append": [[1], {"path": "RelatedItems"}]}, list_append([1], attr("RelatedItems"))),
        ({"list_append": [[1], [2]]}, list_append([1], [2])),
        (
            {"list_append": [{"if_not_exists": ["RelatedItems", [0]]}, {"path": "RelatedItems"}]},
            list_append(attr("RelatedItems").if_not_exists([0]), attr("RelatedItems")),
        ),
    ],
)
def test_lists(value: Any, same: Any) -> None:
    made = Update.build(Product, [attr("RelatedItems").set(computed(value))])
    assert made.expression.text == Update.build(Product, [attr("RelatedItems").set(same)]).expression.text


_ONE = "an object with one of plus, minus, list_append, if_not_exists is needed"
_OPERAND = "an object with one of path, if_not_exists is needed"


@pytest.mark.parametrize(
    ("value", "location", "reason"),
    [
        (1, (), _ONE),
        ({}, (), _ONE),
        ({"plus": [1, 2], "minus": [1, 2]}, (), _ONE),
        ({"path": "Stock"}, (), _ONE),
        ({"times": [1, 2]}, (), _ONE),
        ({"plus": [1]}, ("plus",), "a list of two operands is needed"),
        ({"plus": 1}, ("plus",), "a list of two operands is needed"),
        ({"if_not_exists": ["Stock"]}, ("if_not_exists",), "a list of two operands is needed"),
        ({"plus": [1, "2"]}, ("plus", 1), _OPERAND),
        ({"plus": [True, 2]}, ("plus", 0), _OPERAND),
        ({"plus": [{"plus": [1, 2]}, 2]}, ("plus", 0), _OPERAND),
        ({"list_append": [[1], 2]}, ("list_append", 1), _OPERAND),
        ({"plus": [{"path": 1}, 2]}, ("plus", 0), "a document path is needed"),
        ({"plus": [{"path": "a..b"}, 2]}, ("plus", 0), None),
        ({"plus": [{"if_not_exists": [1, 2]}, 2]}, ("plus", 0), "a document path is needed"),
    ],
)
def test_what_is_no_operand(value: Any, location: tuple[Any, ...], reason: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        UpdateBody(compute={"Price": value}).bind(Book, ("a", "t"))
    (problem,) = caught.value.problems
    assert problem.location == ("compute", "Price", *location)
    assert reason is None or problem.reason == reason


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Category", {"plus": [1, 2]}, "arithmetic needs a number, this is a string"),
        ("Price", {"plus": [{"path": "Category"}, 2]}, "Category holds a string, a number is needed"),
        ("Price", {"plus": [{"path": "Nope"}, 2]}, "unknown attribute"),
        ("Price", {"list_append": [[1], [2]]}, "appending needs a list, this is a number"),
    ],
)
def test_what_does_not_fit(name: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        UpdateBody(compute={name: value}).bind(Book, ("a", "t"))
    (problem,) = caught.value.problems
    assert problem.location == ("compute", name)
    assert problem.reason.startswith(reason)


class Blobs(Item, table="Blobs"):
    id: PartitionKey[str]
    blobs: list[bytes] | None = None


def test_elements_become_what_the_list_holds() -> None:
    update = Update.build(Blobs, [attr("blobs").set(computed({"list_append": [{"path": "blobs"}, ["AP8="]]}))])
    assert {"L": [{"B": b"\x00\xff"}]} in update.expression.placeholders.values.values()

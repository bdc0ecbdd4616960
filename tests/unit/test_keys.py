from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field

from surewrite import Item, PartitionKey, SortKey
from surewrite.errors import InvalidKey, Problem
from tests.models import Book, Product


class Binary(Item, table="Binary"):
    id: PartitionKey[bytes]
    at: SortKey[Decimal]


class Short(Item, table="Short"):
    id: PartitionKey[Annotated[str, Field(max_length=2)]]


@pytest.mark.parametrize(
    ("model", "key", "image"),
    [
        (Product, 7, {"Id": Decimal(7)}),
        (Product, (7,), {"Id": Decimal(7)}),
        (Product, {"Id": Decimal("7")}, {"Id": Decimal(7)}),
        (Product, {"id": 7}, {"Id": Decimal(7)}),
        (Product, Product(id=7), {"Id": Decimal(7)}),
        (Book, ("A", "T"), {"Author": "A", "Title": "T"}),
        (Book, ["A", "T"], {"Author": "A", "Title": "T"}),
        (Book, {"Title": "T", "author": "A"}, {"Author": "A", "Title": "T"}),
        (Binary, (b"\x00", Decimal("1.50")), {"id": b"\x00", "at": Decimal("1.5")}),
        (Binary, (b"\x00", 3), {"id": b"\x00", "at": Decimal(3)}),
    ],
)
def test_every_way_to_give_a_key(model: type[Item], key: Any, image: dict[str, Any]) -> None:
    got = model.schema_.key(key)
    assert got == image
    assert list(got) == list(image)
    assert [type(value) for value in got.values()] == [type(value) for value in image.values()]


@pytest.mark.parametrize(
    ("model", "key", "problem"),
    [
        (Product, "7", Problem(("Id",), "a number is needed")),
        (Product, True, Problem(("Id",), "a number is needed")),
        (Product, None, Problem(("Id",), "a number is needed")),
        (
            Product,
            Decimal("1.5"),
            Problem(("Id",), "Input should be a valid integer, got a number with a fractional part"),
        ),
        (Product, Decimal("NaN"), Problem(("Id",), "Input should be a finite number")),
        (Product, 10**38 + 1, Problem(("Id",), "more than 38 significant digits")),
        (Product, (1, 2), Problem((), "the primary key is Id: 1 value(s) needed")),
        (Product, {"Id": 1, "x": 2}, Problem(("x",), "not part of the primary key")),
        (Book, "A", Problem((), "the primary key is Author and Title: 2 value(s) needed")),
        (Book, {}, Problem(("Author",), "the partition key is missing")),
        (Book, {"Author": "A"}, Problem(("Title",), "the sort key is missing")),
        (Book, ("A", 1), Problem(("Title",), "a string is needed")),
        (Book, ("A", b"t"), Problem(("Title",), "a string is needed")),
        (Book, ("", "T"), Problem(("Author",), "a key cannot be empty")),
        (Book, ("é" * 1025, "T"), Problem(("Author",), "longer than 2048 bytes, DynamoDB's limit for a partition key")),
        (Book, ("A", "t" * 1025), Problem(("Title",), "longer than 1024 bytes, DynamoDB's limit for a sort key")),
        (Book, ("\ud800", "T"), Problem(("Author",), "not valid Unicode")),
        (Binary, (b"", 1), Problem(("id",), "a key cannot be empty")),
        (Binary, ("text", 1), Problem(("id",), "a binary value is needed")),
        (Short, "abc", Problem(("id",), "String should have at most 2 characters")),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_keys_that_are_no_keys(model: type[Item], key: Any, problem: Problem) -> None:
    with pytest.raises(InvalidKey) as caught:
        model.schema_.key(key)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize(
    ("model", "parts", "image"),
    [
        (Product, ["7"], {"Id": Decimal(7)}),
        (Product, ["-7"], {"Id": Decimal(-7)}),
        (Product, ["7.0"], {"Id": Decimal(7)}),
        (Product, ["7e1"], {"Id": Decimal(70)}),
        (Book, ["a/b c%", "é"], {"Author": "a/b c%", "Title": "é"}),
        (Binary, ["-_8=", ".5"], {"id": b"\xfb\xff", "at": Decimal("0.5")}),
        (Binary, ["+/8", "1E-5"], {"id": b"\xfb\xff", "at": Decimal("0.00001")}),
    ],
)
def test_keys_from_text(model: type[Item], parts: list[str], image: dict[str, Any]) -> None:
    assert model.schema_.parse_key(parts) == image


@pytest.mark.parametrize(
    ("model", "parts", "problem"),
    [
        (Product, ["x"], Problem(("Id",), "a number is needed")),
        (Product, [""], Problem(("Id",), "a number is needed")),
        (Product, ["NaN"], Problem(("Id",), "a number is needed")),
        (Product, ["1_0"], Problem(("Id",), "a number is needed")),
        (Product, ["\uff11"], Problem(("Id",), "a number is needed")),
        (Product, ["1 "], Problem(("Id",), "a number is needed")),
        (Product, ["1" * 39], Problem(("Id",), "more than 38 significant digits")),
        (Product, ["1", "2"], Problem((), "the primary key is Id: 1 value(s) needed")),
        (Binary, ["?", "1"], Problem(("id",), "base64 is needed")),
        (Binary, ["a", "1"], Problem(("id",), "base64 is needed")),
        (Binary, ["é", "1"], Problem(("id",), "base64 is needed")),
        (Binary, ["AA==", "1E999"], Problem(("at",), "outside the range of a DynamoDB number (1E-130 to 9.9E+125)")),
    ],
)
def test_text_that_is_no_key(model: type[Item], parts: list[str], problem: Problem) -> None:
    with pytest.raises(InvalidKey) as caught:
        model.schema_.parse_key(parts)
    assert caught.value.problems == (problem,)


def test_the_key_of_an_image() -> None:
    assert Book.schema_.key_of({"Title": "T", "Stock": Decimal(1), "Author": "A"}) == {"Author": "A", "Title": "T"}

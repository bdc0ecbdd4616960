"""Pages, however they are cut, are what a query or a scan of everything is; that is what a list in memory says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surewrite import Boto3Transport, Client, GlobalIndex, Item, LocalIndex, PartitionKey, SortKey, Table, attr
from surewrite.expressions.conditions import Condition
from surewrite.expressions.evaluate import evaluate
from surewrite.model.wire import Image
from surewrite.testing import create_table
from tests.engines import RUN

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Numbered(Item, table="Numbered", indexes=[LocalIndex("ByRank", "rank"), GlobalIndex("ByKind", "kind", "rank")]):
    """Under numbers, with indexes that do not have every item."""

    id: PartitionKey[str]
    at: SortKey[Decimal]
    rank: int | None = None
    kind: str | None = None
    text: str = ""


class Named(Item, table="Named", indexes=[GlobalIndex("ByKind", "kind", "raw")]):
    """Under strings; its index is under binary values."""

    id: PartitionKey[str]
    at: SortKey[str]
    kind: str | None = None
    raw: bytes | None = None
    text: str = ""


KEYS: dict[tuple[type[Item], str | None], tuple[str, str]] = {
    (Numbered, None): ("id", "at"),
    (Numbered, "ByRank"): ("id", "rank"),
    (Numbered, "ByKind"): ("kind", "rank"),
    (Named, None): ("id", "at"),
    (Named, "ByKind"): ("kind", "raw"),
}
_SORTS: dict[str, st.SearchStrategy[Any]] = {
    "number": st.one_of(st.integers(-3, 3), st.decimals(-2, 2, places=1)),
    "text": st.text("aé😀", min_size=1, max_size=2),
    "raw": st.binary(min_size=1, max_size=1),
}
_ids = st.sampled_from(["p", "q"])
_texts = st.sampled_from(["", "x", "y"])


def _items(model: type[Item]) -> st.SearchStrategy[list[Item]]:
    """Distinct items; what an optional key of an index is not given it does not have."""
    numbered = model is Numbered
    required = {"id": _ids, "at": _SORTS["number" if numbered else "text"], "text": _texts}
    optional: dict[str, Any] = {"kind": _ids, **({"rank": st.integers(-2, 2)} if numbered else {"raw": _SORTS["raw"]})}
    made = st.fixed_dictionaries(required, optional=optional).map(lambda fields: model.model_validate(fields))
    return st.lists(made, max_size=14, unique_by=lambda item: (item.id, item.at))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Asked:
    """A query, a scan without `sort` and `partition`, and how it is cut into pages."""

    index: str | None
    partition: str | None
    sort: Condition | None
    where: Condition | None
    descending: bool
    limits: tuple[int | None, ...]


@st.composite
def _cases(draw: st.DrawFn, model: type[Item]) -> tuple[list[Item], Asked]:
    items = draw(_items(model))
    index = draw(st.sampled_from([None, *model.schema_.indexes]))
    _, sort = KEYS[model, index]
    values = _SORTS["raw" if sort == "raw" else "text" if model is Named else "number"]
    if sort == "rank":
        values = st.integers(-3, 3)
    pairs = st.tuples(values, values).filter(lambda pair: _ordered(*pair))
    tests: list[st.SearchStrategy[Condition | None]] = [
        st.none(),
        *(values.map(getattr(attr(sort), name)) for name in ("eq", "lt", "lte", "gt", "gte")),
        pairs.map(lambda pair: attr(sort).between(*pair)),
    ]
    if model is Named:
        tests.append(values.map(attr(sort).begins_with))
    partition = draw(st.one_of(st.none(), _ids))
    return items, Asked(
        index,
        partition,
        draw(st.one_of(tests)) if partition is not None else None,
        draw(st.one_of(st.none(), _texts.map(attr("text").eq))),
        partition is not None and draw(st.booleans()),
        tuple(draw(st.lists(st.one_of(st.integers(1, 4), st.none()), min_size=1, max_size=3))),
    )


def _ordered(low: Any, high: Any) -> bool:
    return bool((low.encode() if isinstance(low, str) else low) <= (high.encode() if isinstance(high, str) else high))


def expected(model: type[Item], items: list[Item], asked: Asked) -> list[Image]:
    """What is read, before the filter: in the order of the sort key; those that are alike there in any order."""
    partition, sort = KEYS[model, asked.index]
    images = [image for image in (item.to_image() for item in items) if {partition, sort} <= image.keys()]
    if asked.partition is None:
        return images
    images = [image for image in images if image[partition] == asked.partition]
    return [image for image in images if asked.sort is None or evaluate(asked.sort, image)]


class House:
    """One table for each model, emptied before each example."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.client = client
        self.names = {model.schema_.table: f"{RUN}paging-{model.schema_.table}" for model in (Numbered, Named)}
        for model in (Numbered, Named):
            create_table(client, self.names[model.schema_.table], model)
        self.db = Client(transport=Boto3Transport(client), tables=self.names)

    def holding(self, model: type[Item], items: list[Item]) -> Table[Any]:
        table = self.db.table(model)
        with table.batch_writer() as batch:
            for old in table.scan(consistent=True):
                batch.delete(old)
        with table.batch_writer() as batch:
            for item in items:
                batch.put(item)
        return table


@pytest.fixture(scope="module")
def house(dynamodb_client: DynamoDBClient) -> House:
    return House(dynamodb_client)


def _pages(table: Table[Any], asked: Asked, condition: Condition | None) -> Iterator[Any]:
    after, number = None, 0
    while True:
        page = table.page(
            condition,
            where=asked.where,
            index=asked.index,
            descending=asked.descending,
            limit=asked.limits[number % len(asked.limits)],
            next=after,
        )
        yield page
        after, number = page.next, number + 1
        if after is None:
            return


def check(house: House, model: type[Item], items: list[Item], asked: Asked) -> None:
    table = house.holding(model, items)
    partition, sort = KEYS[model, asked.index]
    key = None if asked.partition is None else attr(partition).eq(asked.partition)
    condition = key if key is None or asked.sort is None else key & asked.sort
    read = expected(model, items, asked)
    kept = [image for image in read if asked.where is None or evaluate(asked.where, image)]

    pages = list(_pages(table, asked, condition))
    found = [item.to_image() for page in pages for item in page.items]
    assert _unordered(found) == _unordered(kept)
    if condition is not None:
        assert [image[sort] for image in found] == sorted(
            (image[sort] for image in kept), key=_sort_key, reverse=asked.descending
        )
    assert sum(page.count for page in pages) == len(kept)
    assert sum(page.scanned_count for page in pages) == len(read)
    for page in pages:
        assert page.count == len(page.items) <= page.scanned_count

    assert table.count(condition, where=asked.where, index=asked.index) == len(kept)
    options: dict[str, Any] = {"where": asked.where, "index": asked.index, "page_size": asked.limits[0]}
    every = (
        table.scan(**options) if condition is None else table.query(condition, descending=asked.descending, **options)
    )
    assert [item.to_image() for item in every] == found
    if condition is None:
        parts = [list(table.scan(asked.where, index=asked.index, segment=(number, 3))) for number in range(3)]
        assert _unordered([item.to_image() for part in parts for item in part]) == _unordered(kept)


def _sort_key(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _unordered(images: list[Image]) -> list[str]:
    return sorted(repr(sorted(image.items())) for image in images)


@given(_cases(Numbered))
def test_pages_under_numbers(house: House, case: tuple[list[Item], Asked]) -> None:
    check(house, Numbered, *case)


@given(_cases(Named))
def test_pages_under_strings_and_binary_values(house: House, case: tuple[list[Item], Asked]) -> None:
    check(house, Named, *case)

"""Pages, however they are cut, are what a query or a scan of everything is; that is what a list in memory says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
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


class Keyed(Item, table="Keyed", indexes=[GlobalIndex("ByKind", "kind")]):
    """Without sort keys."""

    id: PartitionKey[int]
    kind: str | None = None
    text: str = ""


KEYS: dict[tuple[type[Item], str | None], tuple[str, ...]] = {
    (Keyed, None): ("id",),
    (Keyed, "ByKind"): ("kind",),
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
_numbers = st.integers(0, 20)
_ids = st.sampled_from(["p", "q"])
_texts = st.sampled_from(["", "x", "y"])


_REQUIRED: dict[type[Item], dict[str, st.SearchStrategy[Any]]] = {
    Numbered: {"at": _SORTS["number"]},
    Named: {"at": _SORTS["text"]},
    Keyed: {"id": _numbers},
}
_OPTIONAL: dict[type[Item], dict[str, st.SearchStrategy[Any]]] = {
    Numbered: {"rank": st.integers(-2, 2)},
    Named: {"raw": _SORTS["raw"]},
    Keyed: {},
}


def _items(model: type[Item]) -> st.SearchStrategy[list[Item]]:
    """Distinct items; what an optional key of an index is not given it does not have."""
    required = {"id": _ids, "text": _texts, **_REQUIRED[model]}
    optional = {"kind": _ids, **_OPTIONAL[model]}
    made = st.fixed_dictionaries(required, optional=optional).map(lambda fields: model.model_validate(fields))
    return st.lists(made, max_size=14, unique_by=lambda item: repr(model.schema_.key(item)))


@dataclass(frozen=True)
class Asked:
    """A query, a scan without `sort` and `partition`, and how it is cut into pages."""

    index: str | None
    partition: Any
    sort: Condition | None
    where: Condition | None
    descending: bool
    limits: tuple[int | None, ...]


@st.composite
def _cases(draw: st.DrawFn, model: type[Item]) -> tuple[list[Item], Asked]:
    items = draw(_items(model))
    index = draw(st.sampled_from([None, *model.schema_.indexes]))
    partition = draw(st.one_of(st.none(), _numbers if KEYS[model, index] == ("id",) else _ids))
    sorts = KEYS[model, index][1:]
    return items, Asked(
        index,
        partition,
        draw(_sort_conditions(model, *sorts)) if sorts and partition is not None else None,
        draw(st.one_of(st.none(), _texts.map(attr("text").eq))),
        partition is not None and draw(st.booleans()),
        tuple(draw(st.lists(st.one_of(st.integers(1, 4), st.none()), min_size=1, max_size=3))),
    )


def _sort_conditions(model: type[Item], sort: str) -> st.SearchStrategy[Condition | None]:
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
    return st.one_of(tests)


def _ordered(low: Any, high: Any) -> bool:
    return bool((low.encode() if isinstance(low, str) else low) <= (high.encode() if isinstance(high, str) else high))


def expected(model: type[Item], items: list[Item], asked: Asked) -> list[Image]:
    """What is read, before the filter: in the order of the sort key; those that are alike there in any order."""
    partition, *_ = keys = KEYS[model, asked.index]
    images = [image for image in (item.to_image() for item in items) if set(keys) <= image.keys()]
    if asked.partition is None:
        return images
    images = [image for image in images if image[partition] == asked.partition]
    return [image for image in images if asked.sort is None or evaluate(asked.sort, image)]


MODELS: tuple[type[Item], ...] = (Numbered, Named, Keyed)


class House:
    """One table for each model, emptied before each example."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.client = client
        self.names = {model.schema_.table: f"{RUN}paging-{model.schema_.table}" for model in MODELS}
        for model in MODELS:
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
    after = None
    for number in range(100):
        page = table.page(
            condition,
            where=asked.where,
            index=asked.index,
            descending=asked.descending,
            limit=asked.limits[number % len(asked.limits)],
            next=after,
        )
        yield page
        after = page.next
        if after is None:
            return
    raise AssertionError("the pages do not end")


def check(house: House, model: type[Item], items: list[Item], asked: Asked) -> None:
    table = house.holding(model, items)
    partition, *sorts = KEYS[model, asked.index]
    key = None if asked.partition is None else attr(partition).eq(asked.partition)
    condition = key if key is None or asked.sort is None else key & asked.sort
    read = expected(model, items, asked)
    kept = [image for image in read if asked.where is None or evaluate(asked.where, image)]

    pages = list(_pages(table, asked, condition))
    found = [item.to_image() for page in pages for item in page.items]
    assert _unordered(found) == _unordered(kept)
    for sort in sorts if condition is not None else ():
        in_order = sorted((image[sort] for image in kept), key=_sort_key, reverse=asked.descending)
        assert [image[sort] for image in found] == in_order
    assert sum(page.count for page in pages) == len(kept)
    assert sum(page.scanned_count for page in pages) == len(read)
    for page in pages:
        assert page.count == len(page.items) <= page.scanned_count

    assert table.count(condition, where=asked.where, index=asked.index) == len(kept)
    options: dict[str, Any] = {"where": asked.where, "index": asked.index, "page_size": asked.limits[0]}
    if condition is not None:
        options["descending"] = asked.descending
    every = partial(table.scan if condition is None else partial(table.query, condition), **options)
    assert [item.to_image() for item in every()] == found
    assert [(item.id, item.text) for item in every(fields=["text"])] == [(one["id"], one["text"]) for one in found]
    if condition is None:
        parts = [list(every(segment=(number, 3))) for number in range(3)]
        assert _unordered([item.to_image() for part in parts for item in part]) == _unordered(kept)
        assert _unordered([item.to_image() for item in every(segments=3)]) == _unordered(kept)


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


@given(_cases(Keyed))
def test_pages_without_sort_keys(house: House, case: tuple[list[Item], Asked]) -> None:
    check(house, Keyed, *case)

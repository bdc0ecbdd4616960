"""Queries and scans page by page, and many items by their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .commit.session import MAX_KEYS, Call, Session
from .errors import InvalidRequest, Problem
from .expressions.conditions import Condition, check_key_condition, render_condition
from .expressions.placeholders import Placeholders
from .expressions.projection import projection
from .model.item import VERSION, Item
from .model.json import canonical
from .model.wire import Image, Wire, image_from_wire, image_to_wire
from .paths import path
from .writes import Target

M = TypeVar("M", bound=Item)

Consumed = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of a query or a scan.

    `next` is where the next page begins, None after the last one; a page may be empty and not the last. `count` items
    of `scanned_count` passed the filter. `consumed` is DynamoDB's ConsumedCapacity, where it was asked for.
    """

    items: list[M]
    next: Image | None
    count: int
    scanned_count: int
    consumed: Consumed = ()


@dataclass(frozen=True)
class Found(Generic[M]):
    """Many items by their keys: `items` in the order of the keys, the keys that are `missing`."""

    items: list[M]
    missing: list[Image]
    consumed: Consumed = ()


@dataclass(frozen=True)
class Images:
    """A page as DynamoDB holds its items."""

    items: list[Image]
    next: Image | None
    count: int
    scanned_count: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A query, or a scan where there is no `key` condition; of `segment` `(number, of how many)` if that is given."""

    model: type[Item]
    key: Condition | None = None
    where: Condition | None = None
    fields: Sequence[str] | None = None
    index: str | None = None
    descending: bool = False
    consistent: bool = False
    counting: bool = False
    segment: tuple[int, int] | None = None

    @property
    def operation(self) -> str:
        return "Scan" if self.key is None else "Query"

    def request(self) -> dict[str, Any]:
        """The parameters of the call, without the table's name. InvalidRequest names what is wrong with them."""
        place = Placeholders()
        request: dict[str, Any] = {"ConsistentRead": self.consistent}
        if self.key is not None:
            key = self.key.bound(self.model)
            check_key_condition(key)
            request |= {
                "KeyConditionExpression": render_condition(key, place),
                "ScanIndexForward": not self.descending,
            }
        elif self.descending:
            raise InvalidRequest.at("a scan has no order", "descending")
        if self.where is not None:
            request["FilterExpression"] = render_condition(self.where.bound(self.model), place)
        if self.index is not None:
            request["IndexName"] = self.index
        if self.segment is not None:
            request |= _segment(self)
        if self.counting:
            request["Select"] = "COUNT"
        elif self.fields is not None:
            request |= projection(self.model, self.fields, place)
        return request | place.parameters()


def _segment(reading: Reading) -> dict[str, int]:
    assert reading.segment is not None
    number, total = reading.segment
    if reading.key is not None:
        raise InvalidRequest.at("only a scan has segments", "segment")
    if not 0 <= number < total <= 1_000_000:
        raise InvalidRequest.at("a number and a total of at most 1,000,000 above it are needed", "segment")
    return {"Segment": number, "TotalSegments": total}


def read_page(
    session: Session, reading: Reading, call: Call, *, limit: int | None = None, after: Image | None = None
) -> Images:
    """One page, of at most `limit` items before the filter, behind the position `after`."""
    _check_positive(limit, "limit")
    request = {**reading.request(), "TableName": session.table(reading.model)}
    if limit is not None:
        request["Limit"] = limit
    if after is not None:
        request["ExclusiveStartKey"] = image_to_wire(after)
    response = session.call(reading.operation, request, call)
    last = response.get("LastEvaluatedKey")
    return Images(
        [image_from_wire(wire) for wire in response.get("Items", ())],
        image_from_wire(last) if last else None,
        response["Count"],
        response["ScannedCount"],
    )


def read_all(
    session: Session,
    reading: Reading,
    begin: Callable[[], Call],
    *,
    limit: int | None = None,
    page_size: int | None = None,
) -> Iterator[Image]:
    """Every item, page after page as they are needed, at most `limit` of them. `begin` makes the call of each page."""
    _check_positive(limit, "limit")
    _check_positive(page_size, "page_size")
    left, after = limit, None
    while True:
        sizes = [size for size in (page_size, None if reading.where is not None else left) if size is not None]
        page = read_page(session, reading, begin(), limit=min(sizes, default=None), after=after)
        yield from page.items if left is None else page.items[:left]
        after = page.next
        if left is not None:
            left -= min(left, len(page.items))
        if after is None or left == 0:
            return


def _check_positive(number: int | None, name: str) -> None:
    if number is not None and number < 1:
        raise InvalidRequest.at("a number of at least 1 is needed", name)


def shown(model: type[M], image: Image, fields: Sequence[str] | None) -> M:
    """The item as an instance, a partial one of `fields`; what violates the model stands in it as it is stored."""
    if fields is None:
        return model.from_stored(image).with_version(image.get(VERSION))
    return model.from_partial(image, [path(name) for name in fields]).with_version(image.get(VERSION))


# --- many keys ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted(Generic[M]):
    """Items of one model: their keys, and the document paths that are read of each."""

    model: type[M]
    keys: Sequence[Image]
    fields: Sequence[str] | None = None

    def found(self, images: Mapping[str, Image], consumed: Consumed) -> Found[M]:
        """Each key once, in the order in which they were given."""
        present, missing = self.split(images)
        return Found([shown(self.model, image, self.fields) for image in present], missing, consumed)

    def split(self, images: Mapping[str, Image]) -> tuple[list[Image], list[Image]]:
        """The items that there are, and the keys of those that there are not."""
        keys = {Target.of(self.model, key).text: key for key in self.keys}
        missing = [dict(key) for text, key in keys.items() if text not in images]
        return [images[text] for text in keys if text in images], missing


@dataclass
class _Chunk:
    """The keys of one BatchGetItem, by table."""

    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def takes(self, table: str, number: int) -> bool:
        return self.size < MAX_KEYS and self.wanted.get(table, number) == number

    def add(self, table: str, number: int, options: Mapping[str, Any], key: Wire) -> None:
        self.asked.setdefault(table, {**options, "Keys": []})["Keys"].append(key)
        self.wanted[table] = number
        self.size += 1


def read_many(session: Session, wanted: Sequence[Wanted[Any]], consistent: bool, call: Call) -> list[dict[str, Image]]:
    """The items that exist, for each of `wanted` by the canonical text of their keys. A key is read once, 100 of them
    in a request; what DynamoDB leaves is asked for again. Raises a Retryable where time runs out."""
    found: list[dict[str, Image]] = [{} for _ in wanted]
    for chunk in _chunks(session, wanted, consistent):
        responses, _, error = session.batch("BatchGetItem", chunk.asked, call)
        if error is not None:
            raise error
        for table, items in ((table, items) for one in responses for table, items in one["Responses"].items()):
            number = chunk.wanted[table]
            for wire in items:
                image = image_from_wire(wire)
                key = wanted[number].model.schema_.key_of(image)
                found[number][canonical(image_to_wire(key))] = image
    return found


def _chunks(session: Session, wanted: Sequence[Wanted[Any]], consistent: bool) -> Iterator[_Chunk]:
    chunk = _Chunk()
    for number, one in enumerate(wanted):
        options: dict[str, Any] = {"ConsistentRead": consistent}
        if one.fields is not None:
            options |= projection(one.model, one.fields)
        table = session.table(one.model)
        for target in dict.fromkeys(Target.of(one.model, key) for key in one.keys):
            if not chunk.takes(table, number):
                yield chunk
                chunk = _Chunk()
            chunk.add(table, number, options, target.key_wire)
    if chunk.size:
        yield chunk


def get_many(
    session: Session,
    wanted: Mapping[type[Item], Iterable[Any]],
    call: Call,
    *,
    fields: Mapping[Any, Iterable[str]] | None = None,
    consistent: bool = False,
) -> dict[type[Item], Found[Any]]:
    """The items of several models by their keys. InvalidKey names what is no key."""
    asked = [Wanted(model, _keys(model, keys), listed((fields or {}).get(model))) for model, keys in wanted.items()]
    images = read_many(session, asked, consistent, call)
    consumed = tuple(call.consumed)
    return {one.model: one.found(found, consumed) for one, found in zip(asked, images, strict=True)}


def _keys(model: type[Item], keys: Iterable[Any]) -> list[Image]:
    if isinstance(keys, str | bytes):
        raise InvalidRequest(Problem(("keys",), "a list of keys is needed"))
    return [model.schema_.key(key) for key in keys]


def listed(fields: Iterable[str] | None) -> Sequence[str] | None:
    """The document paths, read more than once; a string is refused by `projection`."""
    return fields if fields is None or isinstance(fields, str) else tuple(fields)

"""Queries and scans page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .commit.session import Call, Session
from .errors import InvalidRequest, located
from .expressions.conditions import Condition, render_condition
from .expressions.key_conditions import Key, check_filter, key_condition, key_refuses
from .expressions.placeholders import Placeholders
from .expressions.projection import projection
from .model.item import VERSION, Item
from .model.keys import KEY_LIMITS
from .model.wire import Image, Wire, image_from_wire, image_to_wire
from .paths import path

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
        self._check()
        place = Placeholders()
        request: dict[str, Any] = {"ConsistentRead": self.consistent}
        if self.key is not None:
            key = located(("key",), self._key, self.key)
            request |= {
                "KeyConditionExpression": render_condition(key, place),
                "ScanIndexForward": not self.descending,
            }
        if self.where is not None:
            where = located(("where",), self._filter, self.where)
            request["FilterExpression"] = render_condition(where, place)
        if self.index is not None:
            request["IndexName"] = self.index
        if self.segment is not None:
            request |= _segment(self)
        if self.fields is not None:
            # a count shows none of them, and what is wrong with one is said all the same
            names = Placeholders() if self.counting else place
            shown = projection(self.model, self.fields, names, versioned=self._limits is None)
            self._check_held(self.fields)
            request |= {} if self.counting else shown
        if self.counting:
            request["Select"] = "COUNT"
        return request | place.parameters()

    @property
    def held(self) -> Sequence[str] | None:
        """The paths that can be read, None for all of them: an index may not hold every attribute."""
        index = self.model.schema_.indexes.get(self.index or "")
        if self.fields is not None or index is None or index.attributes is None:
            return self.fields
        return sorted(index.attributes)

    @property
    def _limits(self) -> frozenset[str] | None:
        """All that can be read: what a local index does not hold is fetched from its table, not for a global one."""
        index = self.model.schema_.indexes.get(self.index or "")
        return None if index is None or index.local else index.attributes

    @property
    def at_most_one(self) -> bool:
        """Whether the key of the query is the whole key of a table."""
        return self.key is not None and self.index is None and self.model.schema_.sort is None

    def position(self, after: Image) -> Wire:
        """Where a page begins, on the wire; InvalidRequest for what no page has given."""
        if not isinstance(after, Mapping):
            raise InvalidRequest.at("the next of a page is needed", "next")
        table, known = self.model.schema_.key_attributes, self._keys()
        both: tuple[Sequence[Key], ...] = (table, known or ())
        keys = {key.name: (key, limit) for one in both for key, limit in zip(one, KEY_LIMITS, strict=False)}
        if (after.keys() != keys.keys()) if known is not None else not after.keys() >= keys.keys():
            raise InvalidRequest.at(f"{', '.join(keys)} are needed: the next of a page of the same query", "next")
        for name, (key, limit) in keys.items():
            if reason := key_refuses(key, after[name], limit):
                raise InvalidRequest.at(reason, "next", name)
        return image_to_wire(after)

    def _check(self) -> None:
        indexes = self.model.schema_.indexes
        if self.index is not None and (not isinstance(self.index, str) or not self.index):
            raise InvalidRequest.at("the name of an index is needed", "index")
        for name in ("consistent", "descending"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidRequest.at("true or false is needed", name)
        if self.index is not None and indexes and self.index not in indexes:
            raise InvalidRequest.at(f"unknown index, there are {', '.join(indexes)}", "index")
        if self.consistent and self.index in indexes and not indexes[self.index].local:
            raise InvalidRequest.at("a global index is never read strongly consistent", "consistent")
        if self.key is None and self.descending:
            raise InvalidRequest.at("a scan has no order", "descending")

    def _check_held(self, fields: Sequence[str]) -> None:
        if beyond := [name for name in fields if self._limits is not None and path(name).name not in self._limits]:
            raise InvalidRequest.at("the index does not hold this attribute", "fields", beyond[0])

    def _keys(self) -> Sequence[Key] | None:
        """The keys of what is queried; None for an index that the model does not declare."""
        schema = self.model.schema_
        if self.index is None:
            return schema.key_attributes
        index = schema.indexes.get(self.index)
        return None if index is None else index.keys

    def _key(self, key: Condition) -> Condition:
        return key_condition(key.bound(self.model), self._keys())

    def _filter(self, where: Condition) -> Condition:
        bound = where.bound(self.model)
        if self.key is not None:
            check_filter(bound, [key.name for key in self._keys() or ()])
        return bound


def _segment(reading: Reading) -> dict[str, int]:
    if reading.key is not None:
        raise InvalidRequest.at("only a scan has segments", "segment")
    match reading.segment:
        case (int(number), int(total)) if 0 <= number < total <= 1_000_000:
            return {"Segment": number, "TotalSegments": total}
    raise InvalidRequest.at("a number and a total of at most 1,000,000 above it are needed", "segment")


def read_page(
    session: Session, reading: Reading, call: Call, *, limit: int | None = None, after: Image | None = None
) -> Images:
    """One page, of at most `limit` items before the filter, behind the position `after`."""
    check_positive(limit, "limit")
    request = {**reading.request(), "TableName": session.table(reading.model)}
    if limit is not None:
        request["Limit"] = limit
    if after is not None:
        request["ExclusiveStartKey"] = reading.position(after)
        if reading.at_most_one:  # which came before this position; Dynoxide would return it again and again
            return Images([], None, 0, 0)
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


def check_positive(number: int | None, name: str) -> None:
    if number is not None and (type(number) is not int or number < 1):
        raise InvalidRequest.at("a number of at least 1 is needed", name)


def shown(model: type[M], image: Image, fields: Sequence[str] | None) -> M:
    """The item as an instance, a partial one of `fields` (document paths). What violates the model stands in it as it
    is stored."""
    if fields is None:
        return model.from_stored(image).with_version(image.get(VERSION))
    return model.from_partial(image, [path(name) for name in fields]).with_version(image.get(VERSION))


def listed(fields: Iterable[str] | None) -> Sequence[str] | None:
    """The document paths, read more than once; what is no list of them is refused by `projection`."""
    return tuple(fields) if isinstance(fields, Iterable) and not isinstance(fields, str) else fields

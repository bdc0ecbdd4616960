"""`Table`: the items of one model, read and written as instances of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from .commit.ledger import IdempotencyKey, Outcome
from .commit.one import Writer
from .commit.transport import Deadline
from .expressions.actions import Action
from .expressions.conditions import Condition, as_condition, check_key_condition, render_condition
from .expressions.evaluate import ReturnValues
from .expressions.placeholders import Placeholders
from .expressions.projection import projection
from .model.item import VERSION, Item
from .model.wire import Image, image_from_wire, image_to_wire
from .writes import Write

M = TypeVar("M", bound=Item)


class Table(Generic[M]):
    """Typed access to the table of `model`. `scope` is whose idempotency keys these are.

        books = Table(Book, writer)
        rainmaker = ("John Grisham", "The Rainmaker")
        books.update(rainmaker, {attr("Views").add(1)}, return_values="ALL_NEW", idempotency_key="order-17")

    Keys are given as a tuple, a single value, a mapping or an item. With an `idempotency_key` a write is applied once,
    without one it is DynamoDB's plain call. `Writer.commit` says what the writes raise.
    """

    def __init__(self, model: type[M], writer: Writer, *, scope: str = "app") -> None:
        self.model, self.writer, self.scope = model, writer, scope

    @property
    def name(self) -> str:
        """The physical name of the table."""
        return self.writer.table(self.model)

    def get(self, primary_key: Any, /, *, consistent: bool = False, fields: Iterable[str] | None = None) -> M | None:
        """The item, None if there is none. `fields` are document paths: then an instance of those attributes only."""
        image = self.image(primary_key, consistent=consistent, fields=fields)
        image = image and {name: value for name, value in image.items() if name != VERSION}
        return None if image is None else self._instance(image, whole=fields is None)

    def image(
        self,
        primary_key: Any,
        /,
        *,
        consistent: bool = False,
        fields: Iterable[str] | None = None,
        deadline: Deadline | None = None,
    ) -> Image | None:
        """The item as DynamoDB holds it, its version included, None if there is none. Raises InvalidUpdate for a field
        that the model does not have."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": image_to_wire(self.model.schema_.key(primary_key)),
            "ConsistentRead": consistent,
        }
        if fields is not None:
            request |= projection(self.model, fields)
        response = self.writer.dynamodb.call("GetItem", request, deadline or self.writer.deadline())
        return image_from_wire(response["Item"]) if "Item" in response else None

    def put(self, item: M, *, absent: bool = False, **options: Any) -> M | None:
        """Stores the item whole; with `absent` only where there is none yet. `options` as for `update`;
        `return_values` is "NONE", "ALL_OLD" or "ALL_NEW"."""
        write, commit = _split(options)
        return self._returned(self.commit(Write.put(item, absent=absent, **write), **commit))

    def update(
        self,
        primary_key: Any,
        actions: Iterable[Action],
        /,
        *,
        when: Condition | None = None,
        return_values: ReturnValues = "NONE",
        idempotency_key: str | IdempotencyKey | None = None,
        version: str | None = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """Changes the item in place, or creates it; what `return_values` shows, as an instance."""
        write = Write.update(self.model, primary_key, actions, when, return_values=return_values, version=version)
        partial = return_values in ("UPDATED_OLD", "UPDATED_NEW")
        return self._returned(self.commit(write, idempotency_key, deadline=deadline), whole=not partial)

    def delete(self, primary_key: Any, /, **options: Any) -> M | None:
        """Deletes the item, if there is one. `options` as for `update`; `return_values` is "NONE" or "ALL_OLD"."""
        write, commit = _split(options)
        return self._returned(self.commit(Write.delete(self.model, primary_key, **write), **commit))

    def commit(self, write: Write, idempotency_key: str | IdempotencyKey | None = None, **options: Any) -> Outcome:
        """`Writer.commit` in this table's scope."""
        key = IdempotencyKey(self.scope, idempotency_key) if isinstance(idempotency_key, str) else idempotency_key
        return self.writer.commit(write, key, **options)

    def query(self, condition: Condition, *, forward: bool = True, **options: Any) -> Iterator[M]:
        """The items under one partition key, page after page: `books.query(Key("Author").eq("John Grisham"))`.

        `options`: `where` (a filter), `index`, `limit` (items in all), `consistent`.
        """
        place = Placeholders()
        key_condition = as_condition(condition).bound(self.model)
        check_key_condition(key_condition)
        request = {"KeyConditionExpression": render_condition(key_condition, place), "ScanIndexForward": forward}
        return self._pages("Query", request, place, **options)

    def scan(self, where: Condition | None = None, **options: Any) -> Iterator[M]:
        """Every item, page after page: `users.scan(attr("address.state").eq("CA"))`. `options` as for `query`."""
        return self._pages("Scan", {}, Placeholders(), where=where, **options)

    def _pages(
        self,
        operation: str,
        request: dict[str, Any],
        place: Placeholders,
        *,
        where: Condition | None = None,
        index: str | None = None,
        limit: int | None = None,
        consistent: bool = False,
    ) -> Iterator[M]:
        request |= {"TableName": self.name, "ConsistentRead": consistent}
        if index is not None:
            request["IndexName"] = index
        if where is not None:
            request["FilterExpression"] = render_condition(as_condition(where).bound(self.model), place)
        request |= place.parameters()
        count = 0
        while True:
            if limit is not None and where is None:
                request["Limit"] = limit - count
            response = self.writer.dynamodb.call(operation, request, self.writer.deadline())
            for wire in response["Items"]:
                if limit is not None and count >= limit:
                    return
                count += 1
                yield self.model.from_image(image_from_wire(wire))
            if "LastEvaluatedKey" not in response or (limit is not None and count >= limit):
                return
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]

    def _returned(self, outcome: Outcome, *, whole: bool = True) -> M | None:
        return None if outcome.attributes is None else self._instance(outcome.attributes, whole=whole)

    def _instance(self, image: Mapping[str, Any], *, whole: bool) -> M:
        return self.model.from_image(image) if whole else self.model.from_partial(image)


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What belongs to the write, and what to its commit."""
    commit = {name: value for name, value in options.items() if name in ("idempotency_key", "deadline")}
    return {name: value for name, value in options.items() if name not in commit}, commit

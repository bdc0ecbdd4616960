"""`Table`: the items of one model, read and written as instances of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder

from .commit.ledger import IdempotencyKey, Outcome
from .commit.one import Writer
from .commit.transport import Deadline
from .errors import InvalidRequest, Problem
from .expressions.conditions import check_condition
from .expressions.evaluate import ReturnValues
from .expressions.placeholders import MAX_EXPRESSION_BYTES, Placeholders, render_condition
from .expressions.updates import Action
from .model.coerce import native
from .model.fields import field_at
from .model.item import VERSION, Item
from .model.wire import Image, image_from_wire, image_to_wire, to_wire
from .paths import Path, path
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
            # the key goes along, so that an item without any of the fields is told from no item
            request |= self._projection([*fields, *self.model.schema_.key_names, VERSION])
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
        when: ConditionBase | None = None,
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

    def query(self, condition: ConditionBase, *, forward: bool = True, **options: Any) -> Iterator[M]:
        """The items under one partition key, page after page: `books.query(Key("Author").eq("John Grisham"))`.

        `options`: `where` (a filter), `index`, `limit` (items in all), `consistent`.
        """
        built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=True)
        values_ = {name: to_wire(native(value)) for name, value in built.attribute_value_placeholders.items()}
        # boto3 numbers a filter's placeholders from 0 again: the key condition's get another letter
        text = built.condition_expression.replace("#n", "#k").replace(":v", ":k")
        request = {
            "KeyConditionExpression": text,
            "ExpressionAttributeNames": {_k(name): path for name, path in built.attribute_name_placeholders.items()},
            "ExpressionAttributeValues": {_k(name): value for name, value in values_.items()},
            "ScanIndexForward": forward,
        }
        return self._pages("Query", request, **options)

    def scan(self, where: ConditionBase | None = None, **options: Any) -> Iterator[M]:
        """Every item, page after page: `users.scan(Attr("address.state").eq("CA"))`. `options` as for `query`."""
        return self._pages("Scan", {}, where=where, **options)

    def _pages(
        self,
        operation: str,
        request: dict[str, Any],
        *,
        where: ConditionBase | None = None,
        index: str | None = None,
        limit: int | None = None,
        consistent: bool = False,
    ) -> Iterator[M]:
        request |= {"TableName": self.name, "ConsistentRead": consistent}
        if index is not None:
            request["IndexName"] = index
        if where is not None:
            check_condition(self.model, where)
            request["FilterExpression"] = render_condition(where, request)
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

    def _projection(self, fields: Iterable[str]) -> dict[str, Any]:
        place = Placeholders()
        paths = {path(name) for name in fields}
        for wanted in paths:
            if wanted.name != VERSION:
                _check_path(self.model, wanted)
        # a path within another one may not be named twice
        outermost = [one for one in paths if not any(one != other and one[: len(other)] == other for other in paths)]
        text = ", ".join(place.path(one) for one in sorted(outermost, key=str))
        if len(text) > MAX_EXPRESSION_BYTES:
            raise InvalidRequest(Problem(("fields",), f"longer than DynamoDB's {MAX_EXPRESSION_BYTES} bytes"))
        return {"ProjectionExpression": text, **place.parameters()}

    def _returned(self, outcome: Outcome, *, whole: bool = True) -> M | None:
        return None if outcome.attributes is None else self._instance(outcome.attributes, whole=whole)

    def _instance(self, image: Mapping[str, Any], *, whole: bool) -> M:
        return self.model.from_image(image) if whole else self.model.from_partial(image)


def _check_path(model: type[Item], wanted: Path) -> None:
    try:
        field_at(model, wanted)
    except InvalidRequest as error:
        raise error.under(str(wanted)) from None


def _k(placeholder: str) -> str:
    return placeholder[0] + "k" + placeholder[2:]


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What belongs to the write, and what to its commit."""
    commit = {name: value for name, value in options.items() if name in ("idempotency_key", "deadline")}
    return {name: value for name, value in options.items() if name not in commit}, commit

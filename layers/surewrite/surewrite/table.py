"""`Table`: the items of one model, read and written as instances of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder

from .commit import one
from .commit.ledger import IdempotencyKey
from .commit.outcome import Outcome
from .commit.retry import Deadline
from .commit.session import Session
from .errors import InvalidItem, InvalidRequest, NotFound, Problem
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

Key: TypeAlias = str | IdempotencyKey | None


class Table(Generic[M]):
    """Typed access to the table of `model`. `scope` is whose idempotency keys these are.

        books = db.table(Book)
        rainmaker = ("John Grisham", "The Rainmaker")
        books.update(rainmaker, {attr("Views").add(1)}, return_values="ALL_NEW", idempotency_key="order-17")

    Keys are given as a tuple, a single value, a mapping or an item. With an `idempotency_key` a write is applied once,
    without one it is DynamoDB's plain call. The writes raise what `commit.one.commit` does.
    """

    def __init__(self, model: type[M], session: Session, *, scope: str = "app") -> None:
        self.model, self.session, self.scope = model, session, scope

    @property
    def name(self) -> str:
        """The physical name of the table."""
        return self.session.table(self.model)

    # --- reads ---------------------------------------------------------------------------------------------------

    def get(
        self,
        key: Any,
        /,
        *,
        consistent: bool = False,
        fields: Iterable[str] | None = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """The item, None if there is none; InvalidItem if what is stored violates the model (`image` shows it then).
        `fields` are document paths: then a partial instance of those attributes."""
        image = self.image(key, consistent=consistent, fields=fields, deadline=deadline)
        if image is None:
            return None
        return self._partial(image) if fields is not None else self.model.from_image(image)

    def image(
        self,
        key: Any,
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
            "Key": image_to_wire(self.model.schema_.key(key)),
            "ConsistentRead": consistent,
        }
        if fields is not None:
            # the key goes along, so that an item without any of the fields is told from no item
            request |= self._projection([*fields, *self.model.schema_.key_names, VERSION])
        response = self.session.call("GetItem", request, self.session.begin(deadline))
        return image_from_wire(response["Item"]) if "Item" in response else None

    def query(
        self,
        condition: ConditionBase,
        *,
        where: ConditionBase | None = None,
        index: str | None = None,
        forward: bool = True,
        limit: int | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
    ) -> Iterator[M]:
        """The items under one partition key, page after page: `books.query(Key("Author").eq("John Grisham"))`.

        `where` is a filter, `index` an index's name, `limit` a number of items in all; `deadline` holds for each page.
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
        return self._pages("Query", request, where, index, limit, consistent, deadline)

    def scan(
        self,
        where: ConditionBase | None = None,
        *,
        index: str | None = None,
        limit: int | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
    ) -> Iterator[M]:
        """Every item, page after page: `users.scan(Attr("address.state").eq("CA"))`. Options as for `query`."""
        return self._pages("Scan", {}, where, index, limit, consistent, deadline)

    # --- writes --------------------------------------------------------------------------------------------------

    def put(
        self,
        item: M,
        *,
        when: ConditionBase | None = None,
        absent: bool = False,
        version: str | None = None,
        return_values: Literal["NONE", "ALL_OLD", "ALL_NEW"] = "NONE",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """Stores the item whole; with `absent` only where there is none yet. Other options as for `update`."""
        if not isinstance(item, self.model):
            raise InvalidItem(Problem((), f"a {self.model.__name__} is needed, this is a {type(item).__name__}"))
        write = Write.put(item, when=when, absent=absent, version=version, return_values=return_values)
        return self._shown(self.commit(write, idempotency_key, deadline=deadline))

    @overload
    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: Literal["ALL_NEW"],
        when: ConditionBase | None = None,
        version: str | None = None,
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M: ...

    @overload
    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: Literal["NONE"] = "NONE",
        when: ConditionBase | None = None,
        version: str | None = None,
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> None: ...

    @overload
    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: ReturnValues,
        when: ConditionBase | None = None,
        version: str | None = None,
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None: ...

    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: ReturnValues = "NONE",
        when: ConditionBase | None = None,
        version: str | None = None,
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """Changes the item in place, or creates it; returns what `return_values` shows: the whole item for ALL_OLD and
        ALL_NEW, a partial instance for UPDATED_OLD and UPDATED_NEW.

        It is applied only where `when` holds and, with `version`, where the item still has that version.
        """
        write = Write.update(self.model, key, actions, when, return_values=return_values, version=version)
        outcome = self.commit(write, idempotency_key, deadline=deadline)
        if return_values == "ALL_NEW" and outcome.attributes is None:
            raise NotFound("the update was applied before, and the item has been deleted since")
        return self._shown(outcome, partial=return_values in ("UPDATED_OLD", "UPDATED_NEW"))

    def delete(
        self,
        key: Any,
        /,
        *,
        when: ConditionBase | None = None,
        version: str | None = None,
        return_values: Literal["NONE", "ALL_OLD"] = "NONE",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """Deletes the item, if there is one. Options as for `update`."""
        write = Write.delete(self.model, key, when=when, version=version, return_values=return_values)
        return self._shown(self.commit(write, idempotency_key, deadline=deadline))

    def commit(
        self,
        write: Write,
        idempotency_key: Key = None,
        *,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> Outcome:
        """`Client.commit` in this table's scope."""
        key = IdempotencyKey(self.scope, idempotency_key) if isinstance(idempotency_key, str) else idempotency_key
        return one.commit(self.session, write, key, self.session.begin(deadline, return_consumed_capacity))

    # -------------------------------------------------------------------------------------------------------------

    def _pages(
        self,
        operation: str,
        request: dict[str, Any],
        where: ConditionBase | None,
        index: str | None,
        limit: int | None,
        consistent: bool,
        deadline: Deadline | None,
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
            response = self.session.call(operation, request, self.session.begin(deadline))
            for wire in response["Items"]:
                if limit is not None and count >= limit:
                    return
                count += 1
                yield self._stored(image_from_wire(wire))
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

    def _shown(self, outcome: Outcome, *, partial: bool = False) -> M | None:
        if outcome.attributes is None:
            return None
        image = {**outcome.attributes, VERSION: outcome.version}
        return self._partial(image) if partial else self._stored(image)

    def _stored(self, image: Mapping[str, Any]) -> M:
        """What is stored is shown, even where it violates the model: then as far as it does not."""
        try:
            return self.model.from_image(image)
        except InvalidItem:
            return self.model.from_partial(image)

    def _partial(self, image: Mapping[str, Any]) -> M:
        return self.model.from_partial(image)


def _check_path(model: type[Item], wanted: Path) -> None:
    try:
        field_at(model, wanted)
    except InvalidRequest as error:
        raise error.under(str(wanted)) from None


def _k(placeholder: str) -> str:
    return placeholder[0] + "k" + placeholder[2:]

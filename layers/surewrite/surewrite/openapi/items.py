"""The operations of one item: of every model its own, so that a client generator sees its attributes."""

from __future__ import annotations

from typing import Any

from ..model.item import Item
from .common import (
    JSON,
    MERGE_PATCH,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    Object,
    parameter,
    problems,
    response,
)
from .expressions import Expressions
from .schemas import ItemSchemas, JSONSchema, ref

_WRITES = (
    "IdempotencyKey",
    "IfMatch",
    "Prefer",
    "ReturnConsumedCapacity",
    "ReturnItemCollectionMetrics",
    "ReturnValuesOnConditionCheckFailure",
)
_SHOWN = ("Idempotency-Replayed", "Consumed-Capacity", "Item-Collection-Metrics")

_PUT, _DELETE = ("NONE", "ALL_OLD", "ALL_NEW"), ("NONE", "ALL_OLD")
_UPDATE = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")


class ItemPaths:
    """The paths of one model's items."""

    def __init__(self, model: type[Item], items: ItemSchemas, expressions: Expressions) -> None:
        self._model, self._items, self._expressions = model, items, expressions
        self._name, self._collection = items.name(model), model.schema_.collection

    def paths(self) -> Object:
        """`/books/{Author}/{Title}` and its counters."""
        keys = [one.name for one in self._model.schema_.key_attributes]
        path = f"/{self._collection}" + "".join(f"/{{{name}}}" for name in keys)
        found: Object = {path: self._item([self._key_parameter(name) for name in keys])}
        if counters := self._expressions.number_paths(self._model):
            named = [*map(self._key_parameter, keys), self._counter_parameter(counters)]
            found[f"{path}/counters/{{attribute}}"] = {"parameters": named, "post": self._counter()}
        return found

    def _item(self, keys: list[Object]) -> Object:
        return {
            "parameters": keys,
            "get": self._read(),
            "head": {**self._read(head=True), "operationId": f"head{self._name}"},
            "put": self._put(),
            "patch": self._patch(),
            "delete": self._delete(),
        }

    def _key_parameter(self, name: str) -> Object:
        return {"name": name, "in": "path", "required": True, "schema": self._items.key_part(self._model, name)}

    def _counter_parameter(self, counters: list[str]) -> Object:
        schema = {"type": "string", "minLength": 1, "examples": counters}
        return {
            "name": "attribute",
            "in": "path",
            "required": True,
            "description": "A number's name or document path.",
            "schema": schema,
        }

    def _operation(self, name: str, summary: str, *parameters: Object, **members: Any) -> Object:
        return {
            "operationId": f"{name}{self._name}",
            "summary": summary,
            "tags": [self._collection],
            "parameters": list(parameters),
            **members,
        }

    def _write(self, name: str, summary: str, values: tuple[str, ...], *also: str, **members: Any) -> Object:
        """An operation that may show some of the `values` of return_values."""
        description = "What the response shows; in the query or in a body, not in both."
        shown = {"name": "return_values", "in": "query", "schema": self._return_values(values)}
        asked = [*map(parameter, (*_WRITES, *also)), {**shown, "description": description}]
        return self._operation(name, summary, *asked, **members)

    def _read(self, *, head: bool = False) -> Object:
        fields = fields_parameter(self._model, self._expressions)
        asked = [parameter("Consistent"), fields, parameter("ReturnConsumedCapacity"), parameter("IfNoneMatch")]
        shown = None if head else ref(self._name)
        refused = problems(*READ_PROBLEMS)
        if head:
            refused = {status: {"description": "As for GET, without a body."} for status in refused}
        responses = {
            "200": response("The item.", shown, "ETag", "Consumed-Capacity"),
            "304": response("The client has this version.", None, "ETag", "Consumed-Capacity"),
            **refused,
        }
        return self._operation("get", "Reads the item.", *asked, responses=responses)

    def _put(self) -> Object:
        return self._write(
            "put",
            "Stores the item whole.",
            _PUT,
            "Create",
            "When",
            requestBody=_body({JSON: ref(f"{self._name}Input")}),
            responses={
                "201": self._written("The item was created."),
                **self._done("The item was replaced; what return_values shows."),
            },
        )

    def _patch(self) -> Object:
        update = self._expressions.update(self._model, self._members(_UPDATE))
        return self._write(
            "update",
            "Changes the item in place, or creates it.",
            _UPDATE,
            "Create",
            requestBody=_body({JSON: update, MERGE_PATCH: self._expressions.merge_patch(self._model)}),
            responses=self._done("What return_values shows, by default the whole new item."),
        )

    def _delete(self) -> Object:
        body = self._object(self._members(_DELETE))
        return self._write(
            "delete",
            "Deletes the item.",
            _DELETE,
            requestBody=_body({JSON: body}, required=False),
            responses=self._done("The item as it was."),
        )

    def _counter(self) -> Object:
        by = {"description": "A negative number decreases.", "type": "number", "default": 1}
        return self._write(
            "count",
            "Adds to a number, from 0 where there is none.",
            _UPDATE,
            "Create",
            requestBody=_body({JSON: self._object({"by": by, **self._members(_UPDATE)})}, required=False),
            responses=self._done("What return_values shows, by default the counter's new value."),
        )

    def _members(self, values: tuple[str, ...]) -> Object:
        """What every write may bring in its body."""
        return {"when": self._expressions.condition(self._model), "return_values": self._return_values(values)}

    def _return_values(self, values: tuple[str, ...]) -> JSONSchema:
        name = {_PUT: "PutReturnValues", _UPDATE: "UpdateReturnValues", _DELETE: "DeleteReturnValues"}[values]
        self._items.components[name] = {"type": "string", "enum": list(values)}
        return ref(name)

    def _object(self, members: Object) -> JSONSchema:
        return {"type": "object", "properties": members, "additionalProperties": False}

    def _written(self, description: str) -> Object:
        return response(description, ref(f"{self._name}Part"), "ETag", *_SHOWN)

    def _done(self, description: str) -> Object:
        return {
            "200": self._written(description),
            "202": response("Queued.", ref("Operation"), "Location", "Preference-Applied", "Retry-After"),
            "204": response("Nothing to show.", None, *_SHOWN),
            **problems(*WRITE_PROBLEMS),
        }


def _body(schemas: dict[str, JSONSchema], *, required: bool = True) -> Object:
    content = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"required": required, "content": content}


def fields_parameter(model: type[Item], expressions: Expressions) -> Object:
    """What is read of an item."""
    few = ",".join(list(model.schema_.attributes)[-2:])
    return {
        "name": "fields",
        "in": "query",
        "description": f"Document paths, separated by commas, as in `{few}`: only these are returned, and the key.",
        "explode": False,
        "schema": {"type": "array", "items": expressions.field(model), "minItems": 1},
    }

"""The operations that write or read several items, of any collections."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.item import Item
from ..writes import MAX_WRITES
from .common import JSON, Object, parameter, problems, response
from .expressions import Expressions
from .schemas import ItemSchemas, JSONSchema, ref

_PARAMETERS = ("IdempotencyKey", "Prefer", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics")
_SHOWN = ("Idempotency-Replayed", "Consumed-Capacity", "Item-Collection-Metrics")
_PROBLEMS = (400, 412, 413, 415, 422, 429, 500, 503)


class SeveralPaths:
    """POST /transactions, POST /batch-write and POST /batch-get.

    Each write names its collection, which says what else it has.
    """

    def __init__(self, models: Sequence[type[Item]], items: ItemSchemas, expressions: Expressions) -> None:
        self._models, self._items, self._expressions = models, items, expressions

    def paths(self) -> Object:
        return {
            "/transactions": {"post": self._transact()},
            "/batch-write": {"post": self._write_batch()},
            "/batch-get": {"post": self._get_batch()},
        }

    def _transact(self) -> Object:
        kinds = [
            self._kind("put", [self._put(one, conditional=True) for one in self._models]),
            self._kind("update", [self._update(one) for one in self._models]),
            self._kind("delete", [self._delete(one, conditional=True) for one in self._models]),
            self._kind("check", [self._check(one) for one in self._models]),
        ]
        etags = {
            "description": "For each of the writes the item's new ETag; null for deletes and checks.",
            "type": "array",
            "items": {"type": ["string", "null"]},
        }
        return {
            "operationId": "transact",
            "summary": "Applies writes and checks of distinct items all together or not at all.",
            "tags": ["transactions"],
            "parameters": [parameter(one) for one in _PARAMETERS],
            "requestBody": _body({"writes": _array(kinds, MAX_WRITES)}),
            "responses": self._responses({"etags": etags}),
        }

    def _write_batch(self) -> Object:
        kinds = [
            self._kind("put", [self._put(one) for one in self._models]),
            self._kind("delete", [self._delete(one) for one in self._models]),
        ]
        duplicates = {
            "description": "What to do with a second write of an item: refuse the request, keep the first or the last.",
            "type": "string",
            "enum": ["error", "first", "last"],
            "default": "error",
        }
        written = {"description": "How many items were written.", "type": "integer", "minimum": 1}
        return {
            "operationId": "writeBatch",
            "summary": "Puts and deletes any number of items, chunk by chunk.",
            "tags": ["batches"],
            "parameters": [parameter(one) for one in _PARAMETERS],
            "requestBody": _body({"writes": _array(kinds), "duplicates": duplicates}),
            "responses": self._responses({"written": written}),
        }

    def _get_batch(self) -> Object:
        collections = {one.schema_.collection: one for one in self._models}
        keys = {name: {"type": "array", "items": self._items.key(one)} for name, one in collections.items()}
        paths = {name: {"type": "array", "items": self._expressions.field(one)} for name, one in collections.items()}
        asked = {
            "keys": {**_object(keys, []), "minProperties": 1},
            "fields": _object(paths, []),
            "consistent": {"type": "boolean", "default": False},
        }
        read = {name: {"type": "array", "items": {"type": "object"}} for name in collections}
        found = _object({"items": _object(read, []), "missing": _object(keys, [])}, ["items", "missing"])
        return {
            "operationId": "getBatch",
            "summary": "Reads any number of items by their keys; those that are missing are named.",
            "tags": ["batches"],
            "parameters": [parameter("ReturnConsumedCapacity")],
            "requestBody": {"required": True, "content": {JSON: {"schema": _object(asked, ["keys"])}}},
            "responses": {
                "200": response("The items and the missing keys.", found, "Consumed-Capacity"),
                **problems(400, 404, 415, 429, 500, 503),
            },
        }

    def _responses(self, members: Object) -> Object:
        shown = {"type": "object", "properties": members, "required": list(members)}
        return {
            "200": response("Applied.", shown, *_SHOWN),
            "204": response("Applied, and `Prefer: return=minimal`.", None, *_SHOWN),
            **problems(*_PROBLEMS),
        }

    def _kind(self, name: str, schemas: Sequence[JSONSchema]) -> JSONSchema:
        return _object({name: {"oneOf": list(schemas)}}, [name])

    def _put(self, model: type[Item], *, conditional: bool = False) -> JSONSchema:
        item = {"item": ref(f"New{self._items.name(model)}")}
        return _object({**self._named(model), **item, **self._demands(model, conditional)}, ["collection", "item"])

    def _update(self, model: type[Item]) -> JSONSchema:
        members = {**self._named(model), "key": self._items.key(model), **self._demands(model, True)}
        return {**self._expressions.update(model, members, suffix="Change"), "required": ["collection", "key"]}

    def _delete(self, model: type[Item], *, conditional: bool = False) -> JSONSchema:
        key = {"key": self._items.key(model)}
        return _object({**self._named(model), **key, **self._demands(model, conditional)}, ["collection", "key"])

    def _check(self, model: type[Item]) -> JSONSchema:
        demands = self._demands(model, True)
        return {**self._delete(model, conditional=True), "not": {"properties": {name: {"not": {}} for name in demands}}}

    def _named(self, model: type[Item]) -> Object:
        return {"collection": {"const": model.schema_.collection}}

    def _demands(self, model: type[Item], conditional: bool) -> Object:
        if not conditional:
            return {}
        version = {"description": "The version that is demanded, or * for any item.", "type": "string"}
        absent = {"description": "There must be no item yet.", "const": "*"}
        return {"when": self._expressions.condition(model), "if_match": version, "if_none_match": absent}


def _array(kinds: list[JSONSchema], most: int | None = None) -> JSONSchema:
    limit = {} if most is None else {"maxItems": most}
    return {"type": "array", "items": {"oneOf": kinds}, "minItems": 1, **limit}


def _object(members: Object, required: list[str]) -> JSONSchema:
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def _body(members: Object) -> Object:
    schema = _object(members, ["writes"])
    return {"required": True, "content": {JSON: {"schema": schema}}}

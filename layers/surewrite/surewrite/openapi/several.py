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
            self._kind("put", [self._put(one, conditional=True) for one in self._models], "Write"),
            self._kind("update", [self._update(one) for one in self._models], "Write"),
            self._kind("delete", [self._delete(one, conditional=True) for one in self._models], "Write"),
            self._kind("check", [self._check(one) for one in self._models], "Write"),
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
            "parameters": [parameter(one) for one in (*_PARAMETERS, "ReturnValuesOnConditionCheckFailure")],
            "requestBody": self._body("Transaction", {"writes": _array(kinds, MAX_WRITES)}, ["writes"]),
            "responses": self._responses("TransactionResult", {"etags": etags}),
        }

    def _write_batch(self) -> Object:
        kinds = [
            self._kind("put", [self._put(one) for one in self._models], "BatchWrite"),
            self._kind("delete", [self._delete(one) for one in self._models], "BatchWrite"),
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
            "requestBody": self._body("BatchWrite", {"writes": _array(kinds), "duplicates": duplicates}, ["writes"]),
            "responses": self._responses("BatchWriteResult", {"written": written}),
        }

    def _get_batch(self) -> Object:
        collections = {one.schema_.collection: one for one in self._models}
        keys = {name: {"type": "array", "items": self._key(one)} for name, one in collections.items()}
        paths = {name: {"type": "array", "items": self._expressions.field(one)} for name, one in collections.items()}
        asked = {
            "keys": {**self._component("BatchGetKeys", _object(keys, [])), "minProperties": 1},
            "fields": self._component("BatchGetFields", _object(paths, [])),
            "consistent": {"type": "boolean", "default": False},
        }
        read = {name: {"type": "array", "items": ref(self._items.name(one))} for name, one in collections.items()}
        found = {
            "items": self._component("BatchGetItems", _object(read, [])),
            "missing": ref("BatchGetKeys"),
        }
        result = self._component("BatchGetResult", _object(found, list(found)))
        return {
            "operationId": "getBatch",
            "summary": "Reads any number of items by their keys; those that are missing are named.",
            "tags": ["batches"],
            "parameters": [parameter("ReturnConsumedCapacity")],
            "requestBody": self._body("BatchGet", asked, ["keys"]),
            "responses": {
                "200": response("The items and the missing keys.", result, "Consumed-Capacity"),
                **problems(400, 404, 415, 429, 500, 503),
            },
        }

    def _body(self, name: str, members: Object, required: list[str]) -> Object:
        schema = self._component(f"{name}Body", _object(members, required))
        return {"required": True, "content": {JSON: {"schema": schema}}}

    def _component(self, name: str, schema: JSONSchema) -> JSONSchema:
        """A schema under a name, which client generators make a type of."""
        self._items.components[name] = schema
        return ref(name)

    def _key(self, model: type[Item]) -> JSONSchema:
        return self._component(f"{self._items.name(model)}Key", self._items.key(model))

    def _responses(self, name: str, members: Object) -> Object:
        shown = self._component(name, {"type": "object", "properties": members, "required": list(members)})
        return {
            "200": response("Applied.", shown, *_SHOWN),
            "202": response("Queued.", ref("Operation"), "Location", "Preference-Applied", "Retry-After"),
            "204": response("Applied, and `Prefer: return=minimal`.", None, *_SHOWN),
            **problems(*_PROBLEMS),
        }

    def _kind(self, kind: str, schemas: Sequence[JSONSchema], suffix: str) -> JSONSchema:
        """`PutWrite`: `{"put": {…}}`, of any collection."""
        return self._component(f"{kind.title()}{suffix}", _object({kind: {"oneOf": list(schemas)}}, [kind]))

    def _put(self, model: type[Item], *, conditional: bool = False) -> JSONSchema:
        item = {"item": ref(f"New{self._items.name(model)}")}
        return self._write(model, "Put", item, conditional)

    def _update(self, model: type[Item]) -> JSONSchema:
        members = {**self._named(model), "key": self._key(model), **self._demands(model, True)}
        made = self._expressions.update(model, members, suffix="Change")
        self._items.components[f"{self._items.name(model)}Change"]["required"] = ["collection", "key"]
        return made

    def _delete(self, model: type[Item], *, conditional: bool = False) -> JSONSchema:
        return self._write(model, "Delete", {"key": self._key(model)}, conditional)

    def _write(self, model: type[Item], kind: str, named: Object, conditional: bool) -> JSONSchema:
        """`BookPut`; without conditions, `BookBatchPut`."""
        members = {**self._named(model), **named, **self._demands(model, conditional)}
        name = f"{self._items.name(model)}{'' if conditional else 'Batch'}{kind}"
        return self._component(name, _object(members, ["collection", *named]))

    def _check(self, model: type[Item]) -> JSONSchema:
        demands = self._demands(model, True)
        schema = _object({**self._named(model), "key": self._key(model), **demands}, ["collection", "key"])
        schema["not"] = {"properties": {name: {"not": {}} for name in demands}}
        return self._component(f"{self._items.name(model)}Check", schema)

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

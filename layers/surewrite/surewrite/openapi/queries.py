"""The operations of a collection: queries and scans, by parameters or by a body, page by page."""

from __future__ import annotations

from ..model.indexes import IndexKey
from ..model.item import Item
from ..queries import MAX_LIMIT
from .common import JSON, PARAMETERS, READ_PROBLEMS, Object, parameter, problems, response
from .expressions import Expressions
from .items import fields_parameter
from .schemas import BASE64, ItemSchemas, JSONSchema, ref

_COMPARED = {
    "sort": "The sort key.",
    "sort.lt": "The sort key is less.",
    "sort.le": "The sort key is at most this.",
    "sort.gt": "The sort key is greater.",
    "sort.ge": "The sort key is at least this; with `sort.le` it is between the two.",
    "sort.begins_with": "The sort key begins with this.",
}
_VALUES: dict[str, JSONSchema] = {
    "S": {"type": "string", "minLength": 1}, "N": {"type": "number"}, "B": {**BASE64, "minLength": 2},
}  # fmt: skip
_BACKWARDS_SCAN: JSONSchema = {
    "properties": {"descending": {"const": True}}, "required": ["descending"], "not": {"required": ["key"]}
}  # fmt: skip
_SHARED = ("Descending", "Limit", "Consistent", "Count", "Segment", "Next", "ReturnConsumedCapacity")


class QueryPaths:
    """`/books` and `/books/query`."""

    def __init__(self, model: type[Item], items: ItemSchemas, expressions: Expressions) -> None:
        self._model, self._items, self._expressions = model, items, expressions
        self._name, self._collection = items.name(model), model.schema_.collection
        self._indexes = model.schema_.indexes

    def paths(self) -> Object:
        self._items.components[f"{self._name}Page"] = self._page()
        self._items.components[f"{self._name}Query"] = self._query()
        listed = self._list()
        unseen = {status: {"description": "As for GET, without a body."} for status in listed["responses"]}
        return {
            f"/{self._collection}": {
                "get": listed,
                "head": {**listed, "operationId": f"headAll{self._name}", "responses": unseen},
            },
            f"/{self._collection}/query": {"post": self._ask()},
        }

    def _list(self) -> Object:
        found = response("One page.", ref(f"{self._name}Page"), "Link", "Consumed-Capacity")
        return {
            "operationId": f"list{self._name}",
            "summary": "Queries a partition, or scans the whole collection where none is named.",
            "tags": [self._collection],
            "parameters": [*self._keys(), *self._index(), self._where(), self._fields(), *map(parameter, _SHARED)],
            "responses": {"200": found, **problems(*READ_PROBLEMS)},
        }

    def _ask(self) -> Object:
        found = response("One page.", ref(f"{self._name}Page"), "Consumed-Capacity")
        return {
            "operationId": f"query{self._name}",
            "summary": "Queries the collection, or scans it where there is no key.",
            "tags": [self._collection],
            "parameters": [parameter("ReturnConsumedCapacity")],
            "requestBody": {"required": False, "content": {JSON: {"schema": ref(f"{self._name}Query")}}},
            "responses": {"200": found, **problems(*READ_PROBLEMS, 415)},
        }

    # --- parameters ----------------------------------------------------------------------------------------------

    def _keys(self) -> list[Object]:
        """Values of the table's key or of an index's: of the type that they have in common."""
        every = [self._table(), *(index.keys for index in self._indexes.values())]
        partitions, sorts = [keys[0] for keys in every], [keys[1] for keys in every if len(keys) > 1]
        described = {
            "partition": "The partition key. Without it the collection is scanned.",
            **(_COMPARED if sorts else {}),
        }
        found = []
        for name, description in described.items():
            schema = _value(partitions if name == "partition" else sorts)
            if name == "sort.begins_with" and schema == _VALUES["N"]:
                continue
            found.append({"name": name, "in": "query", "description": description, "schema": schema})
        return found

    def _index(self) -> list[Object]:
        if not self._indexes:
            return []
        description = "Reads this index, whose keys `partition` and `sort` are then."
        return [{"name": "index", "in": "query", "description": description, "schema": self._index_name()}]

    def _index_name(self) -> JSONSchema:
        return {"type": "string", "enum": list(self._indexes)}

    def _where(self) -> Object:
        description = "A condition on what is read: that of a body, as JSON."
        return {**PARAMETERS["When"], "name": "where", "description": description}

    def _fields(self) -> Object:
        return fields_parameter(self._model, self._expressions)

    # --- schemas -------------------------------------------------------------------------------------------------

    def _page(self) -> JSONSchema:
        count = {"type": "integer", "minimum": 0}
        return {
            "description": "One page; it may be empty and not the last one.",
            "type": "object",
            "properties": {
                "items": {
                    "description": "Missing where only the count was asked for.",
                    "type": "array",
                    "items": ref(self._name),
                },
                "count": {"description": "How many items are in the page.", **count},
                "scanned_count": {"description": "How many were read, before `where`.", **count},
                "next": {
                    "description": "The cursor of the page that follows. Missing after the last one.",
                    "type": "string",
                },
            },
            "required": ["count", "scanned_count"],
            "additionalProperties": False,
        }

    def _query(self) -> JSONSchema:
        flag = {"type": "boolean", "default": False}
        number = {"type": "integer", "minimum": 0}
        index = {"index": self._index_name()} if self._indexes else {}
        return {
            "description": "A query, or a scan without `key`.",
            "type": "object",
            "properties": {
                "key": self._key_condition(),
                "where": self._expressions.condition(self._model),
                "fields": {"type": "array", "items": self._expressions.field(self._model)},
                **index,
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
                "descending": flag,
                "consistent": flag,
                "count": flag,
                "segment": {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
                "next": {"description": "The cursor of the page before.", "type": "string"},
            },
            "additionalProperties": False,
            "not": {"anyOf": [{"required": ["key", "segment"]}, _BACKWARDS_SCAN, *self._strong_reads()]},
        }

    def _strong_reads(self) -> list[JSONSchema]:
        """Those that there are not."""
        names = [name for name, index in self._indexes.items() if not index.local]
        members = {"index": {"enum": names}, "consistent": {"const": True}}
        return [{"properties": members, "required": list(members)}] if names else []

    def _key_condition(self) -> JSONSchema:
        """Of the table, and of each index: `ThreadKeyCondition`, `ThreadLastPostIndexCondition`."""
        every = {"Key": self._table(), **{name: index.keys for name, index in self._indexes.items()}}
        names = []
        for name, keys in every.items():
            names.append(f"{self._name}{_word(name)}Condition")
            self._items.components[names[-1]] = self._of_keys(keys)
        return ref(names[0]) if len(names) == 1 else {"anyOf": [ref(name) for name in names]}

    def _of_keys(self, keys: tuple[IndexKey, ...]) -> JSONSchema:
        partition, *sort = keys
        equal = {"type": "object", "properties": {"eq": _VALUES[partition.type]}, "required": ["eq"]}
        tests = {partition.name: {**equal, "additionalProperties": False}}
        return {
            "description": "The partition key equals a value, and the sort key is compared, if there is one.",
            "type": "object",
            "properties": {**tests, **{key.name: self._sort_test(key.type) for key in sort}},
            "required": [partition.name],
            "additionalProperties": False,
        }

    def _sort_test(self, kind: str) -> JSONSchema:
        value = _VALUES[kind]
        tests = dict.fromkeys(("eq", "lt", "le", "gt", "ge"), value)
        tests["between"] = {"type": "array", "items": value, "minItems": 2, "maxItems": 2}
        if kind != "N":
            tests["begins_with"] = value
        name = {"S": "TextKeyTest", "N": "NumberKeyTest", "B": "BinaryKeyTest"}[kind]
        self._items.components[name] = {
            "type": "object",
            "properties": tests,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return ref(name)

    def _table(self) -> tuple[IndexKey, ...]:
        return tuple(IndexKey(key.name, key.type) for key in self._model.schema_.key_attributes)


def _value(keys: list[IndexKey]) -> JSONSchema:
    types = {key.type for key in keys}
    return _VALUES[types.pop()] if len(types) == 1 else _VALUES["S"]


def _word(name: str) -> str:
    """A name of DynamoDB's, which may have dashes and dots, as a part of a component's name."""
    return "".join(character for character in name if character.isalnum() or character == "_")

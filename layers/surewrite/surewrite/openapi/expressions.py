"""The schemas of the languages within a request: conditions, the sections of an update, merge patches.

A name of an attribute leads to what the model says of it; any other document path to what its language can say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from ..expressions.attributes import MAX_CHOICES
from ..expressions.placeholders import MAX_OPERATORS
from ..model.fields import ModelField, field_at
from ..model.item import Item
from ..model.wire import ALL_TYPES
from ..paths import path
from .schemas import BASE64, ItemSchemas, JSONSchema, ref

_MAX_ACTIONS = MAX_OPERATORS - 1

# what is no attribute's name by itself, but leads into one, or stands between backticks
_LEADING = r"[.\[`]"

_LEAVES: dict[str, JSONSchema] = {
    "S": {"type": "string"}, "N": {"type": "number"}, "B": BASE64, "BOOL": {"type": "boolean"},
}  # fmt: skip
_NAMES = {
    "S": "Text", "N": "Number", "B": "Binary", "BOOL": "Flag", "SS": "TextSet", "NS": "NumberSet", "BS": "BinarySet",
    "L": "List", "M": "Map",
}  # fmt: skip


class Expressions:
    """The schemas for the models, made under `components` of `items` as they are asked for."""

    def __init__(self, items: ItemSchemas) -> None:
        self._items = items

    def condition(self, model: type[Item]) -> JSONSchema:
        """`when`: `BookCondition`."""
        name = f"{self._items.name(model)}Condition"
        if name not in self._items.components:
            many = {"type": "array", "items": ref(name), "minItems": 1}
            members = {
                **{attribute: self._test(model, attribute) for attribute in model.schema_.attributes},
                "and": many,
                "or": many,
                "not": ref(name),
            }
            self._items.components[name] = {
                "description": "All members must hold: operators on an attribute or a path, `and`, `or`, `not`.",
                "type": "object",
                "properties": members,
                **self._others(model, self._any_test(), members),
                "minProperties": 1,
            }
        return ref(name)

    def update(self, model: type[Item], more: JSONSchema, *, suffix: str = "Update") -> JSONSchema:
        """The body of a PATCH: `BookUpdate`. `more` are members besides the sections."""
        name = f"{self._items.name(model)}{suffix}"
        sections = self._sections(model)
        self._items.components[name] = {
            "description": "One update expression: at least one section, each of document paths and values.",
            "type": "object",
            "properties": {**sections, **more},
            "additionalProperties": False,
            "not": {"properties": {section: _empty(section) for section in sections}},
        }
        return ref(name)

    def merge_patch(self, model: type[Item]) -> JSONSchema:
        """The body of a merge patch (RFC 7396): `BookPatch`."""
        name = f"{self._items.name(model)}Patch"
        attributes = [one for one in model.schema_.attributes if one not in model.schema_.key_names]
        self._items.components[name] = {
            "description": "null removes, objects are merged, all else is set.",
            "type": "object",
            "properties": {one: self._merged(model, one) for one in attributes},
            "additionalProperties": model.model_config.get("extra") == "allow",
            "minProperties": 1,
        }
        return ref(name)

    def field(self, model: type[Item]) -> JSONSchema:
        """The path of what a read may show: an attribute, or what is within one."""
        if model.model_config.get("extra") == "allow":
            return ref("Path")
        names = "|".join(re.escape(name) for name in model.schema_.attributes)
        return {"type": "string", "pattern": rf"^(({names})([.\[][^,]*)?|`[^,]*)$"}

    def number_paths(self, model: type[Item]) -> list[str]:
        """The attributes that may be counted."""
        return [name for name in self._settable(model) if "N" in field_at(model, path([name])).types]

    # --- conditions ----------------------------------------------------------------------------------------------

    def _test(self, model: type[Item], attribute: str) -> JSONSchema:
        types = field_at(model, path([attribute])).types
        stored = types - {"NULL"}
        if len(stored) != 1:
            return self._any_test()
        (kind,) = stored
        nullable = "NULL" in types
        return self._component(f"{'Nullable' * nullable}{_NAMES[kind]}Test", lambda: _tests(kind, nullable))

    def _any_test(self) -> JSONSchema:
        return self._component("Test", lambda: _tests("", True))

    def _component(self, name: str, make: Callable[[], JSONSchema]) -> JSONSchema:
        if name not in self._items.components:
            self._items.components[name] = make()
        return ref(name)

    # --- updates -------------------------------------------------------------------------------------------------

    def _sections(self, model: type[Item]) -> JSONSchema:
        fields = {name: field_at(model, path([name])) for name in self._settable(model)}
        values = {name: self._items.attribute(model, name) for name in fields}
        numbers = {name: _LEAVES["N"] for name, field in fields.items() if "N" in field.types}
        lists = {name: self._elements(model, name) for name, field in fields.items() if "L" in field.types}
        sets = {name: self._members(model, name, field) for name, field in fields.items() if _set_types(field)}
        return {
            "set": self._section(model, "assigns", values),
            "copy": self._section(
                model, "assigns what another path holds", dict.fromkeys(fields, ref("Path")), ref("Path")
            ),
            "compute": self._section(
                model, "assigns what operands make", dict.fromkeys(fields, ref("Computed")), ref("Computed")
            ),
            "increment": self._section(model, "adds to a number that is there", numbers, _LEAVES["N"]),
            "default": self._section(model, "assigns where nothing is", values),
            "append": self._section(model, "extends a list, or creates it", lists),
            "prepend": self._section(model, "extends a list at its beginning, or creates it", lists),
            "remove": {
                "description": "`REMOVE`: document paths.",
                "type": "array",
                "items": ref("Path"),
                "maxItems": _MAX_ACTIONS,
            },
            "add": self._section(model, "adds to a number or a set, or creates it", {**numbers, **sets}),
            "delete": self._section(model, "takes members out of a set", sets),
        }

    def _section(self, model: type[Item], effect: str, named: JSONSchema, others: Any = True) -> JSONSchema:
        return {
            "description": f"Document paths and values: {effect}.",
            "type": "object",
            "properties": named,
            **self._others(model, others, named),
            "maxProperties": _MAX_ACTIONS,
        }

    def _others(self, model: type[Item], schema: Any, named: Collection[str]) -> JSONSchema:
        """Names besides those that are named: document paths. (Not `patternProperties`, which client generators leave
        out, and with them what has such a name.)"""
        if model.model_config.get("extra") == "allow":
            return {"additionalProperties": schema}
        names = {"anyOf": [{"enum": list(named)}, {"pattern": _LEADING}]} if named else {"pattern": _LEADING}
        return {"additionalProperties": schema, "propertyNames": names}

    def _settable(self, model: type[Item]) -> list[str]:
        return [name for name in model.schema_.attributes if name not in model.schema_.key_names]

    def _elements(self, model: type[Item], name: str) -> JSONSchema:
        """What may be appended: an array of elements, or one of them."""
        arrays = _arms(self._items.attribute(model, name), "array")
        return {"anyOf": [*arrays, *(one["items"] for one in arrays if "items" in one)]} if arrays else {}

    def _members(self, model: type[Item], name: str, field: ModelField) -> JSONSchema:
        arrays = _arms(self._items.attribute(model, name), "array")
        return {**arrays[0], "minItems": 1} if len(arrays) == 1 and field.types <= _SETS | {"NULL"} else {}

    def _merged(self, model: type[Item], name: str) -> JSONSchema:
        field = field_at(model, path([name]))
        schema = self._items.attribute(model, name)
        if "M" in field.types:
            return {"type": ["object", "null"], "description": "Merged member by member."}
        alone = "anyOf" in schema and {"type": "null"} in schema["anyOf"]
        return schema if alone or field.required else {"anyOf": [schema, {"type": "null"}]}


_SETS = {"SS", "NS", "BS"}


def _set_types(field: ModelField) -> set[str]:
    return set(field.types) & _SETS


def _arms(schema: JSONSchema, kind: str) -> list[JSONSchema]:
    """The alternatives of a schema that are of a type."""
    return [one for one in schema.get("anyOf", [schema]) if one.get("type") == kind]


def _empty(section: str) -> JSONSchema:
    """What a section without actions is. (That not all are empty is said with `not`: client generators make a type of
    every arm of an `anyOf`.)"""
    return {"maxItems": 0} if section == "remove" else {"maxProperties": 0}


def _tests(kind: str, nullable: bool) -> JSONSchema:
    """The operators for an attribute of one of DynamoDB's types; all of them for "", which is any type."""
    leaf = _LEAVES.get(kind, {})
    value = {"anyOf": [leaf, {"type": "null"}]} if leaf and nullable else leaf
    tests: JSONSchema = {"eq": value, "ne": value, "in": _array(value, 1, MAX_CHOICES)}
    if kind in ("", "S", "N", "B"):
        tests |= dict.fromkeys(("lt", "le", "gt", "ge"), leaf) | {"between": _array(leaf, 2, 2)}
    if kind in ("", "S", "B"):
        tests["begins_with"] = leaf
    if kind in ("", "S", "B", "L", *_SETS):
        tests["contains"] = leaf or _LEAVES.get(kind.removesuffix("S"), {})
    tests |= {
        "exists": _LEAVES["BOOL"],
        "not_exists": _LEAVES["BOOL"],
        "type": {"type": "string", "enum": sorted(ALL_TYPES)},
    }
    if kind not in ("N", "BOOL"):
        tests["size"] = ref("SizeTest")
    return {"type": "object", "properties": tests, "additionalProperties": False, "minProperties": 1}


def size_test() -> JSONSchema:
    """What `size` is compared with."""
    number = {"type": "integer"}
    compared = dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), number)
    return {
        "description": "Characters of a string (UTF-16 code units), bytes, members or elements.",
        "type": "object",
        "properties": {**compared, "between": _array(number, 2, 2), "in": _array(number, 1, MAX_CHOICES)},
        "additionalProperties": False,
        "minProperties": 1,
    }


def operands() -> dict[str, JSONSchema]:
    """What `compute` takes: `Computed`, and the operands that are no plain values."""
    either: JSONSchema = {
        "description": "A path, and the value where nothing is there.",
        "type": "array",
        "prefixItems": [ref("Path"), {}],
        "items": {},
        "minItems": 2,
        "maxItems": 2,
    }
    number, elements = [_LEAVES["N"], ref("Operand")], [{"type": "array", "items": {}}, ref("Operand")]
    sums = dict.fromkeys(("plus", "minus"), _array({"anyOf": number}, 2, 2))
    return {
        "Computed": {
            "description": "Arithmetic, a list made of two, or a value where nothing is.",
            "type": "object",
            "properties": {**sums, "list_append": _array({"anyOf": elements}, 2, 2), "if_not_exists": either},
            **_ONE_MEMBER,
        },
        "Operand": {
            "description": "What stands at a path.",
            "type": "object",
            "properties": {"path": ref("Path"), "if_not_exists": either},
            **_ONE_MEMBER,
        },
    }


_ONE_MEMBER: JSONSchema = {"additionalProperties": False, "minProperties": 1, "maxProperties": 1}


def _array(items: JSONSchema, least: int, most: int) -> JSONSchema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}

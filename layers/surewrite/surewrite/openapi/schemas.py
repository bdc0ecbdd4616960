"""The schemas of items as they are in JSON: what a request may bring, and what a response shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import PydanticOmit, core_schema

from ..model.coerce import native
from ..model.item import Item
from ..model.json import dumps, loads

JSONSchema: TypeAlias = dict[str, Any]

_REF = "#/components/schemas/"

BASE64: JSONSchema = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$",
}
"""Bytes in JSON: base64 of either alphabet, padded or not."""


def ref(name: str) -> JSONSchema:
    """A reference to a schema of the document."""
    return {"$ref": f"{_REF}{name}"}


class _OnTheWire(GenerateJsonSchema):
    """pydantic's schemas, but for numbers, which are never strings, and bytes, whose limits are not those of their
    base64."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JSONSchema:
        number: JSONSchema = {"type": "number"}
        self.update_with_validations(number, schema, self.ValidationsMapping.numeric)
        return number

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JSONSchema:
        return dict(BASE64)

    def encode_default(self, dft: Any) -> Any:
        return loads(dumps(native(dft)))

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def computed_field_schema(self, schema: core_schema.ComputedField) -> JSONSchema:
        raise PydanticOmit  # not stored

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JSONSchema:
        return {}  # what a validator of the model's own takes


class ItemSchemas:
    """The schemas of the models' items, under `components`, and their names.

    For a model `Book`: `BookInput` is what a put brings, without its key, which may stand in the path; `NewBook` the
    same with its key; `Book` a whole item that a response shows; `BookPart` some of its attributes. Models within
    models have an `…Input` and a plain one.
    """

    def __init__(self, models: Iterable[type[Item]]) -> None:
        self.components: dict[str, JSONSchema] = {}
        self._names: dict[type[Item], str] = {}
        models = list(models)
        for mode, shape in (("validation", _input), ("serialization", _output)):
            self._add(models, mode, shape)  # type: ignore[arg-type]
        for model in models:
            self._add_variants(model)

    def name(self, model: type[Item]) -> str:
        return self._names[model]

    def input(self, model: type[Item]) -> JSONSchema:
        """The schema itself of what a put brings."""
        return self.components[f"{self._names[model]}Input"]

    def attribute(self, model: type[Item], name: str) -> JSONSchema:
        """What a request may set an attribute to."""
        schema: JSONSchema = self.input(model)["properties"].get(name, {})
        return {key: value for key, value in schema.items() if key != "default"}

    def key(self, model: type[Item]) -> JSONSchema:
        """A primary key as an object."""
        return {
            "type": "object",
            "properties": {one.name: self.key_part(model, one.name) for one in model.schema_.key_attributes},
            "required": [one.name for one in model.schema_.key_attributes],
            "additionalProperties": False,
        }

    def key_part(self, model: type[Item], name: str) -> JSONSchema:
        """One attribute of a primary key, within DynamoDB's limits."""
        (part,) = (one for one in model.schema_.key_attributes if one.name == name)
        schema = self.attribute(model, name)
        if part.type == "S":
            return {"minLength": 1, "maxLength": part.max_bytes, **schema}
        return {"minLength": 2, **schema} if part.type == "B" else schema

    def _add(
        self, models: list[type[Item]], mode: JsonSchemaMode, shape: Callable[[str, Any], tuple[str, Any]]
    ) -> None:
        asked = [(model, mode) for model in models]
        refs, made = models_json_schema(asked, ref_template=f"{_REF}{{model}}", schema_generator=_OnTheWire)
        for model in models:
            self._names[model] = refs[model, mode]["$ref"].removeprefix(_REF)
        for name, schema in made.get("$defs", {}).items():
            shaped, changed = shape(name, schema)
            self.components[shaped] = changed

    def _add_variants(self, model: type[Item]) -> None:
        name, keys = self._names[model], [one.name for one in model.schema_.key_attributes]
        whole, put = self.components[name], self.input(model)
        self.components[f"{name}Part"] = {**whole, "description": "The attributes that were asked for."}
        self.components[name] = {**whole, "required": keys}
        required = put.pop("required", [])
        bounded = {key: self.key_part(model, key) for key in keys}
        self.components[f"New{name}"] = {**put, "properties": {**put["properties"], **bounded}, "required": required}
        if others := [attribute for attribute in required if attribute not in keys]:
            put["required"] = others


def _input(name: str, schema: JSONSchema) -> tuple[str, JSONSchema]:
    return f"{name}Input", _changed(schema, suffix="Input", dropped=())


def _output(name: str, schema: JSONSchema) -> tuple[str, JSONSchema]:
    """Any part of what is stored, which may be older than the model: nothing has to be there, and there may be more."""
    return name, _changed(schema, suffix="", dropped=("required", "default", "minItems", "minProperties"))


def _changed(schema: Any, *, suffix: str, dropped: tuple[str, ...]) -> Any:
    """The schema with its references renamed, and without some keywords."""
    if isinstance(schema, list):
        return [_changed(one, suffix=suffix, dropped=dropped) for one in schema]
    if not isinstance(schema, dict):
        return schema
    changed: JSONSchema = {}
    for keyword, value in schema.items():
        if keyword == "$ref":
            changed[keyword] = value + suffix
        elif keyword in ("properties", "$defs"):
            changed[keyword] = {name: _changed(one, suffix=suffix, dropped=dropped) for name, one in value.items()}
        elif keyword == "title" or (keyword, value) == ("default", None):
            continue  # the component's name is the title; what is left at None is not stored
        elif keyword in ("default", "const", "enum", "examples") and keyword not in dropped:
            changed[keyword] = value
        elif keyword not in dropped and not (dropped and (keyword, value) == ("additionalProperties", False)):
            changed[keyword] = _changed(value, suffix=suffix, dropped=dropped)
    return changed

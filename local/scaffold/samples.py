"""A value that a JSON schema takes: the same one each time, and as a person would write it.

The schema's own examples come first, then its alternatives, and then what its type, format and bounds leave: a string
is the name of its attribute, a number is 1 where that is allowed.
"""

import base64
import math
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import hypothesis
from hypothesis import strategies
from jsonschema import Draft202012Validator

Schema = Mapping[str, Any]

_FORMATS = {
    "date-time": "2026-01-01T12:00:00Z",
    "date": "2026-01-01",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "jane@example.com",
    "ipv4": "203.0.113.10",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "019b76da-a800-7000-8000-000000000001",
}
_DEEPEST = 5


class Sampler:
    """Values for the schemas of one document, whose `components` they refer to."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components

    def value(self, schema: Schema, name: str, depth: int = 0) -> Any:
        """A value of the attribute `name`; it is not sure to be valid where a schema contradicts itself."""
        schema = self.resolved(schema)
        if "const" in schema:
            return schema["const"]
        for listed in ("examples", "enum"):
            if schema.get(listed):
                return schema[listed][0]
        match schema.get("type"):
            case "null":
                return None
            case "boolean":
                return True
            case "integer" | "number":
                return next((number for number in _numbers(schema) if self.fits(schema, number)), 1)
            case "array":
                return self._array(schema, name, depth)
            case "object":
                return self._object(schema, name, depth)
        return _text(schema, name)

    def another(self, schema: Schema, value: Any) -> Any:
        """Another value near this one, which may be this one where there is no other."""
        schema = self.resolved(schema)
        near = [*schema.get("examples", ())[1:], *schema.get("enum", ())[1:]]
        if isinstance(value, bool):
            near = [not value]
        elif isinstance(value, int | float):
            near += [value + 1, value - 1]
        elif isinstance(value, str):
            near += [f"another {value}", value[1:]]
        return next((one for one in near if one != value and self.fits(schema, one)), value)

    def fits(self, schema: Schema, value: Any) -> bool:
        validator = Draft202012Validator({**schema, "components": self._components})
        return bool(validator.is_valid(value))

    def resolved(self, schema: Schema) -> Schema:
        """The schema without references and alternatives: the first one that is not null."""
        if "$ref" in schema:
            found: Any = {"components": self._components}
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            return self.resolved({**found, **{name: own for name, own in schema.items() if name != "$ref"}})
        for listed in ("anyOf", "oneOf"):
            if listed in schema:
                first = next((one for one in schema[listed] if one.get("type") != "null"), {"type": "null"})
                return self.resolved({**{name: own for name, own in schema.items() if name != listed}, **first})
        for part in schema.get("allOf", ()):
            schema = {**schema, **self.resolved(part)}
        return schema

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        count = max(schema.get("minItems", 0), min(1, schema.get("maxItems", 1)))
        members = [self.value(one, name, depth + 1) for one in schema.get("prefixItems", ())]
        if depth >= _DEEPEST and not schema.get("minItems"):
            return members
        while len(members) < count and schema.get("items") is not False:
            items = schema.get("items", {})
            other = schema.get("uniqueItems") and members
            members.append(self.another(items, members[-1]) if other else self.value(items, name, depth + 1))
        return members

    def _object(self, schema: Schema, name: str, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        wanted = [one for one in properties if depth < _DEEPEST or one in required]
        made = {one: self.value(properties[one], one, depth + 1) for one in wanted}
        others = schema.get("additionalProperties")
        if not properties and isinstance(others, Mapping) and depth < _DEEPEST:
            made[_key(schema, name)] = self.value(others, name, depth + 1)
        return made


def _numbers(schema: Schema) -> Iterator[int | float]:
    """Numbers that may lie within the schema's bounds, the simplest first."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    step = schema.get("multipleOf", 1)
    yield from (1, 0, step)
    if low is not None:
        yield from (low, low + step, math.ceil(low / step) * step)
    if high is not None:
        yield from (high, high - step, math.floor(high / step) * step)
    if low is not None and high is not None:
        yield (low + high) / 2


def _text(schema: Schema, name: str) -> str:
    if schema.get("contentEncoding") == "base64":
        return base64.b64encode(name.encode()).decode()
    if (pattern := schema.get("pattern")) is not None:
        return _matching(pattern, schema)
    text = _FORMATS.get(schema.get("format", ""), name)
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def _key(schema: Schema, name: str) -> str:
    """The name of a member of a map."""
    return _text(schema.get("propertyNames", {}), name)


def _matching(pattern: str, schema: Schema) -> str:
    """The shortest and plainest text that the pattern finds something in."""
    low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    settings = hypothesis.settings(database=None, max_examples=200, deadline=None)
    try:
        found: str = hypothesis.find(
            strategies.from_regex(re.compile(pattern, re.ASCII)).filter(lambda text: text.isprintable()),
            lambda text: low <= len(text) <= high,
            settings=settings,
            random=random.Random(0),  # noqa: S311 - so that it is the same each time
        )
    except (re.error, hypothesis.errors.NoSuchExample):
        return pattern
    return found

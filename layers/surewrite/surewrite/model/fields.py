"""What a model says of the end of a path: its type, its limits, how its values are stored, what may be missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, TypeAdapter, ValidationError

from ..errors import InvalidItem, InvalidUpdate, Problem
from ..paths import Element, Path
from .annotations import (
    alias_of,
    arms_of,
    entry_of,
    flatten,
    member_of,
    parses,
    serializer_of,
    types_of,
    types_of_serializer,
    unannotated,
    without_constraints,
)
from .coerce import from_json, native, stored
from .item import Item
from .keys import KeyRole, type_adapter
from .wire import type_of

# settings of a model that change the values of its fields
_CONVERTING = {
    "str_strip_whitespace", "str_to_lower", "str_to_upper", "coerce_numbers_to_str", "use_enum_values",
}  # fmt: skip


class Stored(NamedTuple):
    """A value as it stands in an image, and the part of it that no default filled in."""

    value: Any
    given: Any


@dataclass(frozen=True)
class ModelField:
    """One place in a model. `annotation` is bare, `metadata` holds its constraints and converters.

    `optional_parent` is the nearest parent that may be absent according to the model, None if there is none;
    `required` says that the attribute itself may not be removed; `opaque` that the model's own methods validate or
    serialize it; `owner` is that model, or one whose settings convert values, with the field's name in it.
    """

    annotation: Any
    metadata: tuple[Any, ...] = ()
    required: bool = False
    opaque: bool = False
    owner: tuple[type[BaseModel], str] | None = None
    optional_parent: Path | None = None

    @cached_property
    def types(self) -> frozenset[str]:
        """The DynamoDB types that fit here."""
        if self._serializer is None:
            return frozenset(types_of(self.annotation))
        optional = frozenset(["NULL"] if type(None) in arms_of(self.annotation) else [])
        return types_of_serializer(self._serializer) | optional

    @cached_property
    def arms(self) -> tuple[Any, ...]:
        """The alternatives of the annotation, besides None."""
        return tuple(arm for arm in arms_of(self.annotation) if arm is not type(None))

    @cached_property
    def limits(self) -> tuple[Any, ...]:
        """The constraints one by one: an `Interval` is a lower and an upper one."""
        marks = [mark for mark in self.metadata if not isinstance(mark, KeyRole)]
        return tuple(
            limit
            for mark in marks
            for limit in (mark if isinstance(mark, annotated_types.GroupedMetadata) else (mark,))
        )

    @cached_property
    def bare(self) -> ModelField:
        """The same place without its constraints, as for a part of a value, or one that is only compared."""
        return replace(self, metadata=without_constraints(self.metadata), required=False)

    @cached_property
    def present(self) -> ModelField:
        """The same place, without its constraints, where something else than null stands."""
        return replace(self.bare, annotation=Union[self.arms]) if self.arms else self.bare  # noqa: UP007 - a tuple

    @cached_property
    def member(self) -> ModelField | None:
        """A set's or a list's members."""
        annotation = member_of(self.annotation)
        return None if annotation is None or self._serializer is not None else _part(annotation)

    @cached_property
    def _serializer(self) -> Any:
        if self.owner is not None:
            model, name = self.owner
            method = next(_methods(model.__pydantic_decorators__.field_serializers, name), None)
            if method is not None:
                return method
        return serializer_of(self.metadata)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return type_adapter(self.annotation, *self.metadata)

    def convert(self, value: Any) -> Stored:
        """The value, validated and serialized as a put of the whole item would; InvalidItem where the model refuses."""
        try:
            validated = self._validated(value)
            stored_value = self._dumped(validated, given_only=False)
            nested = isinstance(stored_value, dict | list)
            return Stored(stored_value, self._dumped(validated, given_only=True) if nested else stored_value)
        except ValidationError as error:
            raise InvalidItem.from_pydantic(error.errors(include_url=False, include_input=False)) from None
        except (ValueError, TypeError) as error:
            raise InvalidItem(Problem((), str(error))) from None

    def _validated(self, value: Any) -> Any:
        if self.owner is not None:
            model, name = self.owner
            decorators = model.__pydantic_decorators__
            own = next(_methods(decorators.field_validators, name), None) or _CONVERTING & model.model_config.keys()
            if own and not decorators.model_validators:
                return _assigned(model, name, value)
        return self._adapter.validate_python(value)

    def _dumped(self, validated: Any, *, given_only: bool) -> Any:
        if self.owner is not None:
            model, name = self.owner
            item = model.model_construct(**{name: validated})
            dumped = item.model_dump(include={name}, by_alias=True, round_trip=True, warnings=False)
            return native(next(iter(dumped.values())))
        return stored(self._adapter, validated, given_only)

    def check(self, value: Any) -> Any:
        """The value as it stands in an image, validated."""
        return self.convert(value).value

    def amount(self, value: Any) -> Any:
        """A number that is to be added: of the field's type, where that is a plain number, whatever its limits."""
        if self._serializer is None:
            return ModelField(self.annotation).check(value)
        return _native(value)

    def comparable(self, value: Any) -> Any:
        """The value that a condition compares with: stored as the field's own would be, or at least of its type."""
        try:
            return self.bare.check(value)
        except InvalidItem:
            plain = _native(value)
            if type_of(plain) not in self.types:
                raise
            return plain

    def comparable_member(self, value: Any) -> Any:
        """The value that `contains` looks for: a part of a string, or a member of a set or a list."""
        plain = _native(value)
        if self.member is None or type_of(plain) in self.types:
            return plain
        return self.member.comparable(value)

    def from_json(self, value: Any) -> Any:
        """A JSON value brought to Python's types: base64 decoded, and no string taken for a number or the like."""
        return value if parses(self.metadata) else from_json(self.annotation, value)

    def member_from_json(self, value: Any) -> Any:
        """What `contains` looks for, from JSON."""
        if self.types <= {"B", "NULL"}:
            return from_json(bytes, value)
        if isinstance(value, Mapping | list) or value is None:
            raise InvalidItem(Problem((), "a string, a number or a boolean is needed"))
        textual = self.member is None or (isinstance(value, str) and "S" in self.types)
        return value if textual or self.member is None else self.member.from_json(value)


def _methods(decorators: Mapping[str, Any], name: str) -> Iterator[Any]:
    """A model's own validators or serializers of a field."""
    return (one for one in decorators.values() if name in one.info.fields or "*" in one.info.fields)


def _assigned(model: type[BaseModel], name: str, value: Any) -> Any:
    """What becomes of a value that is assigned to the field, by the model's own validators as well."""
    try:
        item = model.__pydantic_validator__.validate_assignment(model.model_construct(), name, value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise InvalidItem.from_pydantic({**one, "loc": one["loc"][1:]} for one in found) from None
    return getattr(item, name)


def _native(value: Any) -> Any:
    try:
        return native(value)
    except (ValueError, TypeError) as error:
        raise InvalidItem(Problem((), str(error))) from None


def field_at(model: type[Item], path: Path) -> ModelField:
    """What the model says of the path's end; InvalidUpdate, without a location, if it has no such attribute."""
    schema = model.schema_
    if path.name not in schema.attributes and model.model_config.get("extra") != "allow":
        raise InvalidUpdate(Problem((), schema.unknown(path.name)))
    # list indexes are all alike to a model: one cache entry for each list, not for each element
    pattern = Path(0 if isinstance(element, int) else element for element in path)
    # long names are not kept: requests that are full of them could fill the memory
    short = sum(len(str(element)) for element in pattern) <= _LONG
    field = _field_at(model, pattern) if short else _field_at.__wrapped__(model, pattern)
    if field is None:
        raise InvalidUpdate(Problem((), "the model has nothing at this path"))
    return field


_LONG = 256


@lru_cache(maxsize=2048)
def _field_at(model: type[Item], pattern: Path) -> ModelField | None:
    field: ModelField | None = _field_of(model, pattern.name)
    for depth in range(1, len(pattern)):
        if field is None:
            return None
        optional = Path(pattern[:depth]) if "NULL" in field.types and field.annotation is not Any else None
        parent = field.optional_parent or optional
        field = None if field._serializer is not None else _child(field.annotation, pattern[depth])
        if field is not None and parent is not None:
            field = replace(field, optional_parent=parent)
    return field


def _field_of(model: type[BaseModel], name: str) -> ModelField | None:
    """A model's field, by its alias; Any for what a model with `extra="allow"` does not name."""
    field = _fields_of(model).get(name)
    return ModelField(Any) if field is None and model.model_config.get("extra") == "allow" else field


@lru_cache(maxsize=256)
def _fields_of(model: type[BaseModel]) -> dict[str, ModelField]:
    """A model's fields by their aliases. None where the model serializes itself: then they are not what is stored."""
    decorators = model.__pydantic_decorators__
    methods: tuple[Mapping[str, Any], ...] = (decorators.field_serializers, decorators.field_validators)
    configured = bool(_CONVERTING & model.model_config.keys())
    fields: dict[str, ModelField] = {}
    for name, info in model.model_fields.items():
        annotation, metadata = flatten(info.annotation, info.metadata)
        opaque = any(next(_methods(decorated, name), None) for decorated in methods)
        owner = (model, name) if opaque or configured else None
        fields[alias_of(name, info)] = ModelField(annotation, metadata, info.is_required(), opaque, owner)
    return {} if decorators.model_serializers else fields


def _child(annotation: Any, element: Element) -> ModelField | None:
    """One step down, through whichever arm of a union has such a child."""
    for arm in map(unannotated, arms_of(annotation)):
        if arm is Any or arm is object:
            return _part(Any)
        origin, args = get_origin(arm) or arm, get_args(arm)
        if not isinstance(origin, type):
            continue
        if isinstance(element, int) and issubclass(origin, list | Sequence) and not issubclass(origin, str | bytes):
            return _part(args[0] if args else Any)
        if isinstance(element, str):
            if issubclass(origin, BaseModel):
                return _field_of(origin, element)
            if hasattr(origin, "__required_keys__"):  # a TypedDict, of typing or typing_extensions
                entry = entry_of(origin, element)
                return None if entry is None else _part(entry, element in origin.__required_keys__)
            if issubclass(origin, Mapping):
                return _part(args[1] if len(args) == 2 else Any)
    return None


def _part(annotation: Any, required: bool = False) -> ModelField:
    bare, *marks = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    return ModelField(*flatten(bare, marks), required)

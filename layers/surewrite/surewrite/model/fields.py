"""What the model says about the value at the end of a path: its type, its limits, whether its parents are there."""

from __future__ import annotations

import datetime
import typing
import uuid
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ..errors import InvalidItem, InvalidUpdate, Problem
from ..paths import Element, Path
from .coerce import alias_of, arms_of, from_json, native, unannotated
from .item import Item
from .keys import KeyRole, type_adapter

ALL_TYPES = frozenset({"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"})
_LEAVES: dict[Any, str] = {
    str: "S", bool: "BOOL", int: "N", float: "N", Decimal: "N", bytes: "B", type(None): "NULL", uuid.UUID: "S",
    datetime.datetime: "S", datetime.date: "S", datetime.time: "S", datetime.timedelta: "S",
}  # fmt: skip


@dataclass(frozen=True)
class ModelField:
    """One place in a model. `annotation` is bare, `metadata` holds its constraints.

    `optional_parent` is the nearest parent that may be absent according to the model, None if there is none;
    `required` says that the attribute itself may not be removed; `opaque` that validators in Python guard it.
    """

    annotation: Any
    metadata: tuple[Any, ...] = ()
    required: bool = False
    opaque: bool = False
    optional_parent: Path | None = None

    @cached_property
    def types(self) -> frozenset[str]:
        """The DynamoDB types that fit here."""
        return frozenset(_types(self.annotation))

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
    def _adapter(self) -> TypeAdapter[Any]:
        return type_adapter(self.annotation, *self.metadata)

    @cached_property
    def _bare(self) -> TypeAdapter[Any]:
        return type_adapter(self.annotation)

    def check(self, value: Any, *, bare: bool = False) -> Any:
        """The value as it stands in an image, validated; `bare` leaves the constraints out, as for an increment."""
        try:
            return native((self._bare if bare else self._adapter).validate_python(value))
        except ValidationError as error:
            raise InvalidItem.from_pydantic(error.errors(include_url=False, include_input=False)) from None
        except (ValueError, TypeError) as error:
            raise InvalidItem(Problem((), str(error))) from None

    def from_json(self, value: Any) -> Any:
        """A JSON value brought to Python's types: base64 decoded, and no string taken for a number or the like."""
        return from_json(self.annotation, value)


def field_at(model: type[Item], path: Path) -> ModelField:
    """What the model says of the path's end; InvalidUpdate, without a location, if it has no such
    attribute."""
    schema = model.schema_
    if path.name not in schema.attributes and model.model_config.get("extra") != "allow":
        raise InvalidUpdate(Problem((), schema.unknown(path.name)))
    return _found(model, Path(_pattern(path)), path)


def _pattern(path: Path) -> Iterator[Element]:
    """List indexes are all alike to a model: one cache entry for each list, not for each element."""
    return (0 if isinstance(element, int) else element for element in path)


@lru_cache(maxsize=2048)
def _cached(model: type[Item], pattern: Path) -> ModelField | None:
    field: ModelField | None = _field_of(model, pattern.name)
    for depth in range(1, len(pattern)):
        if field is None:
            return None
        optional = Path(pattern[:depth]) if "NULL" in field.types and field.annotation is not Any else None
        parent = field.optional_parent or optional
        field = _child(field.annotation, pattern[depth])
        if field is not None and parent is not None:
            field = ModelField(field.annotation, field.metadata, field.required, field.opaque, parent)
    return field


def _found(model: type[Item], pattern: Path, path: Path) -> ModelField:
    # long names are not kept: whoever sends them could fill the memory with them
    short = sum(len(str(element)) for element in pattern) <= 256
    field = _cached(model, pattern) if short else _cached.__wrapped__(model, pattern)
    if field is None:
        raise InvalidUpdate(Problem((), "the model has nothing at this path"))
    return field


def _field_of(model: type[BaseModel], name: str) -> ModelField | None:
    """A model's field, by its alias; Any for what a model with `extra="allow"` does not name."""
    for field_name, info in model.model_fields.items():
        if alias_of(field_name, info) == name:
            decorators = model.__pydantic_decorators__.field_validators.values()
            opaque = any(
                field_name in validator.info.fields or "*" in validator.info.fields for validator in decorators
            )
            annotation, metadata = _flatten(info.annotation, info.metadata)
            return ModelField(annotation, metadata, info.is_required(), opaque)
    return ModelField(Any) if model.model_config.get("extra") == "allow" else None


def _flatten(annotation: Any, metadata: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """`Optional[Annotated[int, Ge(0)]]` and `Annotated[Optional[int], Ge(0)]` come to the same."""
    arms = [arm for arm in arms_of(annotation) if arm is not type(None)]
    if len(arms) == 1 and get_origin(arms[0]) is Annotated:
        bare, *inner = get_args(arms[0])
        optional = len(arms_of(annotation)) > 1
        return (bare | None if optional else bare), (*metadata, *_constraints(inner))
    return annotation, _constraints(metadata)


def _constraints(marks: Sequence[Any]) -> tuple[Any, ...]:
    flat: list[Any] = []
    for mark in marks:
        flat.extend(mark.metadata if isinstance(mark, FieldInfo) else [mark])
    return tuple(flat)


def _child(annotation: Any, element: Element) -> ModelField | None:
    """One step down, through whichever arm of a union has such a child."""
    for arm in map(unannotated, arms_of(annotation)):
        if arm is Any or arm is object:
            return ModelField(Any)
        origin, args = get_origin(arm) or arm, get_args(arm)
        if not isinstance(origin, type):
            continue
        if isinstance(element, int) and issubclass(origin, list | Sequence) and not issubclass(origin, str | bytes):
            return _member_of(args[0] if args else Any)
        if isinstance(element, str):
            if issubclass(origin, BaseModel):
                return _field_of(origin, element)
            if hasattr(origin, "__required_keys__"):  # a TypedDict, of typing or typing_extensions
                return _entry_of(origin, element)
            if issubclass(origin, Mapping):
                return _member_of(args[1] if len(args) == 2 else Any)
    return None


def _member_of(annotation: Any, required: bool = False) -> ModelField:
    bare, *marks = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    return ModelField(*_flatten(bare, marks), required)


def _entry_of(typed_dict: Any, name: str) -> ModelField | None:
    annotation = typing.get_type_hints(typed_dict, include_extras=True).get(name)
    if get_origin(annotation) in (typing.Required, typing.NotRequired):
        (annotation,) = get_args(annotation)
    return None if annotation is None else _member_of(annotation, name in typed_dict.__required_keys__)


def _types(annotation: Any) -> Iterator[str]:
    for arm in map(unannotated, arms_of(annotation)):
        origin, args = get_origin(arm) or arm, get_args(arm)
        if arm in _LEAVES:
            yield _LEAVES[arm]
        elif origin is Literal:
            yield from (_LEAVES.get(type(value), "S") for value in args)
        elif not isinstance(origin, type):
            yield from ALL_TYPES
        elif issubclass(origin, Enum):
            yield from (_LEAVES.get(type(member.value), "S") for member in origin)
        elif issubclass(origin, Set):
            yield from (f"{kind}S" for kind in _types(args[0] if args else Any) if kind in "SNB")
        elif issubclass(origin, BaseModel | Mapping):
            yield "M"
        elif issubclass(origin, str | bytes | int):
            yield next(kind for leaf, kind in _LEAVES.items() if leaf is not bool and issubclass(origin, leaf))
        elif issubclass(origin, Sequence):
            yield "L"
        else:
            yield from ALL_TYPES

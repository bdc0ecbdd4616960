"""What type annotations say: their alternatives, DynamoDB's types, the marks that convert values."""

from __future__ import annotations

import datetime
import types
import typing
import uuid
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Json,
    PlainSerializer,
    PlainValidator,
    WrapSerializer,
    WrapValidator,
)
from pydantic.fields import FieldInfo

from .wire import ALL_TYPES

_LEAVES: dict[Any, str] = {
    str: "S", bool: "BOOL", int: "N", float: "N", Decimal: "N", bytes: "B", type(None): "NULL", uuid.UUID: "S",
    datetime.datetime: "S", datetime.date: "S", datetime.time: "S", datetime.timedelta: "S",
}  # fmt: skip
_CONSTRAINTS = (annotated_types.BaseMetadata, annotated_types.GroupedMetadata, AfterValidator, Enum)
_PARSERS = (BeforeValidator, PlainValidator, WrapValidator, Json)
_SERIALIZERS = (PlainSerializer, WrapSerializer, Json)


def alias_of(name: str, field: FieldInfo) -> str:
    """The field's name in DynamoDB."""
    return field.serialization_alias or field.alias or name


def arms_of(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the annotation itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def unannotated(annotation: Any) -> Any:
    """The type within an `Annotated`."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def flatten(annotation: Any, metadata: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """The bare annotation and its marks: `Optional[Annotated[int, Ge(0)]]` is `Annotated[Optional[int], Ge(0)]`."""
    arms = [arm for arm in arms_of(annotation) if arm is not type(None)]
    if len(arms) == 1 and get_origin(arms[0]) is Annotated:
        bare, *inner = get_args(arms[0])
        optional = len(arms_of(annotation)) > 1
        return (bare | None if optional else bare), (*metadata, *_marks(inner))
    return annotation, _marks(metadata)


def _marks(metadata: Sequence[Any]) -> tuple[Any, ...]:
    flat: list[Any] = []
    for mark in metadata:
        flat.extend(mark.metadata if isinstance(mark, FieldInfo) else [mark])
    return tuple(flat)


def without_constraints(metadata: Sequence[Any]) -> tuple[Any, ...]:
    """The marks that convert a value; not those that only refuse some."""
    return tuple(mark for mark in metadata if not isinstance(mark, _CONSTRAINTS))


def parses(metadata: Sequence[Any]) -> bool:
    """Whether a validator may take values of another type than the annotation's."""
    return any(isinstance(mark, _PARSERS) for mark in metadata)


def serializer_of(metadata: Sequence[Any]) -> Any:
    """The mark that decides how a value is stored, None if its type does."""
    return next((mark for mark in reversed(metadata) if isinstance(mark, _SERIALIZERS)), None)


def types_of_serializer(serializer: Any) -> frozenset[str]:
    """DynamoDB's types of what a serializer makes; all of them if it does not declare any."""
    if type(serializer) is Json:
        return frozenset("S")
    declared: Any = getattr(serializer, "return_type", Any)
    if not isinstance(declared, type):
        declared = getattr(serializer.func, "__annotations__", {}).get("return", Any)
    return frozenset(types_of(declared)) if isinstance(declared, type) else ALL_TYPES


def types_of(annotation: Any) -> Iterator[str]:
    """DynamoDB's types that fit the annotation."""
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
            yield from (f"{kind}S" for kind in types_of(args[0] if args else Any) if kind in "SNB")
        elif issubclass(origin, BaseModel | Mapping):
            yield "M"
        elif issubclass(origin, str | bytes | int):
            yield next(kind for leaf, kind in _LEAVES.items() if leaf is not bool and issubclass(origin, leaf))
        elif issubclass(origin, Sequence):
            yield "L"
        else:
            yield from ALL_TYPES


def plain(annotation: Any) -> bool:
    """Whether no model can stand in a value of the annotation, at any depth."""
    for arm in map(unannotated, arms_of(annotation)):
        origin = get_origin(arm) or arm
        if origin is Literal:
            continue
        if not isinstance(origin, type) or origin is object or issubclass(origin, BaseModel):
            return False
        if not all(plain(member) for member in get_args(arm) if member is not ...):
            return False
    return True


def types_of_field(field: FieldInfo) -> frozenset[str]:
    """DynamoDB's types of what a field stores, besides NULL."""
    annotation, metadata = flatten(field.annotation, field.metadata)
    serializer = serializer_of(metadata)
    return frozenset(types_of(annotation) if serializer is None else types_of_serializer(serializer)) - {"NULL"}


def member_of(annotation: Any) -> Any:
    """The annotation of a set's or a list's members, None if there are none."""
    for arm in map(unannotated, arms_of(annotation)):
        origin, args = get_origin(arm) or arm, get_args(arm)
        if not isinstance(origin, type) or issubclass(origin, str | bytes):
            continue
        if issubclass(origin, (Set, Sequence)):
            return args[0] if args else Any
    return None


def entry_of(typed_dict: Any, name: str) -> Any:
    """The annotation of a TypedDict's entry, None if it has no such entry."""
    annotation = typing.get_type_hints(typed_dict, include_extras=True).get(name)
    if get_origin(annotation) in (typing.Required, typing.NotRequired):
        (annotation,) = get_args(annotation)
    return annotation

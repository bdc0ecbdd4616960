"""What the model says about the value at the end of a path: its type, its limits, whether its parents are there."""

from __future__ import annotations

import datetime
import types
import typing
import uuid
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ..errors import InvalidItem, InvalidUpdate, Problem
from ..paths import Element, Path
from .item import Item, alias_of, native
from .keys import KeyRole, decode_base64, type_adapter

ALL_TYPES = frozenset({"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"})
_LEAVES: dict[Any, str] = {
    str: "S", bool: "BOOL", int: "N", float: "N", Decimal: "N", bytes: "B", type(None): "NULL", uuid.UUID: "S",
    datetime.datetime: "S", datetime.date: "S", datetime.time: "S", datetime.timedelta: "S",
}  # fmt: skip


@dataclass(frozen=True)
class Hint:
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
        return tuple(arm for arm in _arms(self.annotation) if arm is not type(None))

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


def hint_at(model: type[Item], path: Path) -> Hint:
    """What the model says of the path's end; InvalidUpdate, without a location, if it has no such
    attribute."""
    schema = model.schema_
    if path.name not in schema.attributes and model.model_config.get("extra") != "allow":
        raise InvalidUpdate(Problem((), schema.unknown(path.name)))
    return _hint(model, Path(_pattern(path)), path)


def _pattern(path: Path) -> Iterator[Element]:
    """List indexes are all alike to a model: one cache entry for each list, not for each element."""
    return (0 if isinstance(element, int) else element for element in path)


@lru_cache(maxsize=2048)
def _cached(model: type[Item], pattern: Path) -> Hint | None:
    hint: Hint | None = _field_hint(model, pattern.name)
    for depth in range(1, len(pattern)):
        if hint is None:
            return None
        optional = Path(pattern[:depth]) if "NULL" in hint.types and hint.annotation is not Any else None
        parent = hint.optional_parent or optional
        hint = _child(hint.annotation, pattern[depth])
        if hint is not None and parent is not None:
            hint = Hint(hint.annotation, hint.metadata, hint.required, hint.opaque, parent)
    return hint


def _hint(model: type[Item], pattern: Path, path: Path) -> Hint:
    # long names are not kept: whoever sends them could fill the memory with them
    short = sum(len(str(element)) for element in pattern) <= 256
    hint = _cached(model, pattern) if short else _cached.__wrapped__(model, pattern)
    if hint is None:
        raise InvalidUpdate(Problem((), "the model has nothing at this path"))
    return hint


def _field_hint(model: type[BaseModel], name: str) -> Hint | None:
    """The hint of a model's field, by its alias; Any for what a model with `extra="allow"` does not name."""
    for field_name, field in model.model_fields.items():
        if alias_of(field_name, field) == name:
            decorators = model.__pydantic_decorators__.field_validators.values()
            opaque = any(
                field_name in validator.info.fields or "*" in validator.info.fields for validator in decorators
            )
            annotation, metadata = _flatten(field.annotation, field.metadata)
            return Hint(annotation, metadata, field.is_required(), opaque)
    return Hint(Any) if model.model_config.get("extra") == "allow" else None


def _flatten(annotation: Any, metadata: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """`Optional[Annotated[int, Ge(0)]]` and `Annotated[Optional[int], Ge(0)]` come to the same."""
    arms = [arm for arm in _arms(annotation) if arm is not type(None)]
    if len(arms) == 1 and get_origin(arms[0]) is Annotated:
        bare, *inner = get_args(arms[0])
        optional = len(_arms(annotation)) > 1
        return (bare | None if optional else bare), (*metadata, *_constraints(inner))
    return annotation, _constraints(metadata)


def _constraints(marks: Sequence[Any]) -> tuple[Any, ...]:
    flat: list[Any] = []
    for mark in marks:
        flat.extend(mark.metadata if isinstance(mark, FieldInfo) else [mark])
    return tuple(flat)


def _arms(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _strip(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _child(annotation: Any, element: Element) -> Hint | None:
    """One step down, through whichever arm of a union has such a child."""
    for arm in map(_strip, _arms(annotation)):
        if arm is Any or arm is object:
            return Hint(Any)
        origin, args = get_origin(arm) or arm, get_args(arm)
        if not isinstance(origin, type):
            continue
        if isinstance(element, int) and issubclass(origin, list | Sequence) and not issubclass(origin, str | bytes):
            return _member_hint(args[0] if args else Any)
        if isinstance(element, str):
            if issubclass(origin, BaseModel):
                return _field_hint(origin, element)
            if hasattr(origin, "__required_keys__"):  # a TypedDict, of typing or typing_extensions
                return _entry_hint(origin, element)
            if issubclass(origin, Mapping):
                return _member_hint(args[1] if len(args) == 2 else Any)
    return None


def _member_hint(annotation: Any, required: bool = False) -> Hint:
    bare, *marks = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    return Hint(*_flatten(bare, marks), required)


def _entry_hint(typed_dict: Any, name: str) -> Hint | None:
    annotation = typing.get_type_hints(typed_dict, include_extras=True).get(name)
    if get_origin(annotation) in (typing.Required, typing.NotRequired):
        (annotation,) = get_args(annotation)
    return None if annotation is None else _member_hint(annotation, name in typed_dict.__required_keys__)


def _types(annotation: Any) -> Iterator[str]:
    for arm in map(_strip, _arms(annotation)):
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


def from_json(annotation: Any, value: Any) -> Any:
    """A parsed JSON value as the annotation's Python value; InvalidItem where JSON's type is another one."""
    arms = tuple(map(_strip, _arms(annotation)))
    problem: InvalidItem | None = None
    for arm in sorted(arms, key=lambda arm: (arm is type(None), arm is bytes)):
        try:
            return _arm_from_json(arm, value)
        except InvalidItem as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _arm_from_json(arm: Any, value: Any) -> Any:
    origin, args = get_origin(arm) or arm, get_args(arm)
    if not isinstance(origin, type) or issubclass(origin, Enum) or arm in (Any, object):
        return value
    if issubclass(origin, bytes):
        return _bytes_from_json(value)
    if issubclass(origin, BaseModel):
        return _model_from_json(origin, value)
    if issubclass(origin, Mapping):
        return _mapping_from_json(args[1] if len(args) == 2 else Any, value)
    if issubclass(origin, Set | Sequence) and not issubclass(origin, str):
        return _array_from_json(args[0] if args else Any, value)
    for leaf, accepted, name in _JSON_LEAVES:
        if issubclass(origin, leaf):
            if not isinstance(value, accepted) or (isinstance(value, bool) and leaf is not bool):
                raise InvalidItem(Problem((), f"a {name} is needed"))
            return value
    return value


_JSON_LEAVES: tuple[tuple[type, tuple[type, ...], str], ...] = (
    (bool, (bool,), "boolean"),
    (int, (int, Decimal), "number"),
    (Decimal, (int, Decimal), "number"),
    (float, (int, Decimal), "number"),
    (str, (str,), "string"),
    (type(None), (type(None),), "null"),
)


def _bytes_from_json(value: Any) -> bytes:
    try:
        return decode_base64(value)
    except (ValueError, AttributeError):
        raise InvalidItem(Problem((), "base64 is needed")) from None


def _model_from_json(model: type[BaseModel], value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidItem(Problem((), "an object is needed"))
    annotations = {alias_of(name, field): field.annotation for name, field in model.model_fields.items()}
    return {name: _at(name, annotations.get(name, Any), member) for name, member in value.items()}


def _mapping_from_json(annotation: Any, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidItem(Problem((), "an object is needed"))
    return {name: _at(name, annotation, member) for name, member in value.items()}


def _array_from_json(annotation: Any, value: Any) -> Any:
    if not isinstance(value, list):
        raise InvalidItem(Problem((), "an array is needed"))
    return [_at(index, annotation, member) for index, member in enumerate(value)]


def _at(where: Element, annotation: Any, value: Any) -> Any:
    try:
        return from_json(annotation, value)
    except InvalidItem as error:
        raise error.under(where) from None


def item_from_json(model: type[Item], value: Any) -> Any:
    """A JSON object made ready for `model.model_validate`; InvalidItem names each place of another type."""
    return _model_from_json(model, value)

"""One conversion of values: what Python or JSON gives becomes what an image holds.

`native` takes any Python value, `from_json` a parsed JSON value under an annotation.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from boto3.dynamodb.types import Binary
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python

from ..errors import InvalidItem, Problem
from ..hints import DYNAMODB_JSON, is_dynamodb_json
from ..paths import Element
from .annotations import alias_of, arms_of, parses, unannotated
from .wire import number


def native(value: Any) -> Any:
    """Any Python value as it stands in an image: models, dates, enums and the like become DynamoDB's own types.

    Raises ValueError or TypeError for what DynamoDB would refuse.
    """
    if value is None or isinstance(value, bool | bytes):
        return value
    if isinstance(value, Enum):
        return native(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | Decimal | float):
        return number(value)
    if isinstance(value, Mapping):
        return {str(native(name)): native(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [native(member) for member in value]
    if isinstance(value, set | frozenset):
        return {native(member) for member in value}
    if isinstance(value, Binary):
        return bytes(value)  # type: ignore[call-overload]
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, BaseModel):
        dumped = value.model_dump(mode="python", by_alias=True, round_trip=True)
        prune(value, dumped)
        return native(dumped)
    if hasattr(value, "get_secret_value"):
        raise TypeError("a secret would be stored as asterisks; give the field a serializer")
    return native(to_jsonable_python(value))


def stored(adapter: TypeAdapter[Any], validated: Any, given_only: bool = False) -> Any:
    """A validated value as it stands in an image, through its serializers; `given_only` leaves defaults out."""
    dumped = adapter.dump_python(validated, by_alias=True, round_trip=True, exclude_unset=given_only, warnings=False)
    prune(validated, dumped)
    return native(dumped)


PARTIAL = "_surewrite_partial"
"""The mark, in its `__dict__`, of an instance that is no whole, valid item, and why."""


def check_whole(value: BaseModel) -> None:
    """TypeError for an instance that is no whole, valid item."""
    if PARTIAL in value.__dict__:
        raise TypeError(f"{value.__dict__[PARTIAL]}, so it cannot be stored")


def prune(value: Any, dumped: Any) -> None:
    """Takes out of a model's dump what is not stored: fields left at None, empty sets that a default brings back."""
    if isinstance(value, BaseModel) and isinstance(dumped, dict):
        check_whole(value)
        for name, field in type(value).model_fields.items():
            alias, member = alias_of(name, field), getattr(value, name)
            if alias not in dumped:
                continue
            left_at_none = member is None and name not in value.model_fields_set
            empty_set = isinstance(member, set | frozenset) and not member and not field.is_required()
            if left_at_none or empty_set:
                del dumped[alias]
            else:
                prune(member, dumped[alias])
    elif isinstance(value, Mapping) and isinstance(dumped, dict):
        for name in dumped:
            prune(value.get(name), dumped[name])
    elif isinstance(value, list | tuple) and isinstance(dumped, list | tuple):
        for member, dumped_member in zip(value, dumped, strict=False):
            prune(member, dumped_member)


def decode_base64(text: str) -> bytes:
    """Bytes from base64, standard or URL-safe, padded or not; ValueError otherwise."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error


def from_json(annotation: Any, value: Any) -> Any:
    """A parsed JSON value as the annotation's Python value; InvalidItem where JSON's type is another one."""
    if any(parses(get_args(arm)[1:]) for arm in arms_of(annotation) if get_origin(arm) is Annotated):
        return value
    arms = tuple(map(unannotated, arms_of(annotation)))
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
        return model_from_json(origin, value)
    if issubclass(origin, Mapping):
        return _mapping_from_json(args[1] if len(args) == 2 else Any, value)
    if issubclass(origin, Set) and isinstance(value, list) and not value:
        raise InvalidItem(Problem((), "a set cannot be empty"))
    if issubclass(origin, Set | Sequence) and not issubclass(origin, str):
        return _array_from_json(args[0] if args else Any, value)
    for leaf, accepted, name in _JSON_LEAVES:
        if issubclass(origin, leaf):
            if not isinstance(value, accepted) or (isinstance(value, bool) and leaf is not bool):
                typed = f"; here it is {DYNAMODB_JSON}" if is_dynamodb_json(value) else ""
                raise InvalidItem(Problem((), f"a {name} is needed{typed}"))
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


def model_from_json(model: type[BaseModel], value: Any) -> Any:
    """A JSON object made ready for `model.model_validate`; InvalidItem names each place of another type."""
    if not isinstance(value, Mapping):
        raise InvalidItem(Problem((), "an object is needed"))
    annotations = _json_annotations(model)
    return {name: _at(name, annotations.get(name, Any), member) for name, member in value.items()}


@lru_cache(maxsize=256)
def _json_annotations(model: type[BaseModel]) -> dict[str, Any]:
    """The annotations of a model's fields by their aliases; Any where a validator may take another type."""
    return {
        alias_of(name, field): Any if parses(field.metadata) else field.annotation
        for name, field in model.model_fields.items()
    }


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

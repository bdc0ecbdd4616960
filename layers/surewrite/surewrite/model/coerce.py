"""One conversion of values: what Python or JSON gives becomes what an image holds.

`native` takes any Python value, `from_json` a parsed JSON value under an annotation.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
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


Converter = Callable[[Any], Any]
"""Takes a parsed JSON value and returns the annotation's Python value; InvalidItem where JSON's type is another one."""


def from_json(annotation: Any, value: Any) -> Any:
    """A parsed JSON value as the annotation's Python value; InvalidItem where JSON's type is another one."""
    return _converter(annotation)(value)


def _converter(annotation: Any) -> Converter:
    arms = arms_of(annotation)
    if any(parses(get_args(arm)[1:]) for arm in arms if get_origin(arm) is Annotated):
        return _unchanged
    in_order = sorted(map(unannotated, arms), key=lambda arm: (arm is type(None), arm is bytes))
    converters = [_arm_converter(arm) for arm in in_order]
    return converters[0] if len(converters) == 1 else partial(_first_that_fits, converters)


def _unchanged(value: Any) -> Any:
    return value


def _first_that_fits(converters: Sequence[Converter], value: Any) -> Any:
    problem: InvalidItem | None = None
    for converter in converters:
        try:
            return converter(value)
        except InvalidItem as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _arm_converter(arm: Any) -> Converter:
    origin, args = get_origin(arm) or arm, get_args(arm)
    if not isinstance(origin, type) or issubclass(origin, Enum) or arm in (Any, object):
        return _unchanged
    if issubclass(origin, bytes):
        return _bytes_from_json
    if issubclass(origin, BaseModel):
        return partial(model_from_json, origin)
    if issubclass(origin, Mapping):
        return partial(_mapping_from_json, _converter(args[1] if len(args) == 2 else Any))
    if issubclass(origin, Set | Sequence) and not issubclass(origin, str):
        members = _converter(args[0] if args else Any)
        return partial(_set_from_json if issubclass(origin, Set) else _array_from_json, members)
    for leaf, accepted, name in _JSON_LEAVES:
        if issubclass(origin, leaf):
            return partial(_leaf_from_json, accepted, name)
    return _unchanged


def _leaf_from_json(accepted: tuple[type, ...], name: str, value: Any) -> Any:
    if not isinstance(value, accepted) or ((value is True or value is False) and bool not in accepted):
        typed = f"; here it is {DYNAMODB_JSON}" if is_dynamodb_json(value) else ""
        raise InvalidItem(Problem((), f"a {name} is needed{typed}"))
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
    converters = _json_converters(model)
    return {name: _at(name, converters.get(name, _unchanged), member) for name, member in value.items()}


@lru_cache(maxsize=256)
def _json_converters(model: type[BaseModel]) -> dict[str, Converter]:
    """The converters of a model's fields by their aliases; none where a validator may take another type."""
    return {
        alias_of(name, field): _unchanged if parses(field.metadata) else _converter(field.annotation)
        for name, field in model.model_fields.items()
    }


def _mapping_from_json(converter: Converter, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidItem(Problem((), "an object is needed"))
    return {name: _at(name, converter, member) for name, member in value.items()}


def _set_from_json(converter: Converter, value: Any) -> Any:
    if isinstance(value, list) and not value:
        raise InvalidItem(Problem((), "a set cannot be empty"))
    return _array_from_json(converter, value)


def _array_from_json(converter: Converter, value: Any) -> Any:
    if not isinstance(value, list):
        raise InvalidItem(Problem((), "an array is needed"))
    return [_at(index, converter, member) for index, member in enumerate(value)]


def _at(where: Element, converter: Converter, value: Any) -> Any:
    try:
        return converter(value)
    except InvalidItem as error:
        raise error.under(where) from None

"""JSON text that keeps every digit: nothing passes through a float.

`loads` reads what a client sent, `dumps` writes an image, `canonical` is for fingerprints.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from ..errors import InvalidJSON, Problem
from .wire import MAX_DIGITS, OUT_OF_RANGE, number, number_text, to_wire

_MAX_JSON_DEPTH = 100
_MAX_NUMBER_LENGTH = 200


def loads(text: str | bytes) -> Any:
    """JSON with numbers as int or Decimal.

    InvalidJSON, with a pointer where there is a place to point to: text that is not JSON, half a surrogate pair, more
    than 100 levels, a name that an object has twice, a number that DynamoDB could not store.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        if not decoded.strip():
            raise InvalidJSON(Problem((), "empty, JSON is needed"))
        decoded.encode()
        value = _decode(decoded)
        if "\\u" in decoded:
            _check_unicode(value)
        _check_depth(decoded, value)
    except RecursionError:
        raise InvalidJSON(Problem((), "nested too deeply")) from None
    except UnicodeError:
        raise InvalidJSON(Problem((), "not valid UTF-8, or half a surrogate pair")) from None
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise InvalidJSON(Problem((), reason)) from None
    return value


def _decode(text: str) -> Any:
    try:
        return _STRICT.decode(text)
    except _Unacceptable:
        # read once more, with a mark in the place of what was refused: the parser does not say where it was
        value = _MARKING.decode(text)
    raise InvalidJSON(*_marked(value, ()))


class _Unacceptable(Exception):
    """A number, a constant or a name that is refused."""


@dataclass(frozen=True)
class _Mark:
    reason: str


def _parse_number(text: str) -> int | Decimal:
    reason = _refusal(text)
    if reason:
        raise _Unacceptable
    return number(Decimal(text)) if any(mark in text for mark in ".eE") else int(text)


def _refusal(text: str) -> str:
    """Why the number cannot be kept, nothing if it can."""
    if len(text) < MAX_DIGITS and text.isdigit():
        return ""
    if len(text) > _MAX_NUMBER_LENGTH:
        return f"more than {MAX_DIGITS} significant digits"
    try:
        number(Decimal(text))
    except ArithmeticError:  # an exponent beyond what a Decimal holds
        return OUT_OF_RANGE
    except ValueError as error:
        return str(error)
    return ""


def _refuse_constant(name: str) -> Any:
    raise _Unacceptable


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise _Unacceptable
    return value


def _mark_number(text: str) -> Any:
    reason = _refusal(text)
    return _Mark(reason) if reason else text


def _mark_constant(name: str) -> Any:
    return _Mark(f"{name} is not JSON")


def _mark_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, member in members:
        value[name] = _Mark("the name stands there twice") if name in value else member
    return value


# built once: `json.loads` would build one for every message
_STRICT = json.JSONDecoder(
    parse_float=_parse_number, parse_int=_parse_number, parse_constant=_refuse_constant, object_pairs_hook=_object
)
_MARKING = json.JSONDecoder(
    parse_float=_mark_number, parse_int=_mark_number, parse_constant=_mark_constant, object_pairs_hook=_mark_object
)


def _marked(value: Any, where: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(value, _Mark):
        yield Problem(where, value.reason)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _marked(member, (*where, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _marked(member, (*where, index))


def _check_unicode(value: Any) -> None:
    """UnicodeEncodeError for half a surrogate pair."""
    json.dumps(value, ensure_ascii=False, default=str).encode()


def _check_depth(text: str, value: Any) -> None:
    """Far more levels than an item can have would only wear out the stack of what walks through them."""
    brackets = text.count("{") + text.count("[")
    level, depth = [value], 0
    while level and brackets > _MAX_JSON_DEPTH:
        depth += 1
        if depth > _MAX_JSON_DEPTH:
            raise InvalidJSON(Problem((), "nested too deeply"))
        level = [
            member
            for one in level
            if isinstance(one, dict | list)
            for member in (one.values() if isinstance(one, dict) else one)
        ]


def dumps(value: Any) -> str:
    """Compact, deterministic JSON of an image: numbers with every digit, sets as sorted arrays, bytes as base64."""
    return "".join(_encode(value))


def _encode(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield encode_basestring(value)
    elif value is None or isinstance(value, bool):
        yield "null" if value is None else "true" if value else "false"
    elif isinstance(value, int):
        yield int.__repr__(value)
    elif isinstance(value, Decimal | float):
        yield number_text(Decimal(repr(value)) if isinstance(value, float) else value)
    elif isinstance(value, bytes):
        yield f'"{base64.b64encode(value).decode()}"'
    elif isinstance(value, Mapping):
        for index, (name, member) in enumerate(value.items()):
            yield "," if index else "{"
            yield encode_basestring(name)
            yield ":"
            yield from _encode(member)
        yield "}" if value else "{}"
    else:
        members = sorted(value) if isinstance(value, set | frozenset) else value
        for index, member in enumerate(members):
            yield "," if index else "["
            yield from _encode(member)
        yield "]" if members else "[]"


def canonical(value: Any) -> str:
    """JSON in which equal values are written the same: names in order, numbers and bytes as on the wire."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_leaf)


def _leaf(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else to_wire(value)

"""JSON text that keeps every digit: nothing passes through a float.

`loads` reads what a client sent, `dumps` writes an image, `canonical` is for fingerprints.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NoReturn

from .wire import MAX_DIGITS, OUT_OF_RANGE, number, number_text, to_wire


class JSONError(ValueError):
    """The text is not JSON, or holds a number or a string that cannot be kept exactly."""


def loads(text: str | bytes) -> Any:
    """JSON with numbers as int or Decimal: no digit is lost, nothing passes through a float."""
    try:
        value = json.loads(text, parse_float=_parse_number, parse_int=_parse_number, parse_constant=_refuse_constant)
        if (b"\\ud" if isinstance(text, bytes) else "\\ud") in text.lower():  # type: ignore[operator]
            json.dumps(value, ensure_ascii=False, default=str).encode()  # finds surrogates without their pair
        _check_depth(text, value)
    except RecursionError:
        raise JSONError("nested too deeply") from None
    except UnicodeError:
        raise JSONError("not valid UTF-8, or half a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise JSONError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    return value


_MAX_JSON_DEPTH = 100


def _check_depth(text: str | bytes, value: Any) -> None:
    """Far more levels than an item can have would only wear out the stack of whoever walks through them."""
    brackets = (text.count(b"{") + text.count(b"[")) if isinstance(text, bytes) else text.count("{") + text.count("[")
    level, depth = [value], 0
    while level and brackets > _MAX_JSON_DEPTH:
        depth += 1
        if depth > _MAX_JSON_DEPTH:
            raise JSONError("nested too deeply")
        level = [
            member
            for one in level
            if isinstance(one, dict | list)
            for member in (one.values() if isinstance(one, dict) else one)
        ]


def _parse_number(text: str) -> int | Decimal:
    if len(text) > 200:
        raise JSONError(f"a number has more than {MAX_DIGITS} significant digits")
    try:
        exact = number(Decimal(text))
    except ArithmeticError:  # an exponent beyond what a Decimal holds
        raise JSONError(f"a number is {OUT_OF_RANGE}") from None
    except ValueError as error:
        raise JSONError(f"a number has {error}" if "more" in str(error) else f"a number is {error}") from None
    return exact if any(mark in text for mark in ".eE") else int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise JSONError(f"{name} is not JSON")


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

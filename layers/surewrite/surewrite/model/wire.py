"""Attribute values: Python <-> DynamoDB's wire format, and their sizes.

In an *image* (the library's picture of an item: attribute names to values) there are only str, Decimal, bytes,
bool, None, set, list and dict: one Python type for each type of DynamoDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal
from typing import Any, TypeAlias

from ..paths import MAX_DEPTH

Image: TypeAlias = dict[str, Any]
Wire: TypeAlias = dict[str, Any]

MAX_DIGITS = 38
MAX_ITEM_BYTES = 400 * 1024
# "Naming rules and data types": positive range 1E-130 to 9.99…E+125
_LEAST_EXPONENT, _GREATEST_EXPONENT = -130, 125
OUT_OF_RANGE = "outside the range of a DynamoDB number (1E-130 to 9.9E+125)"


# Refuses what DynamoDB does ("Naming rules and data types"); `_refusal` finds out why.
_EXACT = Context(
    prec=MAX_DIGITS,
    Emin=_LEAST_EXPONENT,
    Emax=_GREATEST_EXPONENT,
    traps=[Inexact, InvalidOperation, Overflow, Subnormal],
)


def number(value: int | float | Decimal) -> Decimal:
    """The number as DynamoDB would store it, or ValueError: 38 significant digits, 1E-130 to 9.99…E+125."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact:
        return Decimal(0)
    try:
        normal = _EXACT.normalize(exact)
    except DecimalException:
        raise ValueError(_refusal(exact)) from None
    if not normal.is_finite():
        raise ValueError("not a finite number")
    return normal


def _refusal(exact: Decimal) -> str:
    if not exact.is_finite():
        return "not a finite number"
    significant = len(str(int("".join(map(str, exact.as_tuple().digits)))).rstrip("0"))
    return f"more than {MAX_DIGITS} significant digits" if significant > MAX_DIGITS else OUT_OF_RANGE


def number_text(value: Decimal) -> str:
    """The shortest plain notation; scientific where plain would pad with more than 20 zeros."""
    exact = number(value)
    text = str(exact)
    if "E" not in text:
        return text
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    return format(exact, "f") if -60 < exponent <= 20 else text


def is_number(value: object) -> bool:
    return isinstance(value, int | Decimal | float) and not isinstance(value, bool)


def check_unicode(text: str) -> None:
    """ValueError for half a surrogate pair, which UTF-8 cannot write."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("not valid Unicode: half a surrogate pair") from None


_TYPES: dict[type, str] = {
    str: "S", Decimal: "N", bytes: "B", bool: "BOOL", type(None): "NULL", list: "L", dict: "M"
}  # fmt: skip
ALL_TYPES = frozenset({*_TYPES.values(), "SS", "NS", "BS"})


def type_of(value: Any) -> str:
    """DynamoDB's name for the type of an image's value."""
    return f"{_TYPES[type(next(iter(value)))]}S" if isinstance(value, set) else _TYPES[type(value)]


def to_wire(value: Any, depth: int = 0) -> Wire:
    """A value as DynamoDB's `{"S": …}`; ValueError or TypeError say what DynamoDB would refuse."""
    if isinstance(value, str):
        check_unicode(value)
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if is_number(value):
        return {"N": number_text(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"B": bytes(value)}
    if isinstance(value, set | frozenset):
        return _set_to_wire(value)
    if depth >= MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for name in value:
            check_unicode(name)
        return {"M": {name: to_wire(member, depth + 1) for name, member in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [to_wire(member, depth + 1) for member in value]}
    raise TypeError(f"{type(value).__name__} is not a DynamoDB type")


def _set_to_wire(members: set[Any] | frozenset[Any]) -> Wire:
    if not members:
        raise ValueError("a set cannot be empty")
    if all(isinstance(member, str) for member in members):
        for member in members:
            check_unicode(member)
        return {"SS": sorted(members)}
    if all(isinstance(member, bytes) for member in members):
        return {"BS": sorted(members)}
    if all(is_number(member) for member in members):
        return {"NS": [number_text(member) for member in sorted(number(member) for member in members)]}
    raise TypeError("the members of a set must all be strings, all numbers or all bytes")


def from_wire(wire: Wire) -> Any:
    """The value of a `{"S": …}`."""
    ((kind, value),) = wire.items()
    match kind:
        case "S" | "B" | "BOOL":
            return value
        case "N":
            return Decimal(value)
        case "NULL":
            return None
        case "M":
            return {name: from_wire(member) for name, member in value.items()}
        case "L":
            return [from_wire(member) for member in value]
        case "NS":
            return {Decimal(member) for member in value}
        case _:
            return set(value)


def image_to_wire(image: Mapping[str, Any]) -> Wire:
    return {name: to_wire(value) for name, value in image.items()}


def image_from_wire(wire: Wire) -> Image:
    return {name: from_wire(value) for name, value in wire.items()}


def wire_size(wire: Wire) -> int:
    """Bytes that DynamoDB counts for one value ("DynamoDB item sizes and formats"), never too few."""
    ((kind, value),) = wire.items()
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return len(value) // 2 + 2
        case "M":
            return 3 + sum(len(name.encode()) + 1 + wire_size(member) for name, member in value.items())
        case "L":
            return 3 + sum(1 + wire_size(member) for member in value)
        case "SS":
            return sum(len(member.encode()) for member in value)
        case "BS":
            return sum(map(len, value))
        case "NS":
            return sum(len(member) // 2 + 2 for member in value)
        case _:
            return 1


def item_size(wire: Wire) -> int:
    """Bytes of a whole item: the UTF-8 lengths of its attribute names and the sizes of their values."""
    return sum(len(name.encode()) + wire_size(value) for name, value in wire.items())

"""Operands in JSON: what a path is set to where that is no plain value.

    {"minus": [{"path": "ListPrice"}, 5]}                      attr("ListPrice") - 5
    {"plus": [{"if_not_exists": ["Views", 0]}, 1]}             attr("Views").if_not_exists(0) + 1
    {"list_append": [{"path": "RelatedItems"}, [602]]}         list_append(attr("RelatedItems"), [602])
    {"if_not_exists": ["Nickname", "none"]}                    attr("Nickname").if_not_exists("none")

Numbers and arrays stand for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, InvalidUpdate
from .attributes import attr
from .operands import FromJSON, IfNotExists, ListAppend, Operand, Ref, Sum, Value

_OPERATORS: dict[str, Callable[[Operand, Operand], Operand]] = {
    "plus": lambda left, right: Sum(left, right, "+"),
    "minus": lambda left, right: Sum(left, right, "-"),
    "list_append": ListAppend,
}
COMPUTED = (*_OPERATORS, "if_not_exists")


def computed(value: Any) -> Operand:
    """The operand; InvalidUpdate names what is wrong with it."""
    name, arguments = _call(value, COMPUTED)
    if name == "if_not_exists":
        return _if_not_exists(arguments)
    return _OPERATORS[name](*(_argument(one, name, number) for number, one in enumerate(arguments)))


def _call(value: Any, names: tuple[str, ...]) -> tuple[str, list[Any]]:
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in names:
        raise InvalidUpdate.at(f"an object with one of {', '.join(names)} is needed")
    ((name, arguments),) = value.items()
    if name != "path" and (not isinstance(arguments, list) or len(arguments) != 2):
        raise InvalidUpdate.at("a list of two operands is needed", name)
    return name, arguments


def _argument(value: Any, operator: str, number: int) -> Operand:
    if operator == "list_append" and isinstance(value, list):
        return FromJSON(value)
    if operator != "list_append" and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Value(value)
    try:
        name, found = _call(value, ("path", "if_not_exists"))
        return _path(found) if name == "path" else _if_not_exists(found)
    except InvalidRequest as error:
        raise error.under(operator, number) from None


def _if_not_exists(arguments: list[Any]) -> Operand:
    path, default = arguments
    return IfNotExists(_path(path).path, FromJSON(default))


def _path(text: Any) -> Ref:
    if not isinstance(text, str):
        raise InvalidUpdate.at("a document path is needed")
    try:
        return attr(text)
    except InvalidRequest as error:
        raise InvalidUpdate.at(error.problems[0].reason) from None

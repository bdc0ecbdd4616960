"""Operands: a value, another path, its size, arithmetic, `if_not_exists`, `list_append`.

Each operand says three things: how it is written, its value on an item, and whether it fits its target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

from ..errors import InvalidItem, InvalidUpdate, Problem
from ..model.fields import ModelField, field_at
from ..model.item import Item
from ..model.wire import MAX_DIGITS, Wire, is_number, number, to_wire
from ..paths import Path
from .placeholders import Placeholders

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
_EXACT = Context(prec=MAX_DIGITS, traps=[Inexact, InvalidOperation, Overflow])


def look_up(image: Any, path: Path) -> Any:
    """The value at the path, MISSING if there is none."""
    for element in path:
        if isinstance(element, str):
            image = image.get(element, MISSING) if isinstance(image, Mapping) else MISSING
        else:
            image = image[element] if isinstance(image, list) and element < len(image) else MISSING
    return image


def add_exactly(left: Decimal, right: Decimal) -> Decimal:
    """The sum, as DynamoDB adds: exact, or refused with ValueError."""
    try:
        return number(_EXACT.add(left, right))
    except Inexact:
        raise ValueError(f"the result has more than {MAX_DIGITS} significant digits") from None
    except (ValueError, ArithmeticError):
        raise ValueError("the result is outside the range of a DynamoDB number") from None


class Operand:
    """Base of all operands."""

    @property
    def operators(self) -> int:
        """How many operators and functions DynamoDB counts."""
        return 0

    def render(self, place: Placeholders) -> str:
        """The operand's text."""
        raise NotImplementedError

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        """Its value on the item as it was; ValueError where DynamoDB would refuse."""
        raise NotImplementedError

    def checked(self, model: type[Item], target: ModelField) -> Operand:
        """The same operand with its values validated for the target; InvalidRequest where it cannot fit."""
        raise NotImplementedError

    def reads(self) -> Iterator[Path]:
        """The paths that its result depends on."""
        return iter(())

    def __add__(self, other: Any) -> Sum:
        return Sum(self, operand(other), "+")

    def __radd__(self, other: Any) -> Sum:
        return Sum(operand(other), self, "+")

    def __sub__(self, other: Any) -> Sum:
        return Sum(self, operand(other), "-")

    def __rsub__(self, other: Any) -> Sum:
        return Sum(operand(other), self, "-")


def operand(value: Any) -> Operand:
    """The value as an operand, unless it is one."""
    return value if isinstance(value, Operand) else Value(value)


@dataclass(frozen=True, eq=False)
class Value(Operand):
    """A value that the request brings. `given` is the part of it that no default filled in; `wire` its wire form."""

    value: Any
    given: Any = None
    wire: Wire | None = None

    def render(self, place: Placeholders) -> str:
        return place.value(self.stored(place.given_only), None if place.given_only else self.wire)

    def stored(self, given_only: bool) -> Any:
        """The value as it is stored, or what was given of it."""
        return self.given if given_only and self.given is not None else self.value

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        return self.value

    def checked(self, model: type[Item], target: ModelField) -> Value:
        if isinstance(self.value, set | frozenset) and not self.value:
            raise InvalidItem(Problem((), "a set cannot be empty; remove the attribute instead"))
        stored = target.convert(self.value)
        try:
            wire = to_wire(stored.value)
        except (ValueError, TypeError) as error:
            raise InvalidItem(Problem((), str(error))) from None
        return Value(stored.value, None if stored.given is stored.value else stored.given, wire)


@dataclass(frozen=True, eq=False)
class FromJSON(Value):
    """A parsed JSON value, whose meaning (base64, a set) depends on its target."""

    def checked(self, model: type[Item], target: ModelField) -> Value:
        return Value(target.from_json(self.value)).checked(model, target)


@dataclass(frozen=True, eq=False)
class Ref(Operand):
    """The value of another path, as it was before the update."""

    path: Path

    def render(self, place: Placeholders) -> str:
        return place.path(self.path)

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        value = look_up(image, self.path)
        if value is MISSING:
            raise ValueError(f"{self.path} is not in the item")
        return value

    def checked(self, model: type[Item], target: ModelField) -> Ref:
        check_types(field_at(model, self.path), target.types, self.path)
        return self

    def reads(self) -> Iterator[Path]:
        yield self.path


@dataclass(frozen=True, eq=False)
class Size(Operand):
    """`size(path)`, in conditions: characters (UTF-16 code units), bytes, or members."""

    path: Path

    def render(self, place: Placeholders) -> str:
        return f"size({place.path(self.path)})"

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        value = look_up(image, self.path)
        if isinstance(value, str):
            return Decimal(len(value.encode("utf-16-le")) // 2)
        return Decimal(len(value)) if isinstance(value, bytes | set | list | dict) else MISSING

    def reads(self) -> Iterator[Path]:
        yield self.path


def check_types(field: ModelField, types: frozenset[str], path: Path) -> None:
    if not field.types & types:
        raise InvalidUpdate(Problem((), f"{path} holds {_kinds(field.types)}, {_kinds(types)} is needed"))


_KINDS = {
    "S": "a string", "N": "a number", "B": "a binary value", "BOOL": "a boolean", "NULL": "null", "L": "a list",
    "M": "a map", "SS": "a set of strings", "NS": "a set of numbers", "BS": "a set of binary values",
}  # fmt: skip


def _kinds(types: frozenset[str]) -> str:
    named = [kind for type_, kind in _KINDS.items() if type_ in types and (type_ != "NULL" or len(types) == 1)]
    return " or ".join(named)


def _check_nesting(operand: Operand, within: str) -> None:
    """DynamoDB's grammar: within a function or arithmetic stand values, paths and if_not_exists only."""
    if not isinstance(operand, Value | Ref | IfNotExists | EmptyList):
        kind = "list_append" if isinstance(operand, ListAppend) else "arithmetic"
        raise InvalidUpdate(Problem((), f"DynamoDB does not allow {kind} within {within}"))


@dataclass(frozen=True, eq=False)
class Sum(Operand):
    """Arithmetic: `left + right` or `left - right`."""

    left: Operand
    right: Operand
    sign: str

    @property
    def operators(self) -> int:
        return 1 + self.left.operators + self.right.operators

    def render(self, place: Placeholders) -> str:
        return f"{self.left.render(place)} {self.sign} {self.right.render(place)}"

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        left, right = self.left.evaluate(image), self.right.evaluate(image)
        if not isinstance(left, Decimal) or not isinstance(right, Decimal):
            raise ValueError("an operand is not a number")
        return add_exactly(left, right if self.sign == "+" else right.copy_negate())

    def checked(self, model: type[Item], target: ModelField) -> Sum:
        if "N" not in target.types:
            raise InvalidUpdate(Problem((), f"arithmetic needs a number, this is {_kinds(target.types)}"))
        if isinstance(self.left, Sum) or isinstance(self.right, Sum):
            raise InvalidUpdate(Problem((), "DynamoDB allows one + or - in an assignment"))
        return replace(self, left=self._side(self.left, model, target), right=self._side(self.right, model, target))

    def _side(self, side: Operand, model: type[Item], target: ModelField) -> Operand:
        _check_nesting(side, "arithmetic")
        if isinstance(side, Value):
            if not is_number(side.value):
                raise InvalidUpdate(Problem((), "arithmetic needs a number"))
            return Value(target.amount(side.value))
        return side.checked(model, target.present)

    def reads(self) -> Iterator[Path]:
        yield from self.left.reads()
        yield from self.right.reads()


@dataclass(frozen=True, eq=False)
class IfNotExists(Operand):
    """The value of `path` if it is there, else `default`."""

    path: Path
    default: Operand

    @property
    def operators(self) -> int:
        return 1 + self.default.operators

    def render(self, place: Placeholders) -> str:
        return f"if_not_exists({place.path(self.path)}, {self.default.render(place)})"

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        value = look_up(image, self.path)
        return self.default.evaluate(image) if value is MISSING else value

    def checked(self, model: type[Item], target: ModelField) -> IfNotExists:
        check_types(field_at(model, self.path), target.types, self.path)
        _check_nesting(self.default, "if_not_exists")
        if isinstance(self.default, Ref) and self.default.path == self.path:
            raise InvalidUpdate(Problem((), f"the default in if_not_exists must be another path than {self.path}"))
        return replace(self, default=self.default.checked(model, target))

    def reads(self) -> Iterator[Path]:
        yield self.path
        yield from self.default.reads()


@dataclass(frozen=True, eq=False)
class EmptyList(Operand):
    """`[]`, to begin a list with."""

    def render(self, place: Placeholders) -> str:
        return place.value([])

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        return []

    def checked(self, model: type[Item], target: ModelField) -> EmptyList:
        return self


@dataclass(frozen=True, eq=False)
class ListAppend(Operand):
    """`first` followed by `second`, both lists."""

    first: Operand
    second: Operand

    @property
    def operators(self) -> int:
        return 1 + self.first.operators + self.second.operators

    def render(self, place: Placeholders) -> str:
        return f"list_append({self.first.render(place)}, {self.second.render(place)})"

    def evaluate(self, image: Mapping[str, Any]) -> Any:
        first, second = self.first.evaluate(image), self.second.evaluate(image)
        if not isinstance(first, list) or not isinstance(second, list):
            raise ValueError("an operand is not a list")
        return [*first, *second]

    def checked(self, model: type[Item], target: ModelField) -> ListAppend:
        if "L" not in target.types:
            raise InvalidUpdate(Problem((), f"appending needs a list, this is {_kinds(target.types)}"))
        # the constraints of the whole list (its length) say nothing about the part that is appended
        part = target.present
        for side in (self.first, self.second):
            _check_nesting(side, "list_append")
            if isinstance(side, Value) and not isinstance(side.value, list | tuple):
                raise InvalidUpdate(Problem((), "a list of the elements to append is needed"))
        return replace(self, first=self.first.checked(model, part), second=self.second.checked(model, part))

    def reads(self) -> Iterator[Path]:
        yield from self.first.reads()
        yield from self.second.reads()

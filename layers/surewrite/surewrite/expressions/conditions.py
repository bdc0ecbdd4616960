"""Conditions: a tree of tests on attributes, made by `attr`, joined by `&`, `|` and `~`.

    attr("Price").eq(10) & (attr("Stock").gt(0) | ~attr("Formats.Audiobook").exists())

A test that DynamoDB would refuse is refused when it is made. "Condition expressions" in the DynamoDB developer guide is
the source of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ..errors import InvalidCondition, InvalidRequest, Problem
from ..model.fields import ModelField, field_at
from ..model.item import VERSION, Item
from ..model.wire import ALL_TYPES, is_number, to_wire
from ..paths import Path
from .operands import Operand, Ref, Size, Value
from .placeholders import MAX_EXPRESSION_BYTES, MAX_OPERATORS, Placeholders


class Condition:
    """Base of all conditions."""

    def __and__(self, other: Condition) -> Condition:
        return And((*parts_of(self, And), *parts_of(other, And))) if isinstance(other, Condition) else NotImplemented

    def __or__(self, other: Condition) -> Condition:
        return Or((*parts_of(self, Or), *parts_of(other, Or))) if isinstance(other, Condition) else NotImplemented

    def __invert__(self) -> Condition:
        return Not(self)

    def render(self, place: Placeholders) -> str:
        """The condition's text."""
        raise NotImplementedError

    def tests(self) -> Iterator[Test]:
        """The tests that the condition consists of."""
        raise NotImplementedError

    def present(self) -> Iterator[Path]:
        """Paths that exist wherever the condition holds."""
        return iter(())

    def bound(self, model: type[Item]) -> Condition:
        """The condition with its values converted as the model's fields convert what they store. InvalidCondition names
        an attribute that the model does not have, or whose value cannot be of that kind."""
        raise NotImplementedError


def parts_of(condition: Condition, kind: type[And | Or]) -> tuple[Condition, ...]:
    """The parts of a conjunction (or disjunction), the condition itself if it is none."""
    return condition.parts if isinstance(condition, kind) else (condition,)


@dataclass(frozen=True)
class _Joined(Condition):
    parts: tuple[Condition, ...]
    word: ClassVar[str]

    def render(self, place: Placeholders) -> str:
        texts = (part.render(place) for part in self.parts)
        nested = (isinstance(part, _Joined) for part in self.parts)
        return f" {self.word} ".join(f"({text})" if inner else text for text, inner in zip(texts, nested, strict=True))

    def tests(self) -> Iterator[Test]:
        for part in self.parts:
            yield from part.tests()

    def bound(self, model: type[Item]) -> Condition:
        return replace(self, parts=tuple(part.bound(model) for part in self.parts))


class And(_Joined):
    """All parts hold."""

    word = "AND"

    def present(self) -> Iterator[Path]:
        for part in self.parts:
            yield from part.present()


class Or(_Joined):
    """At least one part holds."""

    word = "OR"


@dataclass(frozen=True)
class Not(Condition):
    """The part does not hold."""

    part: Condition

    def render(self, place: Placeholders) -> str:
        return f"NOT ({self.part.render(place)})"

    def tests(self) -> Iterator[Test]:
        return self.part.tests()

    def bound(self, model: type[Item]) -> Condition:
        return Not(self.part.bound(model))


@dataclass(frozen=True)
class Test(Condition):
    """One test: an operator or a function, and its operands."""

    operator: str
    operands: tuple[Operand, ...]

    def __post_init__(self) -> None:
        target, *others = self.operands
        if isinstance(target, Ref) and any(isinstance(other, Ref) and other.path == target.path for other in others):
            raise invalid("an attribute cannot be tested against itself")
        for value in self.values():
            try:
                to_wire(value)
            except (ValueError, TypeError) as error:
                raise invalid(str(error)) from None
        _CHECKS.get(self.operator, _no_check)(*self.values())
        if isinstance(target, Size) and not all(map(is_number, self.values())):
            raise invalid("a number is needed")

    def values(self) -> Iterator[Any]:
        """The values that the test brings along."""
        return (operand.value for operand in self.operands if isinstance(operand, Value))

    def render(self, place: Placeholders) -> str:
        target, *others = (operand.render(place) for operand in self.operands)
        match self.operator:
            case "BETWEEN":
                return f"{target} BETWEEN {others[0]} AND {others[1]}"
            case "IN":
                return f"{target} IN ({', '.join(others)})"
            case operator if operator in COMPARATORS:
                return f"{target} {operator} {others[0]}"
            case function:
                return f"{function}({', '.join((target, *others))})"

    def tests(self) -> Iterator[Test]:
        yield self

    def present(self) -> Iterator[Path]:
        if self.operator not in ("<>", "attribute_not_exists"):
            for operand in self.operands:
                yield from operand.reads()

    def bound(self, model: type[Item]) -> Condition:
        fields = [_field(model, operand) for operand in self.operands]
        known = next((field for field in fields if field is not None), None)
        if known is None or isinstance(self.operands[0], Size) or self.operator in ("begins_with", "attribute_type"):
            return self
        convert = known.comparable_member if self.operator == "contains" else known.comparable
        try:
            operands = (Value(convert(one.value)) if isinstance(one, Value) else one for one in self.operands)
            return replace(self, operands=tuple(operands))
        except InvalidRequest as error:
            where = next(path for operand in self.operands for path in operand.reads())
            raise invalid(error.problems[0].reason, str(where)) from None


def _field(model: type[Item], operand: Operand) -> ModelField | None:
    """The field that the operand reads. None for a value, and for the version, which no model has."""
    field = None
    for path in operand.reads():
        if path.name != VERSION:
            try:
                field = field_at(model, path)
            except InvalidRequest as error:
                raise invalid(error.problems[0].reason, str(path)) from None
    return field


COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")


def _no_check(*values: Any) -> None:
    """Every value can be compared for equality."""


def _check_ordered(*values: Any) -> None:
    for value in values:
        if not isinstance(value, str | bytes) and not is_number(value):
            raise invalid("a string, a number or a binary value is needed")


def _check_between(*values: Any) -> None:
    _check_ordered(*values)
    if len(values) == 2:
        low, high = values
        if type(low) is not type(high):
            raise invalid("two values of one type are needed")
        if sort_key(low) > sort_key(high):
            raise invalid("the lowest value is above the highest")


def _check_prefix(*values: Any) -> None:
    if not all(isinstance(value, str | bytes) for value in values):
        raise invalid("a string or a binary value is needed")


def _check_type(name: Any) -> None:
    if not isinstance(name, str) or name not in ALL_TYPES:
        raise invalid(f"one of {', '.join(sorted(ALL_TYPES))} is needed")


_CHECKS: dict[str, Any] = {
    "<": _check_ordered, "<=": _check_ordered, ">": _check_ordered, ">=": _check_ordered, "BETWEEN": _check_between,
    "begins_with": _check_prefix, "attribute_type": _check_type,
}  # fmt: skip


def sort_key(value: Any) -> Any:
    """DynamoDB orders strings by their UTF-8 bytes."""
    return value.encode() if isinstance(value, str) else value


def invalid(reason: str, *where: str | int) -> InvalidCondition:
    return InvalidCondition(Problem(where, reason))


def all_of(conditions: Iterable[Condition | None]) -> Condition | None:
    """The conjunction of those that there are, None if there are none."""
    given = [condition for condition in conditions if condition is not None]
    if len(given) < 2:
        return given[0] if given else None
    return And(tuple(part for condition in given for part in parts_of(condition, And)))


def render_condition(condition: Condition, place: Placeholders) -> str:
    """The condition's text, its names and values among the placeholders of its request. InvalidCondition if DynamoDB
    would refuse it for its size."""
    text = condition.render(place)
    if sum(1 for _ in condition.tests()) > MAX_OPERATORS:
        raise invalid(f"more than DynamoDB's {MAX_OPERATORS} operators")
    if len(text) > MAX_EXPRESSION_BYTES:
        raise invalid(f"longer than DynamoDB's {MAX_EXPRESSION_BYTES} bytes when written out")
    return text

"""The JSON condition language.

    {"Price": {"eq": 10}}                                  attr("Price").eq(10)
    {"or": [{"Stock": {"gt": 0}}, {"Tags": {"contains": "preorder"}}]}
    {"not": {"Formats.Audiobook": {"exists": true}}}
    {"Tags": {"size": {"lt": 10}}}                         attr("Tags").size().lt(10)

Several attributes in one object, and several operators on one attribute, must all hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from .. import hints
from ..errors import InvalidCondition, InvalidRequest, Problem
from ..model.fields import ModelField, field_at
from ..model.item import Item
from .attributes import MAX_CHOICES, Attribute, Comparable, attr
from .conditions import And, Condition, Not, Or
from .placeholders import MAX_OPERATORS

_MAX_DEPTH = 20
_COMPARISONS = {"eq": "eq", "ne": "ne", "lt": "lt", "le": "lte", "gt": "gt", "ge": "gte"}
_OPERATORS = (*_COMPARISONS, "between", "in", "begins_with", "contains", "exists", "not_exists", "type", "size")

Where: TypeAlias = tuple[str | int, ...]


def condition_from_json(model: type[Item], value: Any) -> Condition:
    """The condition; InvalidCondition names the operator or attribute that is wrong."""
    if _tests(value) > MAX_OPERATORS:
        raise _invalid(f"more than DynamoDB's {MAX_OPERATORS} operators", ())
    return _read(model, value, (), 0)


def _tests(value: Any, depth: int = 0) -> int:
    """How many tests there are, at the least."""
    if depth > _MAX_DEPTH or not isinstance(value, Mapping):
        return 1
    return sum(
        sum(_tests(part, depth + 1) for part in operand) if isinstance(operand, list) and name in ("and", "or") else 1
        for name, operand in value.items()
    )


def _read(model: type[Item], value: Any, where: Where, depth: int) -> Condition:
    if not isinstance(value, Mapping) or not value:
        raise _invalid("an object with at least one condition is needed", where)
    if depth > _MAX_DEPTH:
        raise _invalid("nested too deeply", where)
    parts: list[Condition] = []
    for name, operand in sorted(value.items()):
        here = (*where, name)
        if name in ("and", "or"):
            if not isinstance(operand, list) or not operand:
                raise _invalid("a list of conditions is needed", here)
            inner = [_read(model, part, (*here, index), depth + 1) for index, part in enumerate(operand)]
            parts.append(_joined(And if name == "and" else Or, inner))
        elif name == "not":
            parts.append(Not(_read(model, operand, here, depth + 1)))
        else:
            parts.append(_attribute_condition(model, name, operand, here))
    return _joined(And, parts)


def _joined(kind: type[And | Or], parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _attribute_condition(model: type[Item], name: str, tests: Any, where: Where) -> Condition:
    try:
        target = attr(name)
        field = field_at(model, target.path)
    except InvalidRequest as error:
        raise _invalid(error.problems[0].reason, where) from None
    if not isinstance(tests, Mapping) or not tests:
        raise _invalid('operators are needed, as in {"eq": 10}', where)
    parts: list[Condition] = []
    for operator, value in sorted(tests.items()):
        try:
            parts.append(_test(target, field, operator, value))
        except InvalidRequest as error:
            problem = error.problems[0]
            raise _invalid(problem.reason, (*where, operator, *problem.location)) from None
    return _joined(And, parts)


def _test(target: Attribute, field: ModelField, operator: str, value: Any) -> Condition:
    match operator:
        case "begins_with":
            return target.begins_with(field.from_json(value))
        case "contains":
            return target.contains(field.member_from_json(value))
        case "exists" | "not_exists":
            if not isinstance(value, bool):
                raise _invalid("true or false is needed")
            return target.exists() if value == (operator == "exists") else target.not_exists()
        case "type":
            return target.attribute_type(value)
        case "size":
            return _size(target, value)
    return _comparison(target, field, operator, value)


def _comparison(target: Comparable, field: ModelField, operator: str, value: Any) -> Condition:
    match operator:
        case "between":
            if not isinstance(value, list) or len(value) != 2:
                raise _invalid("[lowest, highest] is needed")
            return target.between(*(_value(field, bound) for bound in value))
        case "in":
            if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHOICES:
                raise _invalid(f"a list of 1 to {MAX_CHOICES} values is needed")
            return target.is_in([_value(field, member) for member in value])
        case _ if operator in _COMPARISONS:
            made: Condition = getattr(target, _COMPARISONS[operator])(_value(field, value))
            return made
    hint = hints.in_json(operator) if isinstance(operator, str) else None
    raise _invalid(hint or f"unknown operator; there are {', '.join(_OPERATORS)}")


def _size(target: Attribute, value: Any) -> Condition:
    if not isinstance(value, Mapping) or not value or not set(value) <= {*_COMPARISONS, "between", "in"}:
        raise _invalid('comparisons of a number are needed, as in {"lt": 10}')
    number = ModelField(int)
    parts: list[Condition] = []
    for operator, operand in value.items():
        try:
            parts.append(_comparison(target.size(), number, operator, operand))
        except InvalidRequest as error:
            raise _invalid(error.problems[0].reason, (operator,)) from None
    return _joined(And, parts)


def _value(field: ModelField, value: Any) -> Any:
    """A JSON value as one of the attribute's type; constraints do not matter, nothing is stored."""
    return field.comparable(field.from_json(value))


def _invalid(reason: str, where: Where = ()) -> InvalidCondition:
    return InvalidCondition(Problem(where, reason))

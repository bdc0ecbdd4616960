"""boto3's conditions (`Attr`, `Key`) as ours: they are accepted wherever a condition is."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb import conditions as boto

from ..errors import InvalidCondition, Problem
from .attributes import Attribute, Size, attr
from .conditions import And, Condition, Not, Or, parts_of

_METHODS: dict[type[Any], str] = {
    boto.Equals: "eq", boto.NotEquals: "ne", boto.LessThan: "lt", boto.LessThanEquals: "lte", boto.GreaterThan: "gt",
    boto.GreaterThanEquals: "gte", boto.Between: "between", boto.In: "is_in", boto.BeginsWith: "begins_with",
    boto.Contains: "contains", boto.AttributeExists: "exists", boto.AttributeNotExists: "not_exists",
    boto.AttributeType: "attribute_type",
}  # fmt: skip


def from_boto3(condition: Any) -> Condition:
    """The condition as one of ours; InvalidCondition if it is none, or one that DynamoDB would refuse."""
    if isinstance(condition, boto.And | boto.Or):
        kind = And if isinstance(condition, boto.And) else Or
        return kind(tuple(part for one in _chained(condition) for part in parts_of(from_boto3(one), kind)))
    if isinstance(condition, boto.Not):
        return Not(from_boto3(_operands(condition)[0]))
    method = _METHODS.get(type(condition))
    if method is None:
        raise InvalidCondition(Problem((), "a condition is needed, as in attr(name).eq(value)"))
    target, *values = map(_operand, _operands(condition))
    made: Condition = getattr(target, method)(*values)
    return made


def _operands(condition: Any) -> tuple[Any, ...]:
    operands: tuple[Any, ...] = condition.get_expression()["values"]
    return operands


def _chained(condition: Any) -> list[Any]:
    """The parts of `a & b & c & …`, which boto3 nests to the left: as many levels as parts."""
    parts: list[Any] = []
    while type(one := condition) in (boto.And, boto.Or):
        left, right = _operands(one)
        parts.append(right)
        if type(left) is not type(one):
            parts.append(left)
            break
        condition = left
    return parts[::-1]


def _operand(value: Any) -> Any:
    if isinstance(value, boto.Size):
        return Size(_attribute(_operands(value)[0]).path)
    return _attribute(value) if isinstance(value, boto.AttributeBase) else value


def _attribute(value: Any) -> Attribute:
    return attr(value.name)

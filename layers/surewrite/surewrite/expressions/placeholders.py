"""Placeholders: the names and values of an expression, numbered in the order of their first use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder

from ..errors import InvalidCondition, InvalidUpdate, Problem
from ..model.coerce import native
from ..model.wire import Wire, to_wire
from ..paths import Path

# "Service, account, and table quotas": expression parameters
MAX_EXPRESSION_BYTES = 4096
MAX_OPERATORS = 300

# what the stamp of the version adds: ", #999 = :999", or a SET clause of its own
_VERSION_BYTES = 24


@dataclass
class Placeholders:
    """Hands out `#0`, `#1`, … for names (the same one for the same name) and `:0`, `:1`, … for values."""

    names: dict[str, str] = field(default_factory=dict)
    values: Wire = field(default_factory=dict)

    def path(self, path: Path) -> str:
        text = ""
        for element in path:
            if isinstance(element, int):
                text += f"[{element}]"
            else:
                placeholder = self.names.setdefault(element, f"#{len(self.names)}")
                text += f".{placeholder}" if text else placeholder
        return text

    def value(self, value: Any) -> str:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = to_wire(value)
        return placeholder

    def parameters(self) -> dict[str, Any]:
        """`ExpressionAttributeNames` and `…Values`, without the empty ones, which DynamoDB refuses."""
        named = {placeholder: name for name, placeholder in self.names.items()}
        parameters = {"ExpressionAttributeNames": named, "ExpressionAttributeValues": dict(self.values)}
        return {name: value for name, value in parameters.items() if value}


def render_condition(condition: ConditionBase, parameters: dict[str, Any]) -> str:
    """The condition's text; its names and values (`#n0`, `:v0`, …: boto3's own) are added to `parameters`."""
    built = ConditionExpressionBuilder().build_expression(condition)
    text: str = built.condition_expression
    if len(text) > MAX_EXPRESSION_BYTES:
        raise InvalidCondition(Problem((), f"longer than DynamoDB's {MAX_EXPRESSION_BYTES} bytes when written out"))
    try:
        wires = {name: to_wire(native(value)) for name, value in built.attribute_value_placeholders.items()}
    except (ValueError, TypeError) as error:
        raise InvalidCondition(Problem((), str(error))) from None
    for name, added in (
        ("ExpressionAttributeNames", built.attribute_name_placeholders),
        ("ExpressionAttributeValues", wires),
    ):
        if added:
            parameters.setdefault(name, {}).update(added)
    return text


def all_of(conditions: Iterable[ConditionBase | None]) -> ConditionBase | None:
    """The conjunction of those that there are."""
    joined: ConditionBase | None = None
    for condition in conditions:
        if condition is not None:
            joined = condition if joined is None else joined & condition
    return joined


def check_expression(text: str, operators: int) -> None:
    """InvalidUpdate if DynamoDB would refuse the update expression for its size."""
    if len(text) > MAX_EXPRESSION_BYTES - _VERSION_BYTES:
        raise InvalidUpdate(Problem((), f"longer than DynamoDB's {MAX_EXPRESSION_BYTES} bytes when written out"))
    if operators + 1 > MAX_OPERATORS:
        raise InvalidUpdate(Problem((), f"more than DynamoDB's {MAX_OPERATORS} operators"))

"""What is accepted as a condition: one of ours, or one of boto3's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .conditions import Condition

if TYPE_CHECKING:
    from boto3.dynamodb.conditions import ConditionBase

AnyCondition: TypeAlias = "Condition | ConditionBase"
"""Ours, or boto3's: `as_condition` makes the first of the second."""


def as_condition(value: Any) -> Condition:
    """The condition as one of ours; InvalidCondition for anything else."""
    if isinstance(value, Condition):
        return value
    from .boto3_conditions import from_boto3  # few programs need it

    return from_boto3(value)

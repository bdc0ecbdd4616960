"""Writes that are not read first: when the model's limits can stand in the condition, and the condition they make.

With `stock: int = Field(ge=0)`, `ADD Stock -3` may only be applied where `Stock >= 3`. What cannot be said that way
(a validator in Python, a length, a pattern on a changed value) needs the item: it is read, validated, and committed
against its version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Annotated, Any, get_origin

import annotated_types
from pydantic import BaseModel

from ..model.fields import ModelField, field_at
from ..model.item import Item
from ..paths import Path
from .actions import Action, AddAction, DeleteAction, RemoveAction, SetAction
from .attributes import Attribute, attr
from .conditions import Condition, all_of
from .operands import IfNotExists, ListAppend, Operand, Ref, Sum, Value, add_exactly
from .updates import Update

# settings of a model that limit or change every value of a type
_CONFIGURED = {
    "str_strip_whitespace", "str_to_lower", "str_to_upper", "str_min_length", "str_max_length", "strict",
    "allow_inf_nan", "coerce_numbers_to_str",
}  # fmt: skip


class NeedsRead(Exception):
    """The model's limits on this update cannot be decided without the item."""


def has_validators_across(model: type[BaseModel]) -> bool:
    """Whether the model validates more than one attribute at a time."""
    decorators = model.__pydantic_decorators__
    return bool(decorators.model_validators or decorators.root_validators)


def constraint_of(model: type[Item], *updates: Update) -> Condition | None:
    """The condition under which the updates, one after the other, leave a valid item valid; None if they always do.

    Raises NeedsRead where no condition can say it. Of several updates only numbers may be added to more than once.
    """
    if has_validators_across(model) or _CONFIGURED & model.model_config.keys():
        raise NeedsRead
    conditions: list[Condition | None] = []
    amounts: dict[Path, tuple[ModelField, list[Decimal]]] = {}
    for action in (action for update in updates for action in update.actions):
        field = action.model_field or field_at(model, action.path)
        _check_parents(model, action.path)
        if isinstance(action, AddAction) and action.amount is not None and not field.opaque:
            amounts.setdefault(action.path, (field, []))[1].append(action.amount)
        else:
            conditions.extend(_limits(model, action, field))
    for path, (field, steps) in amounts.items():
        conditions.append(_bounded(path, field, steps, missing=Decimal(0)))
    return all_of([*conditions, _completeness(model, updates[0])])


def _completeness(model: type[Item], update: Update) -> Condition | None:
    """An update creates the item where there is none: without its required attributes it must not."""
    required = model.schema_.required
    created = {
        action.path.name
        for action in update.actions
        if len(action.path) == 1 and isinstance(action, SetAction | AddAction)
    }
    return None if required <= created else attr((model.schema_.partition.name,)).exists()


def _check_parents(model: type[Item], path: Path) -> None:
    for depth in range(1, len(path)):
        parent = field_at(model, Path(path[:depth]))
        if parent.opaque or parent.limits or not _has_independent_members(parent):
            raise NeedsRead


def _has_independent_members(field: ModelField) -> bool:
    """Whether each member is valid or not whatever the others are, and even if it is not there."""
    arm, *others = field.arms
    kind = get_origin(arm) or arm
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return not others and not has_validators_across(kind)
    return not others and kind not in (tuple, Annotated)


def _limits(model: type[Item], action: Action, field: ModelField) -> Iterator[Condition | None]:
    if field.opaque:
        raise NeedsRead
    match action:
        case AddAction() if field.limits:
            raise NeedsRead
        case DeleteAction() if field.limits or field.required:
            raise NeedsRead
        case SetAction(operand=operand):
            yield from _assignment(model, action.path, field, operand)
        case AddAction() | DeleteAction() | RemoveAction():
            pass
        case _:
            raise NeedsRead  # a merge is what the item makes of it


def _assignment(model: type[Item], path: Path, field: ModelField, operand: Operand) -> Iterator[Condition | None]:
    match operand:
        case Value():
            return  # validated when it was built
        case IfNotExists(path=source, default=Value()) if source == path:
            return
        case Ref(path=source) if _alike(field_at(model, source), field):
            return
        case Sum(left=Ref(path=source), right=Value(value=amount), sign=sign) if _alike(field_at(model, source), field):
            yield _bounded(source, field, [amount if sign == "+" else amount.copy_negate()], missing=None)
        case Sum(left=IfNotExists(path=source, default=Value(value=start)), right=Value(value=amount), sign=sign) if (
            _alike(field_at(model, source), field)
        ):
            yield _bounded(source, field, [amount if sign == "+" else amount.copy_negate()], missing=start)
        case ListAppend() if not field.limits and all(
            _alike(field_at(model, source), field) for source in operand.reads()
        ):
            return
        case _:
            raise NeedsRead


def _alike(one: ModelField, other: ModelField) -> bool:
    return one.annotation == other.annotation and one.limits == other.limits and not one.opaque


_PLAIN_NUMBERS = (int, float, Decimal, Any)


def _bounded(path: Path, field: ModelField, steps: Sequence[Decimal], *, missing: Decimal | None) -> Condition | None:
    """What must hold of the number before the steps are added, so that it stays within the model's bounds at each.

    `missing` is what an absent number counts as; None if DynamoDB itself refuses to add to it.
    """
    if not all(arm in _PLAIN_NUMBERS for arm in field.arms):
        raise NeedsRead  # a Literal, an Enum, one arm of several: not every number that the bounds let through is one
    tests: list[Condition] = []
    absent_fits = missing is not None
    for limit in field.limits:
        test, fits = _bound(attr(path), limit, steps, missing or Decimal(0))
        absent_fits = absent_fits and fits
        tests.extend(test)
    present = all_of(tests)
    if present is None:
        return None if absent_fits or missing is None else attr(path).exists()
    return attr(path).not_exists() | present if absent_fits else present


def _bound(target: Attribute, limit: Any, steps: Sequence[Decimal], absent: Decimal) -> tuple[list[Condition], bool]:
    """The test of one limit on the number that is there, and whether an absent one fits.

    A valid number breaks a lower limit only on the way down and an upper one only on the way up, so the extremes that
    count are those of the sums after such steps. What an absent number begins with has to fit either way.
    """
    sums = list(accumulate(steps, _plus))
    lowest = min((total for step, total in zip(steps, sums, strict=True) if step < 0), default=None)
    highest = max((total for step, total in zip(steps, sums, strict=True) if step > 0), default=None)
    bottom = _plus(absent, steps[0] if lowest is None else min(steps[0], lowest))
    top = _plus(absent, steps[0] if highest is None else max(steps[0], highest))
    match limit:
        case annotated_types.Ge(ge=low):
            return [] if lowest is None else [target.gte(_minus(low, lowest))], bottom >= _exact(low)
        case annotated_types.Gt(gt=low):
            return [] if lowest is None else [target.gt(_minus(low, lowest))], bottom > _exact(low)
        case annotated_types.Le(le=high):
            return [] if highest is None else [target.lte(_minus(high, highest))], top <= _exact(high)
        case annotated_types.Lt(lt=high):
            return [] if highest is None else [target.lt(_minus(high, highest))], top < _exact(high)
    raise NeedsRead


def _plus(one: Decimal, other: Decimal) -> Decimal:
    try:
        return add_exactly(one, other)
    except ValueError:
        raise NeedsRead from None


def _minus(limit: Any, amount: Decimal) -> Decimal:
    return _plus(_exact(limit), amount.copy_negate())


def _exact(limit: Any) -> Decimal:
    if not isinstance(limit, int | Decimal | float):
        raise NeedsRead
    return Decimal(repr(limit)) if isinstance(limit, float) else Decimal(limit)

"""What DynamoDB does, computed here: what an update makes of an item, what its ReturnValues show, whether a condition
holds."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from ..errors import InvalidUpdate, Problem
from ..model.wire import Image, is_number, type_of
from ..paths import Element, Path
from .actions import Action, AddAction, DeleteAction, RemoveAction, SetAction
from .conditions import And, Condition, Not, Or, Test, sort_key
from .operands import MISSING, Operand, Ref, add_exactly, look_up
from .projection import project
from .updates import Update

ReturnValues: TypeAlias = Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]


def apply(update: Update, image: Mapping[str, Any]) -> Image:
    """The new image; InvalidUpdate with the path where DynamoDB would refuse.

    For an item that does not exist yet, `image` is its key. Every operand is read from the item as it was, list
    indexes mean the elements as they were, and what is set beyond a list's end is appended in order of the indexes.
    """
    assigned = [(action, _outcome(action, image)) for action in update.actions if not isinstance(action, RemoveAction)]
    new = copy.deepcopy(dict(image))
    beyond: list[tuple[int, list[Any], Any]] = []
    removed: list[tuple[list[Any], int]] = []
    for action, value in assigned:
        container, last = _container(action, new)
        if isinstance(container, list):
            assert isinstance(last, int)
            if value is MISSING:
                if last < len(container):
                    removed.append((container, last))
            elif last >= len(container):
                beyond.append((last, container, value))
            else:
                container[last] = value
        elif value is MISSING:
            container.pop(last, None)
        else:
            container[last] = value
    for action in update.actions:
        if isinstance(action, RemoveAction):
            container, last = _container(action, new)
            if isinstance(container, dict):
                container.pop(last, None)
            elif isinstance(last, int) and last < len(container):
                removed.append((container, last))
    for _, container, value in sorted(beyond, key=lambda entry: entry[0]):
        container.append(value)
    for container, index in sorted(removed, key=lambda entry: entry[1], reverse=True):
        del container[index]
    return new


def _outcome(action: Action, image: Mapping[str, Any]) -> Any:
    """The value that the action leaves at its path, MISSING if none."""
    try:
        if isinstance(action, SetAction):
            return copy.deepcopy(action.operand.evaluate(image))
        old = look_up(image, action.path)
        if isinstance(action, AddAction):
            return _added(old, action.value)
        assert isinstance(action, DeleteAction)
        return _without(old, action.value)
    except ValueError as error:
        raise _refused(action, str(error)) from None


def _added(old: Any, value: Any) -> Any:
    if isinstance(value, Decimal):
        if old is not MISSING and not isinstance(old, Decimal):
            raise ValueError("there is no number to add to")
        return add_exactly(Decimal(0) if old is MISSING else old, value)
    if old is MISSING:
        return set(value)
    _check_same_set(old, value)
    return old | value


def _without(old: Any, members: Any) -> Any:
    if old is MISSING:
        return MISSING
    _check_same_set(old, members)
    return (old - members) or MISSING


def _check_same_set(old: Any, members: Any) -> None:
    if not isinstance(old, set) or type(next(iter(old))) is not type(next(iter(members))):
        raise ValueError("there is no set of that type")


def _container(action: Action, image: Image) -> tuple[Any, Element]:
    """The map or list that holds the path's end."""
    container = look_up(image, Path(action.path[:-1])) if len(action.path) > 1 else image
    last = action.path[-1]
    if not isinstance(container, dict if isinstance(last, str) else list):
        parent = Path(action.path[:-1])
        raise _refused(
            action,
            f"there is no {'map' if isinstance(last, str) else 'list'} at {parent} in the item; set {parent} first",
        )
    return container, last


def _refused(action: Action, reason: str) -> InvalidUpdate:
    return InvalidUpdate(action.located(Problem((), reason)))


def returned(update: Update, returns: ReturnValues, old: Image | None, new: Image) -> Image | None:
    """The attributes that DynamoDB's UpdateItem would return, None for none.

    "Return values" in the guide to items: of nested paths only what was updated, of lists only those elements. Where an
    element was removed, that is the one which moved up.
    """
    match returns:
        case "ALL_NEW":
            return new
        case "ALL_OLD":
            return old
        case "UPDATED_NEW":
            return project(new, update.paths) or None
        case "UPDATED_OLD":
            return project(old or {}, update.paths) or None
        case _:
            return None


def evaluate(condition: Condition, image: Image | None) -> bool:
    """Whether the condition holds for an item, None for no item."""
    match condition:
        case And(parts=parts):
            return all(evaluate(part, image) for part in parts)
        case Or(parts=parts):
            return any(evaluate(part, image) for part in parts)
        case Not(part=part):
            return not evaluate(part, image)
        case Test(operator=operator, operands=operands):
            left, *rest = (_value(operand, image or {}) for operand in operands)
            if operator == "attribute_exists":
                return left is not MISSING
            if operator == "attribute_not_exists":
                return left is MISSING
            missing = left is MISSING or any(value is MISSING for value in rest)
            if operator == "<>":
                return missing or not _equal(left, rest[0])
            return not missing and _TESTS[operator](left, *rest)
    raise TypeError(type(condition).__name__)


def _value(operand: Operand, image: Image) -> Any:
    return look_up(image, operand.path) if isinstance(operand, Ref) else operand.evaluate(image)


def _equal(left: Any, right: Any) -> bool:
    """Python takes True for 1, DynamoDB does not: not even within lists and maps."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
    return bool(left == right)


def _ordered(left: Any, right: Any) -> bool:
    return type(left) is type(right) and (isinstance(left, str | bytes) or is_number(left))


def _between(value: Any, low: Any, high: Any) -> bool:
    return _ordered(low, value) and _ordered(value, high) and sort_key(low) <= sort_key(value) <= sort_key(high)


def _begins_with(value: Any, prefix: Any) -> bool:
    return isinstance(value, str | bytes) and type(value) is type(prefix) and value[: len(prefix)] == prefix


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, str | bytes):
        return type(whole) is type(part) and part in whole  # type: ignore[operator]
    return isinstance(whole, set | list) and any(_equal(member, part) for member in whole)


_TESTS: dict[str, Callable[..., bool]] = {
    "=": _equal,
    "<": lambda left, right: _ordered(left, right) and sort_key(left) < sort_key(right),
    "<=": lambda left, right: _ordered(left, right) and sort_key(left) <= sort_key(right),
    ">": lambda left, right: _ordered(left, right) and sort_key(left) > sort_key(right),
    ">=": lambda left, right: _ordered(left, right) and sort_key(left) >= sort_key(right),
    "BETWEEN": _between,
    "IN": lambda value, *choices: any(_equal(value, choice) for choice in choices),
    "begins_with": _begins_with,
    "contains": _contains,
    "attribute_type": lambda value, name: type_of(value) == name,
}

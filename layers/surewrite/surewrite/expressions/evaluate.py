"""What an update makes of an item, computed here exactly as DynamoDB does, and what its ReturnValues show."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from ..errors import InvalidUpdate, Problem
from ..model.wire import Image
from ..paths import Element, Path
from .operands import MISSING, add_exactly, look_up
from .updates import Action, AddAction, DeleteAction, RemoveAction, SetAction, Update

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
            if last >= len(container):
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

    "Return values" in the guide to items: of nested paths only what was updated, of lists only those elements.
    """
    match returns:
        case "ALL_NEW":
            return new
        case "ALL_OLD":
            return old
        case "UPDATED_NEW":
            kept = (action.path for action in update.actions if not isinstance(action, RemoveAction))
            return project(new, kept) or None
        case "UPDATED_OLD":
            return project(old or {}, update.paths) or None
        case _:
            return None


def project(image: Mapping[str, Any], paths: Iterable[Path]) -> Image:
    """The parts of an image that the paths lead to; of a list only the elements that are named, closed up."""
    tree: dict[Element, Any] = {}
    for path in paths:
        branch = tree
        for element in path:
            branch = branch.setdefault(element, {})
    part = _part(image, tree) if tree else MISSING
    return part if isinstance(part, dict) else {}


def _part(value: Any, tree: dict[Element, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, Mapping):
        parts = {name: _part(value[name], branch) for name, branch in tree.items() if name in value}
        return {name: part for name, part in parts.items() if part is not MISSING} or MISSING
    if isinstance(value, list):
        indexes = sorted(index for index in tree if isinstance(index, int) and index < len(value))
        elements = [_part(value[index], tree[index]) for index in indexes]
        return [element for element in elements if element is not MISSING] or MISSING
    return MISSING

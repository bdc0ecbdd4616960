"""An update as it is for the item that it meets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidUpdate, Problem
from ..paths import Path
from .actions import Action, AddAction, SetAction
from .merge_patch import MergeAction
from .operands import Value, look_up
from .updates import Update


def resolve(update: Update, image: Mapping[str, Any]) -> Update:
    """The update with its merges expanded, and with list indexes beyond an end brought to that end.

    DynamoDB appends what is set there, in the order of the indexes; not every engine does. InvalidUpdate for a merge
    that has become too long for an expression.
    """
    merges = [action for action in update.actions if isinstance(action, MergeAction)]
    actions: list[Action] = []
    for action in update.actions:
        actions.extend(action.expand(image) if isinstance(action, MergeAction) else (action,))
    closed = _closed_up(actions, image)
    if not merges and closed is None:
        return update
    resolved = Update(tuple(closed or actions))
    if merges:
        _check_merged(resolved, max(merges, key=lambda merge: len(merge.patch)))
    return resolved


def _check_merged(update: Update, largest: MergeAction) -> None:
    try:
        update.check_size()
    except InvalidUpdate as error:
        reason = f"merged into the item it is {error.problems[0].reason}; set the whole map, or put the item"
        raise InvalidUpdate(largest.located(Problem((), reason))) from None


def _closed_up(actions: list[Action], image: Mapping[str, Any]) -> list[Action] | None:
    """The actions with indexes beyond an end brought to it, and without those that take away what is not there. None if
    nothing is set beyond an end."""
    beyond = [action for action in actions if _is_beyond(action, image)]
    added = [action for action in beyond if isinstance(action, SetAction | AddAction)]
    if not added:
        return None
    ends: dict[Path, int] = {}
    closed: list[Action] = []
    for action in sorted(added, key=lambda action: action.path[-1]):
        parent = Path(action.path[:-1])
        end = ends.setdefault(parent, len(look_up(image, parent)))
        # where nothing is, ADD sets its value
        operand = action.operand if isinstance(action, SetAction) else Value(action.value)
        closed.append(SetAction(Path((*parent, end)), action.label, operand))
        ends[parent] += 1
    return [action for action in actions if action not in beyond] + closed


def _is_beyond(action: Action, image: Mapping[str, Any]) -> bool:
    last = action.path[-1]
    if not isinstance(last, int):
        return False
    container = look_up(image, Path(action.path[:-1]))
    return isinstance(container, list) and last >= len(container)

"""JSON Merge Patch (RFC 7396) as an update: what it sets and removes depends on the item that it meets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidItem, InvalidRequest, InvalidUpdate, Problem
from ..model.fields import ModelField, field_at
from ..model.item import Item
from ..model.wire import to_wire
from ..paths import Path
from .actions import Action, RemoveAction, SetAction
from .operands import FromJSON, Value, look_up
from .placeholders import MAX_OPERATORS, Placeholders


@dataclass(frozen=True, eq=False)
class MergeAction(Action):
    """Merges an object into the map at the path, or sets the object where there is no map.

    When it is checked, the members of `patch` become None (removed), a mapping (merged) or a `Value` (set).
    """

    patch: Mapping[str, Any]
    clause = "SET"

    def checked(self, model: type[Item], target: ModelField) -> MergeAction:
        if "M" not in target.types:
            raise InvalidUpdate(Problem((), "an object is not of this attribute's type"))
        patch = {name: self._member(model, name, value) for name, value in self.patch.items()}
        try:
            to_wire(_plain(patch), depth=len(self.path) - 1)
        except (ValueError, TypeError) as error:
            raise InvalidItem(Problem((), str(error))) from None
        return replace(self, patch=patch, model_field=target)

    def _member(self, model: type[Item], name: str, value: Any) -> Any:
        path = Path((*self.path, name))
        try:
            target = field_at(model, path)
            if value is None:
                RemoveAction(path, self.label).checked(model, target)
                return None
            if isinstance(value, Mapping) and "M" in target.types:
                return replace(self, path=path, patch=value).checked(model, target).patch
            return FromJSON(value).checked(model, target)
        except InvalidRequest as error:
            raise error.under(name) from None

    def expand(self, image: Mapping[str, Any]) -> Iterator[Action]:
        """What it sets and removes in this item."""
        if not isinstance(look_up(image, self.path), Mapping):
            yield SetAction(self.path, self.label, Value(_plain(self.patch)))
            return
        for name, value in self.patch.items():
            path = Path((*self.path, name))
            if value is None:
                yield RemoveAction(path, self.label)
            elif isinstance(value, Mapping):
                yield from replace(self, path=path, patch=value).expand(image)
            else:
                yield SetAction(path, self.label, value)

    def render(self, place: Placeholders) -> str:
        """For the fingerprint only: what is sent to DynamoDB has been expanded."""
        return f"merge({place.path(self.path)}, {place.value(_written(self.patch, place.given_only))})"


def merge_actions(model: type[Item], patch: Mapping[str, Any]) -> list[Action]:
    """The actions of a merge patch; an InvalidRequest names each attribute that is wrong."""
    _check_count(patch)
    actions: list[Action] = []
    problems: list[Problem] = []
    for name, value in patch.items():
        path = Path((name,))
        try:
            target = field_at(model, path)
            if value is None:
                actions.append(RemoveAction(path, ""))
            elif isinstance(value, Mapping) and "M" in target.types:
                actions.append(MergeAction(path, "", value))
            else:
                actions.append(SetAction(path, "", FromJSON(value)))
        except InvalidRequest as error:
            problems.extend(problem.under(name) for problem in error.problems)
    if problems:
        raise InvalidItem(*problems)
    return actions


_MOST = MAX_OPERATORS - 1


def _check_count(patch: Mapping[str, Any]) -> None:
    """InvalidUpdate for more members than an expression can set and remove, before a look at any of them."""
    total = 0
    for name, value in patch.items():
        count = _members(value)
        total += count
        where = (name,) if count > _MOST else ()
        if total > _MOST:
            raise InvalidUpdate(
                Problem(where, f"more than {_MOST} members to merge; set the whole map, or put the item")
            )


def _members(value: Any) -> int:
    """How many members the value has that are no objects themselves, counted no further than it matters."""
    count, waiting = 0, [value]
    while waiting and count <= _MOST:
        one = waiting.pop()
        if isinstance(one, Mapping) and one:
            count += max(0, len(one) - _MOST)
            waiting.extend(list(one.values())[: _MOST + 1])
        else:
            count += 1
    return count


def _plain(patch: Mapping[str, Any]) -> dict[str, Any]:
    """What the patch sets where there is nothing to merge with."""
    return {
        name: _plain(value) if isinstance(value, Mapping) else value.value
        for name, value in patch.items()
        if value is not None
    }


def _written(patch: Mapping[str, Any], given_only: bool) -> dict[str, Any]:
    """The patch for its fingerprint, removals included."""
    written: dict[str, Any] = {}
    for name, value in patch.items():
        if isinstance(value, Mapping):
            written[name] = _written(value, given_only)
        elif value is None:
            written[name] = None
        else:
            written[name] = value.stored(given_only)
    return written

"""JSON Merge Patch (RFC 7396) as an update: what it sets and removes depends on the item that it meets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidItem, InvalidRequest, InvalidUpdate, Problem
from ..model.fields import ModelField, field_at
from ..model.item import Item
from ..paths import Path
from .operands import Value, look_up
from .updates import Action, RemoveAction, SetAction, Update


@dataclass(frozen=True, eq=False)
class MergeAction(Action):
    """Merges an object into the map at the path, or sets the object where there is no map."""

    patch: Mapping[str, Any]
    clause = "SET"

    def checked(self, model: type[Item], field: ModelField) -> MergeAction:
        if "M" not in field.types:
            raise InvalidUpdate(Problem((), "an object is not of this attribute's type"))
        return replace(self, patch={name: self._member(model, name, value) for name, value in self.patch.items()})

    def _member(self, model: type[Item], name: str, value: Any) -> Any:
        path = Path((*self.path, name))
        try:
            field = field_at(model, path)
            if value is None:
                RemoveAction(path, self.label).checked(model, field)
                return None
            if isinstance(value, Mapping) and "M" in field.types:
                return replace(self, path=path, patch=value).checked(model, field).patch
            operand = Value(field.from_json(value)).checked(model, field)
        except InvalidRequest as error:
            raise error.under(name) from None
        return operand.value

    def expand(self, image: Mapping[str, Any]) -> Iterator[Action]:
        """The actions that it comes to on this item."""
        if not isinstance(look_up(image, self.path), Mapping):
            yield SetAction(self.path, self.label, Value(_without_nulls(self.patch)))
            return
        for name, value in self.patch.items():
            path = Path((*self.path, name))
            if value is None:
                yield RemoveAction(path, self.label)
            elif isinstance(value, Mapping):
                yield from replace(self, path=path, patch=value).expand(image)
            else:
                yield SetAction(path, self.label, Value(value))

    def render(self, place: Any) -> str:
        """For the fingerprint only: what is sent to DynamoDB has been expanded."""
        return f"merge({place.path(self.path)}, {place.value(self.patch)})"


def merge_actions(model: type[Item], patch: Mapping[str, Any]) -> list[Action]:
    """The actions of a merge patch; InvalidItem names each attribute that is wrong."""
    actions: list[Action] = []
    problems: list[Problem] = []
    for name, value in patch.items():
        path = Path((name,))
        try:
            field = field_at(model, path)
            if value is None:
                actions.append(RemoveAction(path, ""))
            elif isinstance(value, Mapping) and "M" in field.types:
                actions.append(MergeAction(path, "", value))
            else:
                actions.append(SetAction(path, "", Value(field.from_json(value))))
        except InvalidRequest as error:
            problems.extend(problem.under(name) for problem in error.problems)
    if problems:
        raise InvalidItem(*problems)
    return actions


def resolve(update: Update, image: Mapping[str, Any]) -> Update:
    """The update with its merges expanded for the item."""
    if not any(isinstance(action, MergeAction) for action in update.actions):
        return update
    actions: list[Action] = []
    for action in update.actions:
        actions.extend(action.expand(image) if isinstance(action, MergeAction) else (action,))
    return Update(tuple(actions))


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _without_nulls(member) for name, member in value.items() if member is not None}

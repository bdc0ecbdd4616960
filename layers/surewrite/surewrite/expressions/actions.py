"""The four actions of an update: SET, REMOVE, ADD and DELETE on document paths.

"Update expressions" in the DynamoDB developer guide is the source of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from ..errors import InvalidItem, InvalidUpdate, Problem
from ..model.fields import ModelField
from ..model.item import Item
from ..model.wire import Wire, is_number, to_wire
from ..paths import Path
from .operands import FromJSON, Operand, Value, check_types
from .placeholders import Placeholders


@dataclass(frozen=True, eq=False)
class Action:
    """One step of an update. `label` is the section of a request that it came from, for error messages.

    A checked action has its `model_field`: what the model says of its path.
    """

    path: Path
    label: str
    model_field: ModelField | None = field(default=None, kw_only=True, repr=False)
    clause: ClassVar[str]

    def render(self, place: Placeholders) -> str:
        """The action's text within its clause."""
        raise NotImplementedError

    def checked(self, model: type[Item], target: ModelField) -> Action:
        """The action with its values validated for the path."""
        raise NotImplementedError

    def reads(self) -> Iterator[Path]:
        """The paths besides its own that its result depends on."""
        return iter(())

    @property
    def operators(self) -> int:
        """How many operators and functions DynamoDB counts."""
        return 1

    def located(self, problem: Problem) -> Problem:
        """A problem of the action's value, seen from the request's top; without a label that has the item's shape."""
        return problem.under(self.label, str(self.path)) if self.label else problem.under(*self.path)


@dataclass(frozen=True, eq=False)
class SetAction(Action):
    """Assigns an operand; creates the attribute where it is missing."""

    operand: Operand
    clause = "SET"

    def render(self, place: Placeholders) -> str:
        return f"{place.path(self.path)} = {self.operand.render(place)}"

    def checked(self, model: type[Item], target: ModelField) -> SetAction:
        operand = self.operand.checked(model, target)
        if len(self.path) > 1 and isinstance(operand, Value) and isinstance(operand.value, dict | list):
            _check_depth(operand.value, len(self.path) - 1)
        return replace(self, operand=operand, model_field=target)

    def reads(self) -> Iterator[Path]:
        return self.operand.reads()

    @property
    def operators(self) -> int:
        return 1 + self.operand.operators


def _check_depth(value: Any, depth: int) -> None:
    """InvalidItem for a value that is nested too deeply where it is to stand."""
    try:
        to_wire(value, depth)
    except ValueError as error:
        raise InvalidItem(Problem((), str(error))) from None


@dataclass(frozen=True, eq=False)
class RemoveAction(Action):
    """Takes the attribute, the map's entry or the list's element away."""

    clause = "REMOVE"

    def render(self, place: Placeholders) -> str:
        return place.path(self.path)

    def checked(self, model: type[Item], target: ModelField) -> RemoveAction:
        if target.required:
            raise InvalidUpdate(Problem((), "the model requires it, it cannot be removed"))
        return replace(self, model_field=target)


@dataclass(frozen=True, eq=False)
class _ValueAction(Action):
    """Base of the two whose value is a number or a set."""

    value: Any

    def render(self, place: Placeholders) -> str:
        return f"{place.path(self.path)} {place.value(self.value)}"


@dataclass(frozen=True, eq=False)
class AddAction(_ValueAction):
    """Adds a number (to 0 where there is none) or unites with a set."""

    clause = "ADD"

    def checked(self, model: type[Item], target: ModelField) -> AddAction:
        value = _resolved(self.value, target)
        if is_number(value):
            check_types(target, frozenset("N"), self.path)
            return replace(self, value=target.amount(value), model_field=target)
        return replace(self, value=_checked_set(value, target, self.path, "a number or a set"), model_field=target)

    @property
    def amount(self) -> Decimal | None:
        """The number that is added, None for a set."""
        return self.value if isinstance(self.value, Decimal) else None


@dataclass(frozen=True, eq=False)
class DeleteAction(_ValueAction):
    """Takes members out of a set; the attribute goes with the last one."""

    clause = "DELETE"

    def checked(self, model: type[Item], target: ModelField) -> DeleteAction:
        value = _resolved(self.value, target)
        return replace(self, value=_checked_set(value, target, self.path, "a set"), model_field=target)


_SETS = frozenset({"SS", "NS", "BS"})


def _resolved(value: Any, target: ModelField) -> Any:
    """The value itself. From JSON, where a set is an array, its members."""
    if not isinstance(value, FromJSON):
        return value
    if not isinstance(value.value, list):
        return value.value
    members = target.from_json(value.value) if target.types & _SETS else value.value
    try:
        return set(members)
    except TypeError:
        raise InvalidItem(Problem((), "a set has strings, numbers or binary values only")) from None


def _checked_set(value: Any, target: ModelField, path: Path, needed: str) -> Any:
    if not isinstance(value, set | frozenset):
        raise InvalidUpdate(Problem((), f"{needed} is needed"))
    check_types(target, _SETS, path)
    if not value:
        raise InvalidUpdate(Problem((), "a set cannot be empty"))
    checked = target.bare.check(value)
    if kind_of(checked) not in target.types:
        raise InvalidUpdate(Problem((), "the members are of another type than the set's"))
    return checked


def kind_of(members: Any) -> str:
    """SS, NS or BS."""
    try:
        wire: Wire = to_wire(members)
    except (ValueError, TypeError) as error:
        raise InvalidUpdate(Problem((), str(error))) from None
    return next(iter(wire))

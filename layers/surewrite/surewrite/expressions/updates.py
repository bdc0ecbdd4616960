"""Updates: actions on distinct paths, checked against the model when built, and written as one expression.

Update.build(Book, {attr("Formats.Audiobook").set("8WE3KPTP"), attr("Views").add(1)})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from ..errors import InvalidItem, InvalidRequest, InvalidUpdate, Problem
from ..model.fields import field_at
from ..model.item import VERSION, Item
from ..model.json import canonical
from ..paths import Element, Path
from .actions import Action, SetAction
from .operands import IfNotExists, Value
from .placeholders import MAX_OPERATORS, Placeholders, check_expression

_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


@dataclass(frozen=True)
class Expression:
    """An update expression with its placeholders."""

    text: str
    placeholders: Placeholders

    def parameters(self) -> dict[str, Any]:
        """As DynamoDB's UpdateItem takes them."""
        return {"UpdateExpression": self.text, **self.placeholders.parameters()}


@dataclass(frozen=True)
class Update:
    """Validated actions on distinct paths, in the order in which they are written."""

    actions: tuple[Action, ...]

    @classmethod
    def build(cls, model: type[Item], actions: Iterable[Action], *, present: Iterable[Path] = ()) -> Update:
        """The update, or InvalidUpdate / InvalidItem with a problem for each action that the model or DynamoDB would
        refuse. `present` are paths that a condition proves to exist."""
        given = sorted(actions, key=_order)
        check_count(len(given))
        proven = tuple(present)
        checked: list[Action] = []
        problems: list[Problem] = []
        for action in given:
            try:
                checked.append(_checked(action, model, proven))
            except InvalidRequest as error:
                problems.extend(action.located(problem) for problem in error.problems)
        problems.extend(_overlaps(given))
        if not given:
            problems.append(Problem((), "an update needs at least one action"))
        if problems:
            raise InvalidUpdate(*problems)
        update = cls(tuple(checked))
        update.check_size()
        return update

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        return tuple(action.path for action in self.actions)

    def stamped(self, version: str, place: Placeholders) -> str:
        """The expression's text, which also stamps the item with a version. `place` is a copy of its placeholders."""
        text = self.expression.text
        rest = f", {text[4:]}" if text.startswith("SET ") else f" {text}" if text else ""
        return f"SET {place.path(Path((VERSION,)))} = {place.value(version)}{rest}"

    @cached_property
    def expression(self) -> Expression:
        """Deterministic: the same actions in any order are written the same."""
        return self._rendered(Placeholders())

    def check_size(self) -> None:
        """InvalidUpdate if DynamoDB would refuse the expression for its size, once the version is part of it."""
        check_expression(self.expression.text, sum(action.operators for action in self.actions))

    @cached_property
    def canonical(self) -> str:
        """A text in which equal updates are equal, for fingerprints: without what the model's defaults filled in."""
        expression = self._rendered(Placeholders(given_only=True))
        return canonical([expression.text, expression.placeholders.names, expression.placeholders.values])

    def _rendered(self, place: Placeholders) -> Expression:
        clauses = []
        for clause in _CLAUSES:
            actions = [action for action in self.actions if action.clause == clause]
            if clause in ("REMOVE", "DELETE"):
                # elements of a list from the last to the first: whether an engine removes them at once or in turn, each
                # index means the element as it was
                actions.sort(key=_elements, reverse=True)
            if actions:
                clauses.append(f"{clause} {', '.join(action.render(place) for action in actions)}")
        return Expression(" ".join(clauses), place)


def check_count(actions: int) -> None:
    """InvalidUpdate for more actions than any expression can hold, before a look at any of them."""
    if actions >= MAX_OPERATORS:
        raise InvalidUpdate(Problem((), f"{actions} actions, DynamoDB's expressions have at most {MAX_OPERATORS - 1}"))


def _order(action: Action) -> tuple[int, str]:
    return _CLAUSES.index(action.clause), str(action.path)


def _elements(action: Action) -> list[tuple[bool, Element]]:
    """For sorting: names and indexes cannot be compared with each other."""
    return [(isinstance(element, int), element) for element in action.path]


def _checked(action: Action, model: type[Item], proven: tuple[Path, ...]) -> Action:
    if action.path.name in model.schema_.key_names:
        raise InvalidUpdate(Problem((), "part of the primary key, which never changes"))
    if action.path.name == VERSION:
        raise InvalidUpdate(Problem((), "reserved for the item's version"))
    target = field_at(model, action.path)
    parent = target.optional_parent
    if parent is not None and not any(path[: len(parent)] == parent for path in proven):
        remedy = f"set {parent} as a whole, or add the condition that it exists"
        raise InvalidUpdate(Problem((), f"{parent} may be missing, then this path leads nowhere; {remedy}"))
    checked = action.checked(model, target)
    if len(checked.path) == 1 and isinstance(checked, SetAction):
        operand = checked.operand.default if isinstance(checked.operand, IfNotExists) else checked.operand
        if isinstance(operand, Value):
            _check_indexed(model, checked.path.name, operand.value)
    return checked


def _check_indexed(model: type[Item], name: str, value: Any) -> None:
    """InvalidUpdate for a value that an index could not have as its key."""
    try:
        model.schema_.check_indexed({name: value})
    except InvalidItem as error:
        raise InvalidUpdate(Problem((), error.problems[0].reason)) from None


def _overlaps(actions: list[Action]) -> Iterator[Problem]:
    """In the order of their elements a path is followed at once by the paths that lead through it."""
    for action, following in pairwise(sorted(actions, key=_elements)):
        if action.path.overlaps(following.path):
            same = action.path == following.path
            reason = "more than one action on this path" if same else f"overlaps with {following.path}"
            yield action.located(Problem((), reason))

"""The update language: SET, REMOVE, ADD and DELETE on document paths, checked against the model when built.

    Update.build(Book, {attr("Formats.Audiobook").set("8WE3KPTP"), attr("Views").add(1)})

"Update expressions" in the DynamoDB developer guide is the source of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

from ..errors import InvalidRequest, InvalidUpdate, Problem
from ..model.fields import ModelField, field_at
from ..model.item import VERSION, Item
from ..model.json import canonical
from ..model.wire import is_number, to_wire
from ..paths import Element, Path
from ..paths import path as parse_path
from .operands import EmptyList, IfNotExists, ListAppend, Operand, Ref, Sum, check_types, operand
from .placeholders import Placeholders, check_expression


@dataclass(frozen=True, eq=False)
class Action:
    """One step of an update. `label` is the section of a request that it came from, for error messages."""

    path: Path
    label: str
    clause: ClassVar[str]
    operators: ClassVar[int] = 1

    def render(self, place: Placeholders) -> str:
        """The action's text within its clause."""
        raise NotImplementedError

    def checked(self, model: type[Item], field: ModelField) -> Action:
        """The action with its values validated for the path."""
        raise NotImplementedError

    def reads(self) -> Iterator[Path]:
        """The paths besides its own that its result depends on."""
        return iter(())

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

    def checked(self, model: type[Item], field: ModelField) -> SetAction:
        return replace(self, operand=self.operand.checked(model, field))

    def reads(self) -> Iterator[Path]:
        return self.operand.reads()


@dataclass(frozen=True, eq=False)
class RemoveAction(Action):
    """Takes the attribute, the map's entry or the list's element away."""

    clause = "REMOVE"

    def render(self, place: Placeholders) -> str:
        return place.path(self.path)

    def checked(self, model: type[Item], field: ModelField) -> RemoveAction:
        if field.required:
            raise InvalidUpdate(Problem((), "the model requires it, it cannot be removed"))
        return self


@dataclass(frozen=True, eq=False)
class AddAction(Action):
    """Adds a number (to 0 where there is none) or unites with a set."""

    value: Any
    clause = "ADD"

    def render(self, place: Placeholders) -> str:
        return f"{place.path(self.path)} {place.value(self.value)}"

    def checked(self, model: type[Item], field: ModelField) -> AddAction:
        if is_number(self.value):
            check_types(field, frozenset("N"), self.path)
            return replace(self, value=field.check(self.value, bare=True))
        return replace(self, value=_checked_set(self.value, field, self.path, "a number or a set"))

    @property
    def amount(self) -> Decimal | None:
        """The number that is added, None for a set."""
        return self.value if isinstance(self.value, Decimal) else None


@dataclass(frozen=True, eq=False)
class DeleteAction(Action):
    """Takes members out of a set; the attribute goes with the last one."""

    value: Any
    clause = "DELETE"

    def render(self, place: Placeholders) -> str:
        return f"{place.path(self.path)} {place.value(self.value)}"

    def checked(self, model: type[Item], field: ModelField) -> DeleteAction:
        return replace(self, value=_checked_set(self.value, field, self.path, "a set"))


_SETS = frozenset({"SS", "NS", "BS"})


def _checked_set(value: Any, field: ModelField, path: Path, needed: str) -> Any:
    if not isinstance(value, set | frozenset):
        raise InvalidUpdate(Problem((), f"{needed} is needed"))
    check_types(field, _SETS, path)
    if not value:
        raise InvalidUpdate(Problem((), "a set cannot be empty"))
    checked = field.check(value, bare=True)
    try:
        kind = next(iter(to_wire(checked)))
    except (ValueError, TypeError) as error:
        raise InvalidUpdate(Problem((), str(error))) from None
    if kind not in field.types:
        raise InvalidUpdate(Problem((), "the members are of another type than the set's"))
    return checked


class Attribute(Ref):
    """A path in an update: its methods are the actions, itself it is an operand (`attr("Price") + 5`)."""

    def set(self, value: Any) -> SetAction:
        """SET to a value, to another path (`attr("Price")`) or to arithmetic (`attr("Price") - 5`)."""
        return SetAction(self.path, "set", operand(value))

    def increment(self, by: Any) -> SetAction:
        """SET path = path + by. Unlike `add` it fails where there is no number yet."""
        return SetAction(self.path, "increment", Sum(Ref(self.path), operand(by), "+"))

    def default(self, value: Any) -> SetAction:
        """SET path = if_not_exists(path, value)."""
        return SetAction(self.path, "default", IfNotExists(self.path, operand(value)))

    def append(self, elements: Any) -> SetAction:
        """SET path = list_append(path, elements); the list is created where it is missing."""
        return SetAction(self.path, "append", ListAppend(IfNotExists(self.path, EmptyList()), operand(elements)))

    def prepend(self, elements: Any) -> SetAction:
        """SET path = list_append(elements, path); the list is created where it is missing."""
        return SetAction(self.path, "prepend", ListAppend(operand(elements), IfNotExists(self.path, EmptyList())))

    def remove(self) -> RemoveAction:
        """REMOVE path."""
        return RemoveAction(self.path, "remove")

    def add(self, value: Any) -> AddAction:
        """ADD a number or the members of a set."""
        return AddAction(self.path, "add", value)

    def delete(self, members: Any) -> DeleteAction:
        """DELETE members from a set."""
        return DeleteAction(self.path, "delete", members)

    def if_not_exists(self, value: Any) -> IfNotExists:
        """The operand `if_not_exists(path, value)`, as in `attr("n").set(attr("n").if_not_exists(0) + 1)`."""
        return IfNotExists(self.path, operand(value))


def attr(path: str | Path | Iterable[Element]) -> Attribute:
    """The attribute at a document path, by its name in DynamoDB: `attr("basket.items[1].qty")`."""
    return Attribute(parse_path(path))


@dataclass(frozen=True)
class Expression:
    """An update expression with its placeholders."""

    text: str
    placeholders: Placeholders

    def parameters(self) -> dict[str, Any]:
        """As DynamoDB's UpdateItem takes them."""
        return {"UpdateExpression": self.text, **self.placeholders.parameters()}


_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


@dataclass(frozen=True)
class Update:
    """Validated actions on distinct paths, in the order in which they are written."""

    actions: tuple[Action, ...]

    @classmethod
    def build(cls, model: type[Item], actions: Iterable[Action], *, present: Iterable[Path] = ()) -> Update:
        """The update, or InvalidUpdate / InvalidItem with a problem for each action that the model or DynamoDB would
        refuse. `present` are paths that a condition proves to exist."""
        given = sorted(actions, key=_order)
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

    def stamped(self, version: str) -> dict[str, Any]:
        """UpdateItem's parameters for the update that also stamps the item with a version."""
        text, parameters = self.expression.text, self.expression.placeholders.parameters()
        rest = f", {text[4:]}" if text.startswith("SET ") else f" {text}" if text else ""
        parameters["UpdateExpression"] = f"SET #v = :v{rest}"
        parameters.setdefault("ExpressionAttributeNames", {})["#v"] = VERSION
        parameters.setdefault("ExpressionAttributeValues", {})[":v"] = {"S": version}
        return parameters

    @cached_property
    def expression(self) -> Expression:
        """Deterministic: the same actions in any order are written the same."""
        place = Placeholders()
        clauses = []
        for clause in _CLAUSES:
            texts = [action.render(place) for action in self.actions if action.clause == clause]
            if texts:
                clauses.append(f"{clause} {', '.join(texts)}")
        return Expression(" ".join(clauses), place)

    def check_size(self) -> None:
        """InvalidUpdate if DynamoDB would refuse the expression for its size, once the version is part of it."""
        check_expression(self.expression.text, sum(map(_operators, self.actions)))

    @cached_property
    def canonical(self) -> str:
        """A text in which equal updates are equal, for fingerprints."""
        expression = self.expression
        return canonical([expression.text, expression.placeholders.names, expression.placeholders.values])


def _order(action: Action) -> tuple[int, str]:
    return _CLAUSES.index(action.clause), str(action.path)


def _operators(action: Action) -> int:
    inner = 0
    if isinstance(action, SetAction):
        inner = sum(operand.operators for operand in _operands(action.operand))
    return action.operators + inner


def _operands(top: Operand) -> Iterator[Operand]:
    yield top
    for name in ("left", "right", "default", "first", "second"):
        below = getattr(top, name, None)
        if isinstance(below, Operand):
            yield from _operands(below)


def _checked(action: Action, model: type[Item], proven: tuple[Path, ...]) -> Action:
    if action.path.name in model.schema_.key_names:
        raise InvalidUpdate(Problem((), "part of the primary key, which never changes"))
    if action.path.name == VERSION:
        raise InvalidUpdate(Problem((), "reserved for the item's version"))
    field = field_at(model, action.path)
    parent = field.optional_parent
    if parent is not None and not any(path[: len(parent)] == parent for path in proven):
        remedy = f"set {parent} as a whole, or add the condition that it exists"
        raise InvalidUpdate(Problem((), f"{parent} may be missing, then this path leads nowhere; {remedy}"))
    return action.checked(model, field)


def _overlaps(actions: list[Action]) -> Iterator[Problem]:
    """In the order of their elements a path is followed at once by the paths that lead through it."""
    ordered = sorted((action.path for action in actions), key=lambda path: [(str(type(e)), e) for e in path])
    for path, following in pairwise(ordered):
        if path.overlaps(following):
            reason = f"overlaps with {following}" if path != following else "more than one action on this path"
            yield Problem((str(path),), reason)

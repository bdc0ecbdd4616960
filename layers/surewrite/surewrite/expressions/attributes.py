"""`attr`: an attribute by its path, the beginning of every action and of every condition.

attr("Formats.Audiobook").set("8WE3KPTP")     attr("Views").add(1)     attr("Price").set(attr("ListPrice") - 5)
attr("Price").between(5, 10)                  ~attr("Formats.Audiobook").exists()
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..model.coerce import native
from ..paths import Element, Path
from ..paths import path as parse_path
from .actions import AddAction, DeleteAction, RemoveAction, SetAction
from .conditions import Condition, Test, invalid
from .operands import EmptyList, IfNotExists, ListAppend, Operand, Ref, Sum, Value, operand
from .operands import Size as _Size

MAX_CHOICES = 100


class Comparable(Operand):
    """An operand whose methods make conditions. Their names are those of boto3's `Attr`."""

    def _test(self, operator: str, *others: Any) -> Test:
        return Test(operator, (self, *map(_operand, others)))

    def eq(self, value: Any) -> Condition:
        """Equal to a value or to another attribute."""
        return self._test("=", value)

    def ne(self, value: Any) -> Condition:
        """Not equal, or not there."""
        return self._test("<>", value)

    def lt(self, value: Any) -> Condition:
        """Less than."""
        return self._test("<", value)

    def lte(self, value: Any) -> Condition:
        """Less than or equal."""
        return self._test("<=", value)

    def gt(self, value: Any) -> Condition:
        """Greater than."""
        return self._test(">", value)

    def gte(self, value: Any) -> Condition:
        """Greater than or equal."""
        return self._test(">=", value)

    def between(self, low: Any, high: Any) -> Condition:
        """From `low` to `high`, both included."""
        return self._test("BETWEEN", low, high)

    def is_in(self, choices: Iterable[Any]) -> Condition:
        """Equal to one of 1 to 100 values."""
        given = list(choices)
        if not 1 <= len(given) <= MAX_CHOICES:
            raise invalid(f"a list of 1 to {MAX_CHOICES} values is needed")
        return self._test("IN", *given)


def _operand(value: Any) -> Operand:
    if isinstance(value, Ref | _Size | Value):
        return value
    if isinstance(value, Operand | Condition):
        raise invalid("a value or an attribute is needed")
    try:
        return Value(native(value))
    except (ValueError, TypeError) as error:
        raise invalid(str(error)) from None


class Size(_Size, Comparable):
    """The size of an attribute, to be compared with a number: `attr("Tags").size().lt(10)`."""


class Attribute(Ref, Comparable):
    """An attribute of an item. Its methods are actions and conditions; it is an operand, too: `attr("Price") + 5`."""

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
        """ADD a number or the members of a set. A missing number counts from 0, whatever the model's default is."""
        return AddAction(self.path, "add", value)

    def delete(self, members: Any) -> DeleteAction:
        """DELETE members from a set."""
        return DeleteAction(self.path, "delete", members)

    def if_not_exists(self, value: Any) -> IfNotExists:
        """The operand `if_not_exists(path, value)`, as in `attr("n").set(attr("n").if_not_exists(0) + 1)`."""
        return IfNotExists(self.path, operand(value))

    def begins_with(self, prefix: Any) -> Condition:
        """A string, or a binary value, that begins with this one."""
        return self._test("begins_with", prefix)

    def contains(self, member: Any) -> Condition:
        """A string with this part, or a set or a list with this member."""
        return self._test("contains", member)

    def exists(self) -> Condition:
        """The attribute is there, even if it is NULL."""
        return self._test("attribute_exists")

    def not_exists(self) -> Condition:
        """The attribute is not there."""
        return self._test("attribute_not_exists")

    def attribute_type(self, name: str) -> Condition:
        """The value is of DynamoDB's type S, N, B, BOOL, NULL, SS, NS, BS, L or M."""
        return self._test("attribute_type", name)

    def size(self) -> Size:
        """Characters of a string (UTF-16 code units), bytes of a binary value, members of a set, a list or a map."""
        return Size(self.path)


def list_append(first: Any, second: Any) -> ListAppend:
    """The operand `list_append(first, second)`, of lists, attributes and `if_not_exists`; unlike `append` it creates no
    list: `attr("RelatedItems").set(list_append(attr("RelatedItems"), [602]))`."""
    return ListAppend(operand(first), operand(second))


def literal(value: Any) -> Value:
    """A value as an operand: `attr("Price").set(literal(20) - 5)` lets DynamoDB compute."""
    return Value(value)


def attr(path: str | Path | Iterable[Element]) -> Attribute:
    """The attribute at a document path, by its name in DynamoDB: `attr("basket.items[1].qty")`."""
    return Attribute(parse_path(path))

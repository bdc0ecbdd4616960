"""What a Query takes for its keys and for its filter ("Key condition expressions" and "Filter expressions" in the
DynamoDB developer guide)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..model.keys import KEY_LIMITS, KEY_NAMES
from ..model.wire import to_wire
from .conditions import And, Condition, Test, invalid, parts_of
from .operands import Ref

_OPERATORS = ("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with")


class Key(Protocol):
    """A key attribute of a table or of an index: its name in DynamoDB, its type ("S", "N" or "B")."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str: ...


def key_condition(condition: Condition, keys: Sequence[Key] | None) -> Condition:
    """The condition with the partition key before the sort key; InvalidCondition unless the one equals a value and the
    other, if it is tested, has one comparison, BETWEEN or begins_with, joined by `&`, and the values can be those of a
    key. `keys` are both of them, None if they are not known."""
    tests = [_test(part) for part in parts_of(condition, And)]
    if keys is None:
        return condition
    known = [key.name for key in keys]
    named = [_name(test) for test in tests]
    if known[0] not in named:
        raise invalid("the partition key is missing", known[0])
    for test, name in zip(tests, named, strict=True):
        if name not in known:
            raise invalid(f"no key: {' and '.join(known)} may be tested here, all else in a filter", name)
        if named.count(name) > 1:
            raise invalid("a key has one condition; between has both bounds", name)
        if name == known[0] and test.operator != "=":
            raise invalid("the partition key has to equal a value", name)
        number = known.index(name)
        _check_values(test, keys[number], KEY_LIMITS[number])
    return condition if named[0] == known[0] else And(tuple(reversed(tests)))


def _check_values(test: Test, key: Key, max_bytes: int) -> None:
    if test.operator == "begins_with" and key.type == "N":
        raise invalid("a number has no beginning", key.name)
    for value in test.values():
        if reason := key_refuses(key, value, max_bytes):
            raise invalid(reason, key.name)


def key_refuses(key: Key, value: Any, max_bytes: int) -> str | None:
    """Why no key of that type has the value, None if one may."""
    try:
        fits = key.type in to_wire(value)
    except (ValueError, TypeError):
        fits = False
    if not fits:
        return f"a {KEY_NAMES[key.type]} is needed"
    if key.type == "N":
        return None
    if not value:
        return "a key cannot be empty"
    length = len(value.encode() if isinstance(value, str) else value)
    return f"longer than {max_bytes} bytes, DynamoDB's limit" if length > max_bytes else None


def check_filter(condition: Condition, keys: Sequence[str]) -> None:
    """InvalidCondition for a filter of a query that tests a key."""
    for test in condition.tests():
        for path in (path for operand in test.operands for path in operand.reads()):
            if path.name in keys:
                raise invalid("a key of what is queried, which no filter may test", path.name)


def _test(part: Condition) -> Test:
    if not isinstance(part, Test) or part.operator not in _OPERATORS or not isinstance(part.operands[0], Ref):
        named = [str(path) for path in part.operands[0].reads()] if isinstance(part, Test) else []
        raise invalid("a key is found by eq, lt, lte, gt, gte, between and begins_with, joined by &", *named)
    return part


def _name(test: Test) -> str:
    target, *others = test.operands
    assert isinstance(target, Ref)
    if len(target.path) > 1 or any(isinstance(other, Ref) for other in others):
        raise invalid("a key is compared with values", str(target.path))
    return target.path.name

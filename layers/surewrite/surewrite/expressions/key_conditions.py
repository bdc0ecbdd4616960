"""What a Query takes for its keys and for its filter ("Key condition expressions" and "Filter expressions" in the
DynamoDB developer guide)."""

from __future__ import annotations

from collections.abc import Sequence

from .conditions import And, Condition, Test, invalid, parts_of
from .operands import Ref

_OPERATORS = ("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with")


def key_condition(condition: Condition, keys: Sequence[str] | None) -> Condition:
    """The condition with the partition key before the sort key; InvalidCondition unless the one equals a value and the
    other, if it is tested, has one comparison, BETWEEN or begins_with, joined by `&`. `keys` are the names of both,
    None if they are not known."""
    tests = [_test(part) for part in parts_of(condition, And)]
    if keys is None:
        return condition
    named = [_name(test) for test in tests]
    if keys[0] not in named:
        raise invalid("the partition key is missing", keys[0])
    for test, name in zip(tests, named, strict=True):
        if name not in keys:
            raise invalid(f"no key: {' and '.join(keys)} may be tested here, all else in a filter", name)
        if named.count(name) > 1:
            raise invalid("a key has one condition; between has both bounds", name)
        if any(value in ("", b"") for value in test.values()):
            raise invalid("a key is never empty", name)
        if name == keys[0] and test.operator != "=":
            raise invalid("the partition key has to equal a value", name)
    return condition if named[0] == keys[0] else And(tuple(reversed(tests)))


def check_filter(condition: Condition, keys: Sequence[str]) -> None:
    """InvalidCondition for a filter of a query that tests a key."""
    for test in condition.tests():
        for path in (path for operand in test.operands for path in operand.reads()):
            if path.name in keys:
                raise invalid("a key of what is queried, which no filter may test", path.name)


def _test(part: Condition) -> Test:
    if not isinstance(part, Test) or part.operator not in _OPERATORS or not isinstance(part.operands[0], Ref):
        raise invalid("a key is found by eq, lt, lte, gt, gte, between and begins_with, joined by &")
    return part


def _name(test: Test) -> str:
    target, *others = test.operands
    assert isinstance(target, Ref)
    if len(target.path) > 1 or any(isinstance(other, Ref) for other in others):
        raise invalid("a key is compared with values", str(target.path))
    return target.path.name

"""The JSON condition language, read into boto3's own conditions and written back.

    {"Price": {"eq": 10}}                                  Attr("Price").eq(10)
    {"or": [{"Stock": {"gt": 0}}, {"Tags": {"contains": "preorder"}}]}
    {"not": {"Formats.Audiobook": {"exists": true}}}
    {"Tags": {"size": {"lt": 10}}}                         Attr("Tags").size().lt(10)

Several attributes in one object, and several operators on one attribute, must all hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from boto3.dynamodb import conditions as boto
from boto3.dynamodb.conditions import Attr, AttributeBase, ConditionBase

from ..errors import InvalidCondition, InvalidRequest, Problem
from ..model.coerce import native
from ..model.fields import ALL_TYPES, ModelField, field_at
from ..model.item import VERSION, Item
from ..model.wire import Image, is_number, to_wire
from ..paths import Path
from ..paths import path as parse_path
from .operands import MISSING, look_up
from .placeholders import MAX_OPERATORS

_MAX_DEPTH = 20
_COMPARISONS: dict[str, type[ConditionBase]] = {
    "eq": boto.Equals, "ne": boto.NotEquals, "lt": boto.LessThan, "le": boto.LessThanEquals,
    "gt": boto.GreaterThan, "ge": boto.GreaterThanEquals,
}  # fmt: skip
_OPERATORS = (*_COMPARISONS, "between", "in", "begins_with", "contains", "exists", "not_exists", "type", "size")


def condition_from_json(model: type[Item], value: Any) -> ConditionBase:
    """The condition; InvalidCondition names the operator or attribute that is wrong."""
    if _leaves(value) > MAX_OPERATORS:
        raise _invalid(f"more than DynamoDB's {MAX_OPERATORS} operators", ())
    return _read(model, value, (), 0)


def _leaves(value: Any, depth: int = 0) -> int:
    """How many tests there are, at the least."""
    if depth > _MAX_DEPTH or not isinstance(value, Mapping):
        return 1
    return sum(
        sum(_leaves(part, depth + 1) for part in operand) if isinstance(operand, list) and name in ("and", "or") else 1
        for name, operand in value.items()
    )


def _read(model: type[Item], value: Any, where: tuple[str | int, ...], depth: int) -> ConditionBase:
    if not isinstance(value, Mapping) or not value:
        raise _invalid("an object with at least one condition is needed", where)
    if depth > _MAX_DEPTH:
        raise _invalid("nested too deeply", where)
    parts: list[ConditionBase] = []
    for name, operand in sorted(value.items()):
        here = (*where, name)
        if name in ("and", "or"):
            if not isinstance(operand, list) or not operand:
                raise _invalid("a list of conditions is needed", here)
            inner = [_read(model, part, (*here, index), depth + 1) for index, part in enumerate(operand)]
            parts.append(_join(inner, boto.And if name == "and" else boto.Or))
        elif name == "not":
            parts.append(~_read(model, operand, here, depth + 1))
        else:
            parts.append(_attribute_condition(model, name, operand, here))
    return _join(parts, boto.And)


def _join(parts: list[ConditionBase], operator: Callable[[Any, Any], ConditionBase]) -> ConditionBase:
    """In halves, so that a long list is no deep tree."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return operator(_join(parts[:half], operator), _join(parts[half:], operator))


def _attribute_condition(model: type[Item], name: str, tests: Any, where: tuple[str | int, ...]) -> ConditionBase:
    try:
        path = parse_path(name)
        field = field_at(model, path)
    except InvalidRequest as error:
        raise _invalid(error.problems[0].reason, where) from None
    if any(isinstance(element, str) and set(element) & set(".[]`") for element in path):
        raise _invalid("a condition cannot name an attribute with a dot, a bracket or a backtick", where)
    if not isinstance(tests, Mapping) or not tests:
        raise _invalid('operators are needed, as in {"eq": 10}', where)
    target = Attr(str(path))
    parts = [_test(target, field, operator, value, (*where, operator)) for operator, value in sorted(tests.items())]
    return _join(parts, boto.And)


def _test(target: Any, field: ModelField, operator: str, value: Any, where: tuple[str | int, ...]) -> ConditionBase:
    match operator:
        case "eq" | "ne":
            return _COMPARISONS[operator](target, _value(field, value, where))
        case "lt" | "le" | "gt" | "ge":
            return _COMPARISONS[operator](target, _in_order(_value(field, value, where), where))
        case "between":
            if not isinstance(value, list) or len(value) != 2:
                raise _invalid("[lowest, highest] is needed", where)
            low, high = (_in_order(_value(field, bound, where), where) for bound in value)
            if type(low) is not type(high):
                raise _invalid("two values of one type are needed", where)
            if _key(low) > _key(high):
                raise _invalid("the lowest value is above the highest", where)
            return boto.Between(target, low, high)
        case "in":
            if not isinstance(value, list) or not 1 <= len(value) <= 100:
                raise _invalid("a list of 1 to 100 values is needed", where)
            return boto.In(target, [_value(field, member, where) for member in value])
        case "begins_with":
            prefix = _value(field, value, where)
            if not isinstance(prefix, str | bytes):
                raise _invalid("a string or a binary value is needed", where)
            return boto.BeginsWith(target, prefix)
        case "contains":
            return boto.Contains(target, _member(field, value, where))
        case "exists" | "not_exists":
            if not isinstance(value, bool):
                raise _invalid("true or false is needed", where)
            return boto.AttributeExists(target) if value == (operator == "exists") else boto.AttributeNotExists(target)
        case "type":
            if not isinstance(value, str) or value not in ALL_TYPES:
                raise _invalid(f"one of {', '.join(sorted(ALL_TYPES))} is needed", where)
            return boto.AttributeType(target, value)
        case "size" if isinstance(value, Mapping) and value and set(value) <= {*_COMPARISONS, "between", "in"}:
            size, number = target.size(), ModelField(int)
            return _join([_test(size, number, inner, n, (*where, inner)) for inner, n in value.items()], boto.And)
        case "size":
            raise _invalid('comparisons of a number are needed, as in {"lt": 10}', where)
    raise _invalid(f"unknown operator; there are {', '.join(_OPERATORS)}", where)


def _value(field: ModelField, value: Any, where: tuple[str | int, ...]) -> Any:
    """A JSON value as one of the attribute's type; constraints do not matter, nothing is stored."""
    try:
        checked = native(ModelField(field.annotation).check(field.from_json(value), bare=True))
        to_wire(checked)
        return checked
    except InvalidRequest as error:
        raise _invalid(error.problems[0].reason, where) from None
    except (ValueError, TypeError) as error:
        raise _invalid(str(error), where) from None


def _in_order(value: Any, where: tuple[str | int, ...]) -> Any:
    """The value, if DynamoDB has an order for its type."""
    if not isinstance(value, str | bytes) and not is_number(value):
        raise _invalid("a string, a number or a binary value is needed", where)
    return value


def _member(field: ModelField, value: Any, where: tuple[str | int, ...]) -> Any:
    """A value that a set, a list or a string may contain."""
    if "BS" in field.types or field.types <= {"B", "NULL"}:
        return _value(ModelField(bytes), value, where)
    if isinstance(value, Mapping | list) or value is None:
        raise _invalid("a string, a number or a boolean is needed", where)
    return native(value)


def _invalid(reason: str, where: tuple[str | int, ...]) -> InvalidCondition:
    return InvalidCondition(Problem(where, reason))


_NAMES: dict[type[Any], str] = {
    **{kind: name for name, kind in _COMPARISONS.items()},
    boto.Between: "between", boto.In: "in", boto.BeginsWith: "begins_with", boto.Contains: "contains",
    boto.AttributeType: "type",
}  # fmt: skip


def condition_to_json(condition: ConditionBase) -> dict[str, Any]:
    """The JSON form of a boto3 condition: `condition_from_json`'s inverse for what JSON can express.

    What only Python can say (a comparison of two attributes) is written as `{"attribute": name}` in a value's place.
    """
    operands: Any = condition.get_expression()["values"]
    if isinstance(condition, boto.And | boto.Or):
        return {"and" if isinstance(condition, boto.And) else "or": [condition_to_json(part) for part in operands]}
    if isinstance(condition, boto.Not):
        return {"not": condition_to_json(operands[0])}
    target, *values = operands
    if isinstance(condition, boto.AttributeExists | boto.AttributeNotExists):
        return {target.name: {"exists": isinstance(condition, boto.AttributeExists)}}
    plain = [{"attribute": value.name} if isinstance(value, AttributeBase) else _plain(value) for value in values]
    argument = plain if isinstance(condition, boto.Between) else plain[0]
    test = {_NAMES[type(condition)]: argument}
    if isinstance(target, boto.Size):
        return {target.get_expression()["values"][0].name: {"size": test}}
    return {target.name: test}


def _plain(value: Any) -> Any:
    return [native(member) for member in value] if isinstance(value, tuple | list) else native(value)


def check_condition(model: type[Item], condition: ConditionBase) -> None:
    """InvalidCondition for an attribute that the model does not have."""
    for path in attributes_of(condition):
        try:
            if path.name != VERSION:
                field_at(model, path)
        except InvalidRequest as error:
            raise _invalid(error.problems[0].reason, (str(path),)) from None


def attributes_of(condition: ConditionBase) -> Iterator[Path]:
    """The paths that the condition looks at."""
    operands: Any = condition.get_expression()["values"]
    for value in operands:
        if isinstance(value, AttributeBase):
            yield parse_path(value.name)
        elif isinstance(value, ConditionBase):
            yield from attributes_of(value)


def present_paths(condition: ConditionBase | None) -> Iterator[Path]:
    """Paths that exist wherever the condition holds."""
    if isinstance(condition, boto.And):
        for part in condition.get_expression()["values"]:
            yield from present_paths(part)
    elif condition is not None and not isinstance(
        condition, boto.Or | boto.Not | boto.NotEquals | boto.AttributeNotExists
    ):
        yield from attributes_of(condition)


def evaluate(condition: ConditionBase, image: Image | None) -> bool:
    """Whether the condition holds for an item (None: there is none), as DynamoDB decides it."""
    operands: Any = condition.get_expression()["values"]
    if isinstance(condition, boto.And):
        return all(evaluate(part, image) for part in operands)
    if isinstance(condition, boto.Or):
        return any(evaluate(part, image) for part in operands)
    if isinstance(condition, boto.Not):
        return not evaluate(operands[0], image)
    left, *rest = (_operand(value, image or {}) for value in operands)
    if isinstance(condition, boto.AttributeExists):
        return left is not MISSING
    if isinstance(condition, boto.AttributeNotExists):
        return left is MISSING
    if isinstance(condition, boto.NotEquals):
        return left is MISSING or rest[0] is MISSING or not _equal(left, rest[0])
    if left is MISSING or any(value is MISSING for value in rest):
        return False
    return _TESTS[type(condition)](left, *rest)


def _operand(value: Any, image: Image) -> Any:
    if isinstance(value, boto.Size):
        return _size(_operand(value.get_expression()["values"][0], image))
    if isinstance(value, AttributeBase):
        return look_up(image, parse_path(value.name))
    return native(value)


def _size(value: Any) -> Any:
    if isinstance(value, str):
        return native(len(value.encode()))
    return native(len(value)) if isinstance(value, bytes | set | list | dict) else MISSING


def _equal(left: Any, right: Any) -> bool:
    """Python takes True for 1, DynamoDB does not: not even within lists and maps."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
    return bool(left == right)


def _ordered(left: Any, right: Any) -> bool:
    return type(left) is type(right) and (isinstance(left, str | bytes) or is_number(left))


def _key(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value  # DynamoDB orders strings by their UTF-8 bytes


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, str | bytes):
        return type(whole) is type(part) and part in whole  # type: ignore[operator]
    return isinstance(whole, set | list) and any(_equal(member, part) for member in whole)


_DYNAMODB_TYPES = {
    "str": "S",
    "Decimal": "N",
    "bytes": "B",
    "bool": "BOOL",
    "NoneType": "NULL",
    "list": "L",
    "dict": "M",
}


def _type_name(value: Any) -> str:
    if isinstance(value, set):
        return _DYNAMODB_TYPES[type(next(iter(value))).__name__] + "S"
    return _DYNAMODB_TYPES[type(value).__name__]


_TESTS: dict[type[Any], Callable[..., bool]] = {
    boto.Equals: _equal,
    boto.LessThan: lambda left, right: _ordered(left, right) and _key(left) < _key(right),
    boto.LessThanEquals: lambda left, right: _ordered(left, right) and _key(left) <= _key(right),
    boto.GreaterThan: lambda left, right: _ordered(left, right) and _key(left) > _key(right),
    boto.GreaterThanEquals: lambda left, right: _ordered(left, right) and _key(left) >= _key(right),
    boto.Between: lambda value, low, high: (
        _ordered(low, value) and _ordered(value, high) and _key(low) <= _key(value) <= _key(high)
    ),
    boto.In: lambda value, choices: any(_equal(value, choice) for choice in choices),
    boto.BeginsWith: lambda value, prefix: (
        isinstance(value, str | bytes) and type(value) is type(prefix) and value[: len(prefix)] == prefix
    ),
    boto.Contains: _contains,
    boto.AttributeType: lambda value, name: _type_name(value) == name,
}

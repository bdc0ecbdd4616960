"""Conditions in the notation of the JSON language, for tests to compare and to show."""

from typing import Any

from surewrite.expressions.conditions import And, Condition, Not, Or, Test
from surewrite.expressions.operands import Operand, Ref, Size, Value

_OPERATORS = {
    "=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "BETWEEN": "between", "IN": "in",
    "attribute_type": "type",
}  # fmt: skip


def condition_to_json(condition: Condition) -> dict[str, Any]:
    """What only Python can say, a comparison of two attributes, has `{"attribute": name}` in a value's place."""
    match condition:
        case And(parts=parts):
            return {"and": list(map(condition_to_json, parts))}
        case Or(parts=parts):
            return {"or": list(map(condition_to_json, parts))}
        case Not(part=part):
            return {"not": condition_to_json(part)}
        case Test(operator=operator, operands=(target, *others)):
            test = _test(operator, list(map(_plain, others)))
            if isinstance(target, Size):
                return {str(target.path): {"size": test}}
            assert isinstance(target, Ref)
            return {str(target.path): test}
    raise TypeError(condition)


def _test(operator: str, values: list[Any]) -> dict[str, Any]:
    if operator in ("attribute_exists", "attribute_not_exists"):
        return {"exists": operator == "attribute_exists"}
    name = _OPERATORS.get(operator, operator)
    return {name: values if name in ("between", "in") else values[0]}


def _plain(operand: Operand) -> Any:
    if isinstance(operand, Value):
        return operand.value
    assert isinstance(operand, Ref)
    return {"attribute": str(operand.path)}

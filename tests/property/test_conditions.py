"""`evaluate` against the real engine, and conditions from JSON and back."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from surewrite import attr
from surewrite.errors import InvalidCondition
from surewrite.expressions.condition_json import condition_from_json
from surewrite.expressions.conditions import Condition
from surewrite.expressions.evaluate import evaluate
from surewrite.expressions.operands import MISSING, look_up
from surewrite.model.wire import Image
from surewrite.paths import path
from tests.conditions import condition_to_json
from tests.property.engine import Engine
from tests.property.strategies import FIELDS, OF_KIND, Thing, anything, blobs, images, indexes, numbers, texts

_ORDERED = (OF_KIND["N"], OF_KIND["S"], OF_KIND["B"])

_leaf_paths = st.one_of(
    st.sampled_from([*FIELDS, "part.n", "part.words"]),
    st.builds("items[{}]".format, indexes),
    st.builds("parts[{}].n".format, indexes),
    st.sampled_from(["map.x", "map.y", "free.x", "free.y", "free.size", "free.x[0]", "free.y.x"]),
)


_TYPES = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"]
_members = st.one_of(OF_KIND["N"], OF_KIND["S"], OF_KIND["B"], st.sampled_from(["a", "b", b"a", 1, 0, True]))


_OPERATORS = (
    "eq", "ne", "lt", "lte", "gt", "gte", "between", "is_in", "begins_with", "contains", "exists", "not_exists",
    "attribute_type", "size", "attribute",
)  # fmt: skip


def _pairs(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(members, members)


@st.composite
def operators(draw: Callable[..., Any], image: Image) -> Any:
    """One operator on one path, with an operand of a type that DynamoDB takes: often the very value that is there."""
    name = draw(_leaf_paths)
    target: Any = attr(name)
    there = look_up(image, path(name))
    near: list[Any] = [] if there is MISSING else [st.just(there)]
    comparable = [*near] if isinstance(there, str | bytes | Decimal) else []
    match draw(st.sampled_from(_OPERATORS)):
        case "eq" | "ne" as operator:
            return getattr(target, operator)(draw(st.one_of(*near, OF_KIND[FIELDS.get(name, "N")], anything)))
        case "lt" | "lte" | "gt" | "gte" as operator:
            return getattr(target, operator)(draw(st.one_of(*comparable, *_ORDERED)))
        case "between":
            return target.between(*sorted(draw(st.sampled_from(_ORDERED).flatmap(_pairs))))
        case "is_in":
            return target.is_in([draw(anything), draw(st.one_of(*near, anything))])
        case "begins_with":
            text = draw(st.one_of(*(near if isinstance(there, str | bytes) else []), texts, blobs))
            return target.begins_with(text[: draw(st.integers(0, 2))])
        case "contains":
            return target.contains(draw(_members))
        case "attribute_type":
            return target.attribute_type(draw(st.sampled_from(_TYPES)))
        case "size":
            method = draw(st.sampled_from(["eq", "lt", "lte", "gt", "gte"]))
            return getattr(target.size(), method)(draw(st.integers(0, 4) | st.just(attr("n"))))
        case "attribute":
            method = draw(st.sampled_from(["eq", "ne", "lt", "gte"]))
            return getattr(target, method)(attr(draw(_leaf_paths.filter(lambda other: other != name))))
        case operator:
            return getattr(target, operator)()


@st.composite
def cases(draw: Callable[..., Any]) -> tuple[Image | None, Condition]:
    """An item, or none, and a condition of one to three operators."""
    image = draw(images() | st.none())
    condition: Condition = draw(operators(image or {}))
    for connective in draw(st.lists(st.sampled_from(["and", "or", "not"]), max_size=2)):
        match connective:
            case "and":
                condition = condition & draw(operators(image or {}))
            case "or":
                condition = draw(operators(image or {})) | condition
            case _:
                condition = ~condition
    return image, condition


@given(case=cases())
def test_evaluate_is_the_engines_verdict(engine: Engine, case: tuple[Image | None, Condition]) -> None:
    image, condition = case
    engine.store(image)
    assert evaluate(condition, image) == engine.holds(condition), condition_to_json(condition)


_json_values = st.recursive(
    st.one_of(numbers, texts, st.booleans(), st.none(), st.sampled_from(["N", "M", "a", "/w=="])),
    lambda inner: st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.sampled_from(["lt", "eq"]), inner),
    max_leaves=3,
)
_json_operators = st.sampled_from(
    ["eq", "ne", "lt", "ge", "between", "in", "begins_with", "contains", "exists", "not_exists", "type", "size"]
)
_json_conditions = st.dictionaries(
    _leaf_paths, st.dictionaries(_json_operators, _json_values, min_size=1, max_size=2), min_size=1, max_size=2
)


@given(image=images(), json=_json_conditions)
def test_what_is_read_from_json_is_taken_by_the_engine(engine: Engine, image: Image, json: dict[str, Any]) -> None:
    try:
        condition = condition_from_json(Thing, json)
    except InvalidCondition:
        event("refused")
        return
    engine.store(image)
    assert evaluate(condition, image) == engine.holds(condition)

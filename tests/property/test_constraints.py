"""The condition of a write that is not read first: exactly as strict as the model."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

from hypothesis import event, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from surewrite import Item, PartitionKey, Update, apply, attr
from surewrite.errors import InvalidItem, InvalidUpdate
from surewrite.expressions.actions import Action
from surewrite.expressions.constraints import NeedsRead, constraint_of
from surewrite.expressions.evaluate import evaluate
from surewrite.model.wire import Image
from surewrite.paths import path
from tests.models import Span
from tests.property.strategies import KEY, distinct


class Stage(BaseModel):
    votes: Annotated[int, Field(ge=0)] = 0


class Limited(Item, table="Limited"):
    id: PartitionKey[str]
    must: Annotated[int, Field(ge=1)]
    stock: int = Field(default=0, ge=0)
    room: int = Field(default=4, le=4)
    share: Annotated[Decimal, Field(gt=-1, lt=Decimal("2.5"))] = Decimal(0)
    rest: Annotated[Decimal, Field(gt=-1, lt=Decimal("2.5"))] = Decimal(0)
    age: Annotated[int, Field(ge=0, le=5)] | None = None
    level: Literal[1, 2, 3] = 1
    even: int = Field(default=0, multiple_of=2)
    counts: dict[str, Annotated[int, Field(ge=0)]] = {}
    optional_counts: list[Annotated[int, Field(ge=0)] | None] = []
    either: Annotated[int, Field(ge=0)] | str = 0
    span: Span = Span()
    maybe: Span | None = None
    stages: list[Stage] = []
    few: list[int] = Field(default=[], max_length=3)
    some: list[int] = []
    tags: set[str] = set()
    two: set[str] = Field(default=set(), max_length=2)


_tags = st.sets(st.sampled_from("abc"), min_size=1)
_span = st.tuples(st.integers(0, 3), st.integers(3, 6)).map(lambda pair: {"low": pair[0], "high": pair[1]})
_count = st.integers(0, 3)
_share = st.sampled_from([Decimal(text) for text in ("-0.9", "0", "1", "2.4", "2.49")])
VALID: dict[str, st.SearchStrategy[Any]] = {
    "must": st.integers(1, 4),
    "stock": _count,
    "room": st.integers(-2, 4),
    "share": _share,
    "rest": _share,
    "age": st.integers(0, 5) | st.none(),
    "level": st.integers(1, 3),
    "even": st.sampled_from([0, 2, 4]),
    "counts": st.dictionaries(st.sampled_from("xy"), _count),
    "optional_counts": st.lists(_count | st.none(), max_size=2),
    "either": _count | st.just("x"),
    "span": _span,
    "maybe": _span | st.none(),
    "stages": st.lists(st.fixed_dictionaries({}, optional={"votes": _count}), max_size=2),
    "few": st.lists(st.integers(0, 2), max_size=3),
    "some": st.lists(st.integers(0, 2), max_size=3),
    "tags": _tags,
    "two": _tags.filter(lambda tags: len(tags) < 3),
}
_NUMBERS = [
    "must", "stock", "room", "share", "rest", "age", "level", "even", "counts.x", "optional_counts[0]", "either",
    "span.low", "maybe.low", "stages[0].votes", "stages[1].votes", "few[0]", "some[1]",
]  # fmt: skip
_SETS, _LISTS = ["tags", "two"], ["few", "some"]
_REMOVABLE = ["stock", "age", "counts.x", "few[0]", "stages[0]", "tags", "maybe.low", "span", "optional_counts[0]"]


@st.composite
def items(draw: Callable[..., Any]) -> Image:
    """A valid item without some of the attributes that may be missing."""
    absent = draw(st.sets(st.sampled_from(sorted(VALID.keys() - {"must"})), max_size=6))
    image = {**KEY, **{name: _exact(draw(VALID[name])) for name in VALID if name not in absent}}
    Limited.from_image(image)
    return image


def _exact(value: Any) -> Any:
    """Numbers as they stand in an image."""
    if isinstance(value, dict):
        return {name: _exact(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_exact(member) for member in value]
    return Decimal(value) if isinstance(value, int) else value


@st.composite
def actions(draw: Callable[..., Any]) -> Action:
    number = attr(draw(st.sampled_from(_NUMBERS)))
    other = attr({"share": "rest", "rest": "share"}.get(str(number.path), draw(st.sampled_from(_NUMBERS))))
    fraction = str(number.path) in ("share", "rest")
    amount: Any = draw(st.sampled_from(["-1", "-0.1", "0.1", "2.5"]).map(Decimal) if fraction else st.integers(-4, 4))
    members, target = attr(draw(st.sampled_from(_SETS))), attr(draw(st.sampled_from(_LISTS)))
    choices: list[Callable[[], Action]] = [
        lambda: number.add(amount),
        lambda: number.increment(amount),
        lambda: number.set(number - amount),
        lambda: number.set(other + amount),
        lambda: number.set(amount - other),
        lambda: number.set(number.if_not_exists(amount) + draw(st.integers(-3, 3))),
        lambda: number.set(other.if_not_exists(1) - amount),
        lambda: number.set(amount),
        lambda: number.default(amount),
        lambda: number.set(other.if_not_exists(amount)),
        lambda: attr("span").set(attr("maybe")),
        lambda: members.add(draw(_tags)),
        lambda: members.delete(draw(_tags)),
        lambda: members.set(attr(draw(st.sampled_from(_SETS)))),
        lambda: target.append(draw(st.lists(st.integers(0, 2), min_size=1, max_size=2))),
        lambda: target.set(attr(draw(st.sampled_from(_LISTS)))),
        lambda: attr(draw(st.sampled_from(_REMOVABLE))).remove(),
    ]
    make: Callable[[], Action] = draw(st.sampled_from([*choices[:3] * 3, *choices]))
    return make()


def is_valid(image: Image) -> bool:
    try:
        Limited.from_image(image)
    except InvalidItem:
        return False
    return True


@given(image=items() | st.none(), drawn=st.lists(actions(), min_size=1, max_size=2).map(distinct))
def test_the_guard_holds_where_the_new_item_is_valid(image: Image | None, drawn: list[Action]) -> None:
    try:
        update = Update.build(Limited, drawn, present=[path("maybe")])
        condition = constraint_of(Limited, update)
        new = apply(update, {**KEY, **(image or {})})
    except InvalidUpdate:
        return  # refused as it stands, or by DynamoDB
    except NeedsRead:
        return
    holds = condition is None or evaluate(condition, image)
    event(f"holds: {holds}")
    assert holds == is_valid(new)

"""The model's limits as a condition; the property tests check that it is exactly as strict as the model."""

from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, Literal, NotRequired, Self

import pytest
from pydantic import AfterValidator, Field, field_validator, model_validator
from typing_extensions import TypedDict

from surewrite import Item, PartitionKey, Update, attr
from surewrite.expressions.actions import Action
from surewrite.expressions.constraints import NeedsRead, constraint_of
from surewrite.paths import path
from tests.conditions import condition_to_json
from tests.models import Book, Span

A: Any = attr
LONG = 12345678901234567890123456789012345678


class Row(TypedDict):
    number: int
    note: NotRequired[str]


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Limited(Item, table="Limited"):
    id: PartitionKey[str]
    free: int = 0
    ge: int = Field(default=0, ge=0)
    gt: int = Field(default=1, gt=0)
    le: Decimal = Field(default=Decimal(0), le=Decimal("2.5"))
    lt: float = Field(default=0, lt=2.5)
    both: Annotated[int, Field(ge=-2, le=5)] = 0
    other: Annotated[int, Field(ge=-2, le=5)] = 0
    optional: Annotated[int, Field(ge=0)] | None = None
    even: int = Field(default=0, multiple_of=2)
    odd: Annotated[int, AfterValidator(lambda value: value)] = 1
    checked: int = 0
    choice: Literal[1, 2] = 1
    level: Level = Level.LOW
    either: Annotated[int, Field(ge=0)] | str = 0
    counts: dict[str, Annotated[int, Field(ge=0)]] = {}
    unsure: list[Annotated[int, Field(ge=0)] | None] = []
    capped: dict[str, int] = Field(default={}, max_length=2)
    span: Span = Span()
    maybe: Span | None = None
    row: Row = {"number": 0}
    pair: tuple[int, int] = (0, 0)
    few: list[int] = Field(default=[], max_length=3)
    many: list[int] = []
    more: list[int] = []
    tags: set[str] = set()
    two: set[str] = Field(default=set(), max_length=2)

    @field_validator("checked")
    @classmethod
    def _any(cls, value: int) -> int:
        return value


ALWAYS, READ = None, "read"


@pytest.mark.parametrize(
    ("action", "condition"),
    [
        # a missing number counts as 0
        (attr("free").add(-9), ALWAYS),
        (attr("ge").add(3), ALWAYS),
        (attr("ge").add(-3), A("ge").gte(3)),
        (attr("gt").add(3), ALWAYS),
        (attr("gt").add(-3), A("gt").gt(3)),
        (attr("gt").add(0), A("gt").exists()),
        (attr("le").add(-3), ALWAYS),
        (attr("le").add(Decimal("2.5")), A("le").not_exists() | A("le").lte(0)),
        (attr("le").add(3), A("le").lte(Decimal("-0.5"))),
        (attr("lt").add(2), A("lt").not_exists() | A("lt").lt(Decimal("0.5"))),
        (attr("lt").add(2.5), A("lt").lt(0)),
        (attr("both").add(-2), A("both").not_exists() | A("both").gte(0)),
        (attr("both").add(-3), A("both").gte(1)),
        (attr("both").add(5), A("both").not_exists() | A("both").lte(0)),
        (attr("both").add(6), A("both").lte(-1)),
        (attr("optional").add(-1), A("optional").gte(1)),
        (attr("ge").add(-LONG), A("ge").gte(LONG)),
        (attr("le").add(Decimal(LONG)), READ),
        (attr("counts.x").add(-1), A("counts.x").gte(1)),
        (attr("unsure[0]").add(-1), A("unsure[0]").gte(1)),
        # SET needs the number to be there
        (attr("ge").increment(3), ALWAYS),
        (attr("ge").increment(-3), A("ge").gte(3)),
        (attr("ge").set(attr("ge") - 3), A("ge").gte(3)),
        (attr("ge").set(attr("ge") - LONG), A("ge").gte(LONG)),
        (attr("both").set(attr("other") + 2), A("other").lte(3)),
        (attr("both").set(attr("other").if_not_exists(4) + 2), A("other").lte(3)),
        (attr("both").set(attr("other").if_not_exists(3) + 2), A("other").not_exists() | A("other").lte(3)),
        (attr("ge").set(attr("free") + 2), READ),
        (attr("ge").set(5 - attr("ge")), READ),
        (attr("ge").set(attr("ge") + attr("ge")), READ),
        # values have been validated, and those of a place with the same limits as well
        (attr("both").set(3), ALWAYS),
        (attr("even").set(2), ALWAYS),
        (attr("both").default(3), ALWAYS),
        (attr("both").set(attr("other")), ALWAYS),
        (attr("ge").set(attr("free")), READ),
        (attr("both").set(attr("other").if_not_exists(1)), READ),
        (attr("span").set({"low": 1, "high": 2}), ALWAYS),
        # what no condition can say
        (attr("even").add(2), READ),
        (attr("odd").add(2), READ),
        (attr("checked").add(2), READ),
        (attr("checked").set(2), READ),
        (attr("choice").add(1), READ),
        (attr("level").add(1), READ),
        (attr("either").add(1), READ),
        (attr("span.low").set(1), READ),
        (attr("span.low").add(1), READ),
        (attr("span.low").remove(), READ),
        (attr("maybe.low").set(1), READ),
        (attr("capped.x").set(1), READ),
        (attr("row.number").set(1), ALWAYS),
        (attr("row.note").remove(), ALWAYS),
        (attr("pair[0]").remove(), READ),
        # lists and sets
        (attr("many").append([1]), ALWAYS),
        (attr("many").set(attr("more")), ALWAYS),
        (attr("few").append([1]), READ),
        (attr("few[0]").set(1), READ),
        (attr("few[0]").remove(), READ),
        (attr("many[0]").remove(), ALWAYS),
        (attr("tags").add({"a"}), ALWAYS),
        (attr("tags").delete({"a"}), ALWAYS),
        (attr("two").add({"a"}), READ),
        (attr("two").delete({"a"}), READ),
        (attr("ge").remove(), ALWAYS),
    ],
    ids=lambda value: f"{value.label} {value.path}" if isinstance(value, Action) else "",
)
def test_the_condition_of_one_action(action: Action, condition: Any) -> None:
    update = Update.build(Limited, [action], present=[path("maybe")])
    if condition is READ:
        with pytest.raises(NeedsRead):
            constraint_of(Limited, update)
        return
    guarded = constraint_of(Limited, update)
    assert (guarded and condition_to_json(guarded)) == (condition and condition_to_json(condition))


def test_the_conditions_of_several_actions_are_joined() -> None:
    condition = constraint_of(
        Book, Update.build(Book, [attr("Stock").add(-1), attr("Views").add(1), attr("Price").add(-2)])
    )
    assert condition is not None
    assert condition_to_json(condition) == {"and": [{"Price": {"ge": 2}}, {"Stock": {"ge": 1}}]}


def test_several_updates_are_bounded_at_every_step() -> None:
    steps = [Update.build(Limited, [attr("both").add(amount)]) for amount in (-1, 3, -4)]
    condition = constraint_of(Limited, *steps)
    assert condition is not None
    assert condition_to_json(condition) == condition_to_json(
        A("both").not_exists() | (A("both").gte(0) & A("both").lte(3))
    )


class Required(Item, table="Required"):
    id: PartitionKey[str]
    name: str
    tags: set[str]
    count: int = 0


EXISTS = condition_to_json(A("id").exists())


@pytest.mark.parametrize(
    ("actions", "condition"),
    [
        ([attr("count").add(1)], EXISTS),
        ([attr("name").set("n")], EXISTS),
        ([attr("name").default("n"), attr("tags").add({"a"})], None),
        ([attr("name").set("n"), attr("tags").set({"a"}), attr("count").add(1)], None),
    ],
)
def test_an_update_does_not_create_an_item_without_what_it_requires(actions: list[Action], condition: Any) -> None:
    guarded = constraint_of(Required, Update.build(Required, actions))
    assert (guarded and condition_to_json(guarded)) == condition


def test_the_last_member_of_a_required_set_needs_the_item() -> None:
    with pytest.raises(NeedsRead):
        constraint_of(Required, Update.build(Required, [attr("tags").delete({"a"})]))


def test_validators_across_attributes_need_the_item() -> None:
    class Across(Item, table="Across"):
        id: PartitionKey[str]
        low: int = 0
        high: int = 0

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            return self

    with pytest.raises(NeedsRead):
        constraint_of(Across, Update.build(Across, [attr("low").set(1)]))

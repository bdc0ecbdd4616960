"""What is refused when an update is built, with the path named."""

import time
from typing import Annotated, Any, NotRequired

import pytest
from pydantic import Field, field_validator
from typing_extensions import TypedDict

from surewrite import Item, PartitionKey, Update, attr
from surewrite.errors import InvalidUpdate, Problem
from surewrite.expressions.actions import Action
from surewrite.expressions.operands import IfNotExists, ListAppend, Value
from surewrite.paths import path
from surewrite.requests import UpdateBody
from tests.models import Book
from tests.unit.samples import Sample

NOTHING = "the model has nothing at this path"
KEY = "part of the primary key, which never changes"
REMEDY = "work may be missing, then this path leads nowhere; set work as a whole, or add the condition that it exists"


@pytest.mark.parametrize(
    ("action", "section", "where", "reason"),
    [
        # unknown attributes
        (attr("count").add(1), "add", "count", "unknown attribute, did you mean Count?"),
        (attr("nmae").set("x"), "set", "nmae", "unknown attribute, did you mean name?"),
        (attr("zzz.a").remove(), "remove", "zzz.a", "unknown attribute"),
        (attr("home.town").set("x"), "set", "home.town", NOTHING),
        (attr("places[0].town").set("x"), "set", "places[0].town", NOTHING),
        (attr("home[0]").set("x"), "set", "home[0]", NOTHING),
        (attr("places.city").set("x"), "set", "places.city", NOTHING),
        (attr("name.first").set("x"), "set", "name.first", NOTHING),
        (attr("prices.a.b").set(1), "set", "prices.a.b", NOTHING),
        (attr("words[0]").remove(), "remove", "words[0]", NOTHING),
        (attr("price").set(attr("zzz")), "set", "price", "unknown attribute"),
        # the key and the version
        (attr("id").set("b"), "set", "id", KEY),
        (attr("at").add(1), "add", "at", KEY),
        (attr("id").remove(), "remove", "id", KEY),
        (attr("_v").set("x"), "set", "_v", "reserved for the item's version"),
        # values of the wrong type
        (
            attr("Count").set("x"),
            "set",
            "Count",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        (attr("Count").set(-1), "set", "Count", "Input should be greater than or equal to 0"),
        (attr("Count").set(None), "set", "Count", "Input should be a valid integer"),
        (attr("Count").default(-1), "default", "Count", "Input should be greater than or equal to 0"),
        (attr("name").set(5), "set", "name", "Input should be a valid string"),
        (attr("words").set("ab"), "set", "words", "Input should be a valid set"),
        (
            attr("items[0]").set("x"),
            "set",
            "items[0]",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        (
            attr("places[0]").set({"city": "Oslo", "floor": "x"}),
            "set",
            "places[0]",
            "Input should be a valid integer, unable to parse string as an integer",
        ),
        (attr("places").append([{"city": 1}]), "append", "places", "Input should be a valid string"),
        (attr("price").set("1" * 39), "set", "price", "more than 38 significant digits"),
        (attr("extras.x").set(object()), "set", "extras.x", "Unable to serialize unknown type: <class 'object'>"),
        # actions on values of another type
        (attr("name").add(1), "add", "name", "name holds a string, a number is needed"),
        (
            attr("name").add({"a"}),
            "add",
            "name",
            "name holds a string, a set of strings or a set of numbers or a set of binary values is needed",
        ),
        (attr("Count").add("1"), "add", "Count", "a number or a set is needed"),
        (attr("Count").add(True), "add", "Count", "a number or a set is needed"),
        (attr("Count").add([1]), "add", "Count", "a number or a set is needed"),
        (
            attr("Count").add(1.5),
            "add",
            "Count",
            "Input should be a valid integer, got a number with a fractional part",
        ),
        (attr("words").add(1), "add", "words", "words holds a set of strings, a number is needed"),
        (attr("words").add({1}), "add", "words", "Input should be a valid string"),
        (
            attr("extras.x").add({1, "a"}),
            "add",
            "extras.x",
            "the members of a set must all be strings, all numbers or all bytes",
        ),
        (attr("words").delete({1}), "delete", "words", "Input should be a valid string"),
        (attr("words").delete("a"), "delete", "words", "a set is needed"),
        (
            attr("Count").delete({1}),
            "delete",
            "Count",
            "Count holds a number, a set of strings or a set of numbers or a set of binary values is needed",
        ),
        (attr("name").increment(1), "increment", "name", "arithmetic needs a number, this is a string"),
        (attr("Count").increment("1"), "increment", "Count", "arithmetic needs a number"),
        (attr("Count").set(attr("name") + 1), "set", "Count", "name holds a string, a number is needed"),
        (attr("Count").set(attr("Count") + 1 + 1), "set", "Count", "DynamoDB allows one + or - in an assignment"),
        (attr("Count").set(attr("name")), "set", "Count", "name holds a string, a number is needed"),
        (attr("Count").set(attr("name").if_not_exists(1)), "set", "Count", "name holds a string, a number is needed"),
        (attr("name").append(["x"]), "append", "name", "appending needs a list, this is a string"),
        (attr("words").append(["x"]), "append", "words", "appending needs a list, this is a set of strings"),
        (attr("items").append(1), "append", "items", "a list of the elements to append is needed"),
        (attr("items").prepend({1}), "prepend", "items", "a list of the elements to append is needed"),
        # empty sets
        (attr("words").add(set()), "add", "words", "a set cannot be empty"),
        (attr("words").delete(set()), "delete", "words", "a set cannot be empty"),
        (attr("words").set(set()), "set", "words", "a set cannot be empty; remove the attribute instead"),
        (attr("words").set([]), "set", "words", "a set cannot be empty"),
        (attr("extras.x").set({"deep": [set()]}), "set", "extras.x", "a set cannot be empty"),
        # what the model requires
        (attr("name").remove(), "remove", "name", "the model requires it, it cannot be removed"),
        (attr("places[0].city").remove(), "remove", "places[0].city", "the model requires it, it cannot be removed"),
        # parents that may be missing
        (attr("work.city").set("Bonn"), "set", "work.city", REMEDY),
        (attr("work.labels").add({"a"}), "add", "work.labels", REMEDY),
        (attr("work.floor").remove(), "remove", "work.floor", REMEDY),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(action: Action, section: str, where: str, reason: str) -> None:
    with pytest.raises(InvalidUpdate) as caught:
        Update.build(Sample, [action])
    (problem,) = caught.value.problems
    assert (problem.location[:2], problem.reason) == ((section, where), reason)


def test_a_problem_leads_into_the_value() -> None:
    actions = [attr("places").append([{"city": "Oslo"}, {"city": 1}]), attr("home").set({"city": "x", "floor": "y"})]
    with pytest.raises(InvalidUpdate) as caught:
        Update.build(Sample, actions)
    assert [problem.pointer for problem in caught.value.problems] == ["/set/home/floor", "/append/places/1/city"]


@pytest.mark.parametrize(
    ("paths", "problems"),
    [
        (["home", "home.city"], [Problem(("set", "home"), "overlaps with home.city")]),
        (["places[0].city", "places"], [Problem(("set", "places"), "overlaps with places[0].city")]),
        (["places[0]", "places[0].city"], [Problem(("set", "places[0]"), "overlaps with places[0].city")]),
        (["home.city", "home.city"], [Problem(("set", "home.city"), "more than one action on this path")]),
        (["extras", "extras.a", "extras.b"], [Problem(("set", "extras"), "overlaps with extras.a")]),
    ],
)
def test_overlapping_paths(paths: list[str], problems: list[Problem]) -> None:
    actions = [attr(text).set(attr(text)) for text in paths]
    with pytest.raises(InvalidUpdate) as caught:
        Update.build(Sample, actions)
    assert list(caught.value.problems) == problems


@pytest.mark.parametrize("paths", [["home.city", "home.floor"], ["items[1]", "items[10]"], ["extras.a", "extras.ab"]])
def test_neighbours_do_not_overlap(paths: list[str]) -> None:
    assert len(Update.build(Sample, [attr(text).set(attr(text)) for text in paths]).actions) == 2


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidUpdate) as caught:
        Update.build(
            Sample, [attr("id").set("x"), attr("zzz").remove(), attr("words").add(set()), attr("name").set("n")]
        )
    assert [problem.location for problem in caught.value.problems] == [
        ("set", "id"),
        ("remove", "zzz"),
        ("add", "words"),
    ]


def test_an_update_needs_an_action() -> None:
    with pytest.raises(InvalidUpdate, match="an update needs at least one action"):
        Update.build(Sample, [])


@pytest.mark.parametrize("proof", ["work", "work.labels", "work.city"])
def test_a_parent_that_is_proven_may_be_led_through(proof: str) -> None:
    Update.build(Sample, [attr("work.city").set("Bonn")], present=[path(proof)])


def test_another_proof_is_none() -> None:
    with pytest.raises(InvalidUpdate, match="work may be missing"):
        Update.build(Sample, [attr("work.city").set("Bonn")], present=[path("home"), path("works.city")])


class Row(TypedDict):
    number: int
    note: NotRequired[Annotated[str, Field(max_length=2)]]


class Checked(Item, table="Checked"):
    id: PartitionKey[str]
    row: Row = {"number": 0}
    even: int = 0
    short: list[Annotated[str, Field(max_length=2)]] = Field(default=[], max_length=2)

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("not even")
        return value


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (attr("short").set(["a", "b", "c"]), "List should have at most 2 items after validation, not 3"),
        (attr("row.note").set("abc"), "String should have at most 2 characters"),
        (attr("row.number").set("x"), "Input should be a valid integer, unable to parse string as an integer"),
        (attr("row.number").remove(), "the model requires it, it cannot be removed"),
        (attr("row.no").set(1), NOTHING),
        (attr("short[0]").set("abc"), "String should have at most 2 characters"),
        (attr("short").append(["abc"]), "String should have at most 2 characters"),
    ],
)
def test_constraints_hold_for_the_values_of_a_request(action: Action, reason: str) -> None:
    with pytest.raises(InvalidUpdate) as caught:
        Update.build(Checked, [action])
    assert [problem.reason for problem in caught.value.problems] == [reason]


def test_an_increment_is_not_a_value(subtests: Any) -> None:
    # -1 is no Stock, but what is added to one
    for action in (attr("Stock").add(-1), attr("Stock").increment(-1), attr("Stock").set(attr("Stock") - 100)):
        with subtests.test(action=str(action)):
            Update.build(Book, [action])


@pytest.mark.parametrize(
    ("operand", "reason"),
    [
        (attr("Count").if_not_exists(attr("Count") + 4), "DynamoDB does not allow arithmetic within if_not_exists"),
        (attr("Count") + (attr("Count") + 1), "DynamoDB allows one + or - in an assignment"),
        (attr("Count").if_not_exists(attr("Count")), "the default in if_not_exists must be another path than Count"),
        (
            attr("Count").if_not_exists(attr("Count")) + 1,
            "the default in if_not_exists must be another path than Count",
        ),
    ],
)
def test_operands_that_no_expression_can_have(operand: Any, reason: str) -> None:
    with pytest.raises(InvalidUpdate) as caught:
        Update.build(Sample, [attr("Count").set(operand)])
    assert caught.value.problems[0].reason == reason


def test_lists_are_not_appended_within_other_functions() -> None:
    inner = ListAppend(attr("items"), Value([1]))
    for operand, within in (
        (ListAppend(inner, Value([2])), "list_append"),
        (ListAppend(Value([2]), inner), "list_append"),
        (IfNotExists(path("items"), inner), "if_not_exists"),
    ):
        with pytest.raises(InvalidUpdate, match=f"DynamoDB does not allow list_append within {within}"):
            Update.build(Sample, [attr("items").set(operand)])


@pytest.mark.parametrize("count", [300, 55_000])
def test_more_actions_than_an_expression_can_hold_are_refused_at_once(count: int) -> None:
    body = UpdateBody.model_validate({"set": {f"extras.k{n}": 1 for n in range(count)}})
    begun = time.perf_counter()
    with pytest.raises(InvalidUpdate, match=f"{count} actions, DynamoDB's expressions have at most 299"):
        body.bind(Sample, ("a", 1))
    assert time.perf_counter() - begun < 0.5


def test_half_a_surrogate_pair_is_no_value() -> None:
    for action in (attr("name").set("\ud800"), attr("words").add({"\ud800"}), attr("extras").set({"\ud800": 1})):
        with pytest.raises(InvalidUpdate, match="half a surrogate pair"):
            Update.build(Sample, [action])

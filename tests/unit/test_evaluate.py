"""Fixed examples; the property tests compare generated ones with the engine."""

from decimal import Decimal
from typing import Any

import pytest

from surewrite import Update, apply, attr
from surewrite.errors import InvalidUpdate, Problem
from surewrite.expressions.actions import Action
from surewrite.expressions.evaluate import ReturnValues, returned
from surewrite.expressions.projection import project
from surewrite.model.wire import Image
from surewrite.paths import path
from tests.unit.samples import Sample

N = Decimal
IMAGE: Image = {
    "id": "a",
    "at": N(1),
    "Count": N(5),
    "words": {"a", "b"},
    "items": [N(1), N(2), N(3)],
    "places": [{"city": "Rome", "floor": N(1)}, {"city": "Oslo"}],
    "home": {"city": "Bonn", "floor": N(0)},
    "extras": {"text": "t", "null": None},
}


def update(*actions: Action) -> Update:
    return Update.build(Sample, actions)


@pytest.mark.parametrize(
    ("actions", "changes"),
    [
        ([attr("name").set("x")], {"name": "x"}),
        ([attr("Count").add(2)], {"Count": N(7)}),
        ([attr("price").add(2)], {"price": N(2)}),
        ([attr("words").add({"c"})], {"words": {"a", "b", "c"}}),
        ([attr("numbers").add({1})], {"numbers": {N(1)}}),
        ([attr("words").delete({"b", "z"})], {"words": {"a"}}),
        ([attr("words").delete({"a", "b"})], {"words": None}),
        ([attr("blobs").delete({b"a"})], {}),
        ([attr("price").remove()], {}),
        ([attr("home.floor").remove()], {"home": {"city": "Bonn"}}),
        ([attr("home.labels").remove()], {}),
        ([attr("items").append([4])], {"items": [N(1), N(2), N(3), N(4)]}),
        ([attr("items").prepend([0])], {"items": [N(0), N(1), N(2), N(3)]}),
        ([attr("extras.list").append(["x"])], {"extras": {"text": "t", "null": None, "list": ["x"]}}),
        ([attr("Count").default(9), attr("price").default(9)], {"price": N(9)}),
        ([attr("extras.null").default(9)], {}),
        # every operand is the item as it was
        (
            [attr("Count").set(attr("items[0]")), attr("items[0]").set(attr("Count"))],
            {"Count": N(1), "items": [N(5), N(2), N(3)]},
        ),
        ([attr("price").set(attr("Count") - 6)], {"price": N(-1)}),
        ([attr("price").set(10 - attr("Count").if_not_exists(0))], {"price": N(5)}),
        ([attr("price").set(attr("Count") - N("1" * 38))], {"price": N("-" + "1" * 36 + "06")}),
        # list indexes mean the elements as they were
        ([attr("items[0]").remove(), attr("items[2]").remove()], {"items": [N(2)]}),
        ([attr("items[0]").remove(), attr("items[1]").set(9)], {"items": [N(9), N(3)]}),
        ([attr("items[7]").remove()], {}),
        # beyond the end is at the end, in the order of the indexes
        ([attr("items[9]").set(9), attr("items[5]").set(5)], {"items": [N(1), N(2), N(3), N(5), N(9)]}),
        ([attr("items[9]").set(9), attr("items[0]").remove()], {"items": [N(2), N(3), N(9)]}),
        (
            [attr("places[1].floor").set(3)],
            {"places": [{"city": "Rome", "floor": N(1)}, {"city": "Oslo", "floor": N(3)}]},
        ),
    ],
)
def test_apply(actions: list[Action], changes: dict[str, Any]) -> None:
    expected = {name: value for name, value in {**IMAGE, **changes}.items() if value is not None}
    before = repr(IMAGE)
    assert apply(update(*actions), IMAGE) == expected
    assert repr(IMAGE) == before


def test_the_new_image_shares_nothing_with_the_old_one() -> None:
    new = apply(update(attr("extras.copy").set(attr("home"))), IMAGE)
    new["extras"]["copy"]["city"] = new["home"]["city"] = new["places"][0]["city"] = "changed"
    assert IMAGE["home"]["city"] == "Bonn"
    assert IMAGE["places"][0]["city"] == "Rome"


@pytest.mark.parametrize(
    ("action", "section", "where", "reason"),
    [
        (attr("price").increment(1), "increment", "price", "price is not in the item"),
        (attr("name").set(attr("extras.no")), "set", "name", "extras.no is not in the item"),
        (attr("extras.text").add(1), "add", "extras.text", "there is no number to add to"),
        (attr("extras.null").add(1), "add", "extras.null", "there is no number to add to"),
        (attr("extras.text").add({"a"}), "add", "extras.text", "there is no set of that type"),
        (attr("extras.text").delete({"a"}), "delete", "extras.text", "there is no set of that type"),
        (attr("extras.text").increment(1), "increment", "extras.text", "an operand is not a number"),
        (attr("extras.text").append([1]), "append", "extras.text", "an operand is not a list"),
        (
            attr("price").set(attr("Count") + Decimal("1E-40")),
            "set",
            "price",
            "the result has more than 38 significant digits",
        ),
        (
            attr("extras.no.x").set(1),
            "set",
            "extras.no.x",
            "there is no map at extras.no in the item; set extras.no first",
        ),
        (
            attr("extras.text[0]").set(1),
            "set",
            "extras.text[0]",
            "there is no list at extras.text in the item; set extras.text first",
        ),
        (attr("prices.a").add(1), "add", "prices.a", "there is no map at prices in the item; set prices first"),
        (attr("prices.a").remove(), "remove", "prices.a", "there is no map at prices in the item; set prices first"),
        (
            attr("places[7].labels").delete({"a"}),
            "delete",
            "places[7].labels",
            "there is no map at places[7] in the item; set places[7] first",
        ),
    ],
)
def test_where_dynamodb_would_refuse(action: Action, section: str, where: str, reason: str) -> None:
    with pytest.raises(InvalidUpdate) as caught:
        apply(update(action), IMAGE)
    assert caught.value.problems == (Problem((section, where), reason),)


def test_the_range_of_a_number_is_not_left() -> None:
    greatest = {**IMAGE, "price": Decimal("9.9E+125")}
    with pytest.raises(InvalidUpdate, match="the result is outside the range of a DynamoDB number"):
        apply(update(attr("price").add(Decimal("9.9E+125"))), greatest)


NESTED = update(
    attr("home.floor").set(2),
    attr("places[1].city").set("Bern"),
    attr("items[0]").remove(),
    attr("words").delete({"a", "b"}),
)
SHOWN: dict[ReturnValues, Any] = {
    "NONE": None,
    "ALL_OLD": IMAGE,
    "UPDATED_OLD": {"home": {"floor": N(0)}, "places": [{"city": "Oslo"}], "items": [N(1)], "words": {"a", "b"}},
    "ALL_NEW": {
        **{name: value for name, value in IMAGE.items() if name != "words"},
        "home": {"city": "Bonn", "floor": N(2)},
        "places": [{"city": "Rome", "floor": N(1)}, {"city": "Bern"}],
        "items": [N(2), N(3)],
    },
    "UPDATED_NEW": {"home": {"floor": N(2)}, "places": [{"city": "Bern"}], "items": [N(2)]},
}


@pytest.mark.parametrize("returns", list(SHOWN))
def test_what_return_values_show(returns: ReturnValues) -> None:
    assert returned(NESTED, returns, IMAGE, apply(NESTED, IMAGE)) == SHOWN[returns]


@pytest.mark.parametrize("returns", ["ALL_OLD", "UPDATED_OLD"])
def test_nothing_old_is_shown_of_a_new_item(returns: ReturnValues) -> None:
    created = update(attr("Count").add(1))
    assert returned(created, returns, None, apply(created, {"id": "a", "at": N(1)})) is None


def test_nothing_new_is_shown_of_what_is_only_removed() -> None:
    removed = update(attr("Count").remove())
    assert returned(removed, "UPDATED_NEW", IMAGE, apply(removed, IMAGE)) is None


@pytest.mark.parametrize(
    ("paths", "part"),
    [
        ([], {}),
        (["no"], {}),
        (["home.no"], {}),
        (["Count.no"], {}),
        (["Count", "home.city"], {"Count": N(5), "home": {"city": "Bonn"}}),
        (["items[2]", "items[0]", "items[9]"], {"items": [N(1), N(3)]}),
        (["places[1]", "places[0].floor"], {"places": [{"floor": N(1)}, {"city": "Oslo"}]}),
        (["places[0].no", "places[1].no"], {}),
    ],
)
def test_project(paths: list[str], part: Image) -> None:
    assert project(IMAGE, map(path, paths)) == part


def test_members_are_taken_out_of_a_set_in_a_list() -> None:
    listed = {"id": "a", "at": N(1), "extras": {"list": [{"a"}, {"b"}, N(3)]}}
    cases = {"extras.list[0]": [{"b"}, N(3)], "extras.list[9]": listed["extras"]["list"]}  # type: ignore[index]
    for where, left in cases.items():
        new = apply(update(attr(where).delete({"a"})), listed)
        assert new["extras"]["list"] == left

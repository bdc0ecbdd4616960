"""Updates as one: only where the combined update does to every item what its parts do one after the other."""

from decimal import Decimal
from typing import Any

import pytest

from surewrite import Update, attr
from surewrite.expressions.actions import Action
from surewrite.expressions.combine import combine
from tests.unit.samples import Sample

N = Decimal
X = attr("extras.x")


def build(*actions: Action) -> Update:
    return Update.build(Sample, actions)


@pytest.mark.parametrize(
    ("first", "second", "combined"),
    [
        (attr("Count").add(1), attr("Count").add(2), attr("Count").add(3)),
        (attr("price").add(N("1.25")), attr("price").add(N("1.5")), attr("price").add(N("2.75"))),
        (attr("words").add({"a"}), attr("words").add({"b"}), attr("words").add({"a", "b"})),
        (attr("words").delete({"a"}), attr("words").delete({"b"}), attr("words").delete({"a", "b"})),
        (X.add({"a"}), X.add({"b"}), X.add({"a", "b"})),
        (attr("name").set("a"), attr("name").set("b"), attr("name").set("b")),
    ],
)
def test_actions_on_one_path(first: Action, second: Action, combined: Action) -> None:
    one = combine(build(first), build(second))
    assert one is not None
    assert one.canonical == build(combined).canonical


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # sets of two types, of which neither can be added to the other
        (X.add({"a"}), X.add({1})),
        (X.delete({b"a"}), X.delete({"a"})),
        (X.add({1}), X.add(1)),
        # each of these would be refused alone on a number of 38 digits, their sum would not
        (attr("price").add(N("0.5")), attr("price").add(N("0.5"))),
        (attr("price").add(N("0.5")), attr("price").add(N("-0.5"))),
        (attr("price").add(N("1E37")), attr("price").add(N("-" + "9" * 37 + ".1"))),
        (attr("price").add(N("9E125")), attr("price").add(N("9E125"))),
        # an index beyond an end may lie within the list the second time
        (attr("items[0]").set(1), attr("items[0]").set(2)),
        (attr("items[0]").set(1), attr("items[1]").remove()),
        (attr("Count").add(1), attr("price").set(attr("Count") + 1)),
        (attr("home").set({"city": "x"}), attr("home.city").set("y")),
        (attr("words").add({"a"}), attr("words").delete({"a"})),
    ],
)
def test_what_stays_apart(first: Any, second: Any) -> None:
    assert combine(build(first), build(second)) is None

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from pydantic import ConfigDict

from surewrite import Item, PartitionKey, Update, attr
from surewrite.errors import InvalidUpdate
from surewrite.expressions.actions import Action
from surewrite.paths import path
from tests.unit.samples import Sample


def written(*actions: Action) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The expression's text, its names and its values."""
    parameters = Update.build(Sample, actions, present=[path("work")]).expression.parameters()
    assert parameters.keys() <= {"UpdateExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"}
    names = parameters["ExpressionAttributeNames"]
    return parameters["UpdateExpression"], names, parameters.get("ExpressionAttributeValues", {})


@pytest.mark.parametrize(
    ("action", "text", "values"),
    [
        (attr("price").set(1), "SET #0 = :0", [{"N": "1"}]),
        (attr("price").set(attr("prices.a")), "SET #0 = #1.#2", []),
        (attr("Count").increment(2), "SET #0 = #0 + :0", [{"N": "2"}]),
        (attr("Count").set(attr("Count") - 2), "SET #0 = #0 - :0", [{"N": "2"}]),
        (attr("Count").set(10 - attr("Count")), "SET #0 = :0 - #0", [{"N": "10"}]),
        (attr("Count").set(1 + attr("items[0]")), "SET #0 = :0 + #1[0]", [{"N": "1"}]),
        (attr("Count").set(attr("items[0]") + attr("items[1]")), "SET #0 = #1[0] + #1[1]", []),
        (
            attr("Count").set(attr("Count").if_not_exists(5) + 1),
            "SET #0 = if_not_exists(#0, :0) + :1",
            [{"N": "5"}, {"N": "1"}],
        ),
        (attr("price").default("1.5"), "SET #0 = if_not_exists(#0, :0)", [{"N": "1.5"}]),
        (
            attr("items").append([1, 2]),
            "SET #0 = list_append(if_not_exists(#0, :0), :1)",
            [{"L": []}, {"L": [{"N": "1"}, {"N": "2"}]}],
        ),
        (
            attr("items").prepend([1]),
            "SET #0 = list_append(:0, if_not_exists(#0, :1))",
            [{"L": [{"N": "1"}]}, {"L": []}],
        ),
        (attr("price").remove(), "REMOVE #0", []),
        (attr("places[0].labels").remove(), "REMOVE #0[0].#1", []),
        (attr("Count").add(-3), "ADD #0 :0", [{"N": "-3"}]),
        (attr("words").add({"b", "a"}), "ADD #0 :0", [{"SS": ["a", "b"]}]),
        (attr("numbers").add({2}), "ADD #0 :0", [{"NS": ["2"]}]),
        (attr("blobs").delete({b"a"}), "DELETE #0 :0", [{"BS": [b"a"]}]),
        (attr("home.floor").add(1), "ADD #0.#1 :0", [{"N": "1"}]),
        (attr("work.city").set("Bonn"), "SET #0.#1 = :0", [{"S": "Bonn"}]),
        (
            attr("places[1]").set({"city": "Oslo"}),
            "SET #0[1] = :0",
            [{"M": {"city": {"S": "Oslo"}, "floor": {"N": "0"}}}],
        ),
        (attr("extras.`a.b`.c[0]").set(None), "SET #0.#1.#2[0] = :0", [{"NULL": True}]),
        (attr("extras.x").add({"a"}), "ADD #0.#1 :0", [{"SS": ["a"]}]),
        (attr("raw").set(b"x"), "SET #0 = :0", [{"B": b"x"}]),
        (attr("flag").set(True), "SET #0 = :0", [{"BOOL": True}]),
        (attr(("prices", "a.b")).set("0.1"), "SET #0.#1 = :0", [{"N": "0.1"}]),
    ],
)
def test_every_action(action: Action, text: str, values: list[Any]) -> None:
    rendered, names, placed = written(action)
    assert rendered == text
    assert list(placed) == [f":{index}" for index in range(len(values))]
    assert list(placed.values()) == values
    elements = dict.fromkeys(element for element in action.path if isinstance(element, str))
    assert list(names.values())[: len(elements)] == list(elements)


def test_clauses_come_in_one_order_and_names_are_shared() -> None:
    text, names, values = written(
        attr("words").delete({"x"}),
        attr("home.floor").add(1),
        attr("price").remove(),
        attr("home.city").set("Oslo"),
        attr("Count").set(attr("home.floor")),
    )
    assert text == "SET #0 = #1.#2, #1.#3 = :0 REMOVE #4 ADD #1.#2 :1 DELETE #5 :2"
    assert list(names.values()) == ["Count", "home", "floor", "city", "price", "words"]
    assert list(values.values()) == [{"S": "Oslo"}, {"N": "1"}, {"SS": ["x"]}]


def test_the_order_of_the_actions_does_not_matter() -> None:
    actions = [attr("Count").add(1), attr("name").set("a"), attr("home.floor").set(2), attr("price").remove()]
    renderings = {Update.build(Sample, order).canonical for order in permutations(actions)}
    assert len(renderings) == 1


def test_different_updates_are_canonically_different() -> None:
    updates: list[list[Action]] = [
        [attr("Count").add(1)], [attr("Count").add(2)], [attr("Count").increment(1)], [attr("price").add(1)],
        [attr("name").set("1")], [attr("extras.name").set("1")], [attr("extras.name").set(1)],
        [attr("extras.name").set(True)], [attr("extras.name").set(b"1")], [attr("extras.name").set({"1"})],
    ]  # fmt: skip
    assert len({Update.build(Sample, actions).canonical for actions in updates}) == len(updates)


@pytest.mark.parametrize(
    ("actions", "text"),
    [
        ([attr("Count").set(1), attr("price").remove()], "SET #2 = :1, #0 = :0 REMOVE #1"),
        ([attr("Count").add(1)], "SET #1 = :1 ADD #0 :0"),
        ([attr("price").remove()], "SET #1 = :0 REMOVE #0"),
    ],
)
def test_the_version_is_stamped_on_the_item(actions: list[Action], text: str) -> None:
    update = Update.build(Sample, actions)
    plain, place = update.expression.parameters(), update.expression.placeholders.copy()
    assert update.stamped("v1", place) == text
    assert place.names == {**update.expression.placeholders.names, "_v": text[4:6]}
    assert place.values == {**update.expression.placeholders.values, text[9:11]: {"S": "v1"}}
    assert update.expression.parameters() == plain


def test_values_become_those_of_the_model() -> None:
    update = Update.build(Sample, [attr("price").set(1.5), attr("numbers").set([1, 2]), attr("items").set((1,))])
    assert [action.operand.evaluate({}) for action in update.actions] == [  # type: ignore[attr-defined]
        [Decimal(1)],
        {Decimal(1), Decimal(2)},
        Decimal("1.5"),
    ]


class Open(Item, table="Open"):
    model_config = ConfigDict(extra="allow")
    id: PartitionKey[str]


def _named(count: int) -> list[Action]:
    return [attr(f"a{index}").set(attr("b")) for index in range(count)]


def test_an_expression_has_at_most_300_operators() -> None:
    # every assignment is one operator, and one more stamps the version
    Update.build(Open, _named(299))
    with pytest.raises(InvalidUpdate) as caught:
        Update.build(Open, _named(300))
    assert str(caught.value) == "300 actions, DynamoDB's expressions have at most 299"


def test_nested_operators_count() -> None:
    one: Callable[[int], Action] = lambda index: attr(f"a{index}").set(attr("b").if_not_exists(0) + 1)  # noqa: E731
    Update.build(Open, [one(index) for index in range(99)])
    with pytest.raises(InvalidUpdate, match="more than DynamoDB's 300 operators"):
        Update.build(Open, [one(index) for index in range(100)])


def test_an_expression_has_at_most_4096_bytes() -> None:
    def deep(count: int) -> list[Action]:
        return [attr([f"a{index}", *["m"] * 20]).remove() for index in range(count)]

    update = Update.build(Open, deep(60))
    assert 3500 < len(update.stamped("", update.expression.placeholders.copy())) <= 4096
    with pytest.raises(InvalidUpdate, match="longer than DynamoDB's 4096 bytes when written out"):
        Update.build(Open, deep(70))

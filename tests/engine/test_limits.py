"""What the model and DynamoDB do not allow stays out of the table, whether the item is read first or not."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest

from surewrite import Field, Item, PartitionKey, SortKey, Write, attr
from surewrite.errors import InvalidItem, InvalidUpdate, ItemTooLarge
from surewrite.expressions.actions import Action
from tests.engine.house import OWN, PACKED, RAINMAKER, House, Keys, rainmaker
from tests.models import Book, Offer, Product, Thread, User

WAYS = [
    pytest.param(idempotency_key, returns, id=name + shown)
    for name, idempotency_key in (("plain", None), ("keyed", OWN()), ("packed", PACKED()))
    for shown, returns in (("", "NONE"), (" shown", "ALL_NEW"))
]
ways = pytest.mark.parametrize(("idempotency_key", "returns"), WAYS)


@ways
@pytest.mark.parametrize(
    ("before", "actions"),
    [
        (Offer(id="o", low=3, high=4), {attr("low").add(2)}),
        (Offer(id="o", low=3, high=4), {attr("high").set(2)}),
        (Offer(id="o", low=3, high=20), {attr("high").set(attr("low") - 1)}),
        (Offer(id="o", low=11, high=20), {attr("high").remove()}),
        (None, {attr("low").add(11)}),
    ],
)
def test_validators_across_attributes_see_the_new_item(
    house: House, idempotency_key: Any, returns: Any, before: Offer | None, actions: set[Action]
) -> None:
    if before is not None:
        house.seed(before)
    with pytest.raises(InvalidItem, match="low is above high"):
        house.db.commit(Write.update(Offer, "o", actions, return_values=returns), idempotency_key)
    assert house.shown(Offer, "o") == (None if before is None else before.to_image())
    assert house.consumed() == 0


@ways
def test_validators_across_attributes_let_a_valid_item_pass(house: House, idempotency_key: Any, returns: Any) -> None:
    house.seed(Offer(id="o", low=3, high=4))
    write = Write.update(Offer, "o", {attr("low").add(2), attr("high").set(5)}, return_values=returns)
    house.db.commit(write, idempotency_key)
    assert house.shown(Offer, "o") == {"id": "o", "low": 5, "high": 5}
    assert house.consumed() == (idempotency_key is not None)


class Gauge(Item, table="Books"):
    """Limits on every side; `name` is required."""

    author: Annotated[PartitionKey[str], Field(alias="Author")]
    title: Annotated[SortKey[str], Field(alias="Title")]
    name: str
    level: int = Field(default=5, ge=-3, le=9)
    share: Annotated[int, Field(gt=0, lt=10)] | None = None


KEY = ("a", "b")


def gauge(**fields: Any) -> Gauge:
    return Gauge(author="a", title="b", name="n", **fields)


BREAKING: dict[str, tuple[Gauge | None, set[Action]]] = {
    "below ge": (gauge(level=0), {attr("level").add(-4)}),
    "above le": (gauge(level=5), {attr("level").add(5)}),
    "decrement below": (gauge(level=0), {attr("level").set(attr("level") - 4)}),
    "increment above": (gauge(level=5), {attr("level").increment(5)}),
    "at gt": (gauge(share=3), {attr("share").add(-3)}),
    "at lt": (gauge(share=3), {attr("share").add(7)}),
    "absent counts as 0": (gauge(share=3), {attr("level").add(10)}),
    "absent below gt": (gauge(level=1), {attr("share").add(0)}),
    "default and a sum": (gauge(level=1), {attr("share").set(attr("share").if_not_exists(9) + 1)}),
    "created without what is required": (None, {attr("level").add(1)}),
}


@ways
@pytest.mark.parametrize("name", BREAKING)
def test_a_limit_holds(house: House, idempotency_key: Any, returns: Any, name: str) -> None:
    before, actions = BREAKING[name]
    stored = None
    if before is not None:
        house.seed_image(Gauge, stored := before.model_dump(by_alias=True, exclude_unset=True))
    with pytest.raises(InvalidItem) as invalid:
        house.db.commit(Write.update(Gauge, KEY, actions, return_values=returns), idempotency_key)
    changed = {action.path.name for action in actions}
    wrong = {problem.location[0] for problem in invalid.value.problems}
    assert wrong == ({"name"} if before is None else changed)
    assert house.shown(Gauge, KEY) == stored
    assert house.consumed() == 0


KEEPING: dict[str, tuple[Gauge | None, set[Action], dict[str, Any]]] = {
    "down to ge": (gauge(level=0), {attr("level").add(-3)}, {"level": -3}),
    "up to le": (gauge(level=5), {attr("level").add(4)}, {"level": 9}),
    "just above gt": (gauge(share=3), {attr("share").add(-2)}, {"share": 1}),
    "just below lt": (gauge(share=3), {attr("share").set(attr("share") + 6)}, {"share": 9}),
    "absent counts as 0": (gauge(share=3), {attr("level").add(9)}, {"level": 9, "share": 3}),
    "created whole": (None, {attr("name").set("n"), attr("level").add(1)}, {"level": 1}),
}


@ways
@pytest.mark.parametrize("name", KEEPING)
def test_what_is_within_the_limits_passes(house: House, idempotency_key: Any, returns: Any, name: str) -> None:
    before, actions, after = KEEPING[name]
    if before is not None:
        house.seed_image(Gauge, before.model_dump(by_alias=True, exclude_unset=True))
    house.db.commit(Write.update(Gauge, KEY, actions, return_values=returns), idempotency_key)
    assert house.shown(Gauge, KEY) == {"Author": "a", "Title": "b", "name": "n", **after}


def test_limits_are_kept_without_a_read(house: House, key: Keys) -> None:
    house.seed_image(Gauge, gauge(level=0).model_dump(by_alias=True, exclude_unset=True))
    with pytest.raises(InvalidItem):
        house.db.commit(Write.update(Gauge, KEY, {attr("level").add(-4)}), key())
    house.db.commit(Write.update(Gauge, KEY, {attr("level").add(-3)}), key())
    assert house.operations == ["TransactWriteItems", key.look_up, "TransactWriteItems"]  # a refusal asks the ledger


@pytest.mark.parametrize(
    ("model", "primary_key", "action", "attribute"),
    [
        (Thread, ("f", "s"), attr("Answered").add(2), "Answered"),
        (Product, 1, attr("QuantityOnHand").add(-1), "QuantityOnHand"),
        (User, ("u", "l"), attr("age").add(151), "age"),
    ],
)
def test_a_new_item_obeys_the_limits_too(
    house: House, key: Keys, model: type[Item], primary_key: Any, action: Action, attribute: str
) -> None:
    with pytest.raises(InvalidItem) as invalid:
        house.db.commit(Write.update(model, primary_key, {action}), key())
    assert [problem.location for problem in invalid.value.problems] == [(attribute,)]
    assert house.stored(model, primary_key) is None


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_fifty_in_stock_and_eighty_buyers(house: House, key: Keys, returns: Any) -> None:
    house.seed(rainmaker(stock=50))

    def buy(number: int) -> str:
        write = Write.update(Book, RAINMAKER, {attr("Stock").add(-1)}, return_values=returns)
        try:
            house.db.commit(write, key(str(number)))
        except InvalidItem as error:
            return f"rejected for {[problem.location for problem in error.problems]}"
        return "applied"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(buy, range(80))) == {"applied": 50, "rejected for [('Stock',)]": 30}
    assert (house.shown(Book, RAINMAKER) or {})["Stock"] == 0
    assert house.consumed() == 50
    if returns == "NONE":
        assert set(house.operations) == {"TransactWriteItems", key.look_up}  # each refusal asks the ledger


def _grow(returns: Any) -> Write:
    return Write.update(Book, RAINMAKER, {attr("Formats.Audiobook").set("x" * 250_000)}, return_values=returns)


@ways
def test_an_update_cannot_grow_an_item_over_400_kb(house: House, idempotency_key: Any, returns: Any) -> None:
    large = rainmaker(category="x" * 200_000)
    house.seed(large)
    with pytest.raises(ItemTooLarge):
        house.db.commit(_grow(returns), idempotency_key)
    assert house.stored(Book, RAINMAKER) == {**large.to_image(), "_v": "seeded"}
    assert house.consumed() == 0


@ways
def test_an_update_may_grow_an_item_up_to_400_kb(house: House, idempotency_key: Any, returns: Any) -> None:
    house.seed(rainmaker(category="x" * 150_000))
    house.db.commit(_grow(returns), idempotency_key)
    assert (house.shown(Book, RAINMAKER) or {})["Formats"]["Audiobook"] == "x" * 250_000


def test_a_put_over_400_kb_is_never_sent() -> None:
    with pytest.raises(ItemTooLarge):
        Write.put(rainmaker(category="x" * 409_600))


@ways
@pytest.mark.parametrize(
    ("change", "action", "path"),
    [
        (lambda image: image.pop("Formats"), attr("Formats.Audiobook").set("8WE3KPTP"), "Formats.Audiobook"),
        (lambda image: image.pop("Price"), attr("Price").increment(5), "Price"),
        (lambda image: image.pop("Price"), attr("Stock").set(attr("Views") + 1), "Stock"),
        (lambda image: image.update(Views="many"), attr("Views").add(1), "Views"),
        (lambda image: image.update(Tags="law"), attr("Tags").add({"novel"}), "Tags"),
    ],
    ids=["no map", "no number", "no source", "not a number", "not a set"],
)
def test_what_dynamodb_refuses_names_the_path(
    house: House,
    idempotency_key: Any,
    returns: Any,
    change: Callable[[dict[str, Any]], Any],
    action: Action,
    path: str,
) -> None:
    image = rainmaker(price=1).to_image()
    del image["Views"], image["Stock"]
    change(image)
    house.seed_image(Book, image)
    with pytest.raises(InvalidUpdate) as invalid:
        house.db.commit(Write.update(Book, RAINMAKER, {action}, return_values=returns), idempotency_key)
    assert [problem.location for problem in invalid.value.problems] == [(action.label, path)]
    assert house.shown(Book, RAINMAKER) == image
    assert house.consumed() == 0


@ways
def test_a_condition_that_proves_the_path_is_enough(house: House, idempotency_key: Any, returns: Any) -> None:
    house.seed(rainmaker())
    actions = {attr("Formats.Audiobook").set("8WE3KPTP")}
    write = Write.update(Book, RAINMAKER, actions, attr("Formats").exists(), return_values=returns)
    house.db.commit(write, idempotency_key)
    assert (house.shown(Book, RAINMAKER) or {})["Formats"]["Audiobook"] == "8WE3KPTP"

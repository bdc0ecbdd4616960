"""Writes that demand something of the item: conditions, versions, absence."""

from decimal import Decimal
from typing import Any

import pytest

from surewrite import Item, Write, attr
from surewrite.errors import ConditionFailed, InvalidRequest
from tests.engine.house import OWN, RAINMAKER, House, rainmaker
from tests.models import Book, Offer, Product

ways = pytest.mark.parametrize(
    ("keyed", "returns"),
    [(False, "NONE"), (False, "ALL_OLD"), (True, "NONE"), (True, "ALL_OLD")],
    ids=["plain", "plain shown", "keyed", "keyed shown"],
)


@ways
def test_alice_and_bob(house: House, keyed: bool, returns: Any) -> None:
    house.seed(Product(id=1, price=Decimal(10)))

    def price(person: str, value: int) -> Write:
        return Write.update(Product, 1, {attr("Price").set(value)}, attr("Price").eq(10), return_values=returns)

    alice = house.db.commit(price("Alice", 8), OWN(scope="Alice") if keyed else None)
    with pytest.raises(ConditionFailed) as failed:
        house.db.commit(price("Bob", 12), OWN(scope="Bob") if keyed else None)
    assert failed.value.image == {**Product(id=1).to_image(), "Price": 8}
    stored = house.stored(Product, 1)
    assert stored == {**Product(id=1).to_image(), "Price": 8, "_v": alice.version}
    if keyed:
        # Alice's condition is not met any more, but her write was applied
        assert house.db.commit(price("Alice", 8), OWN(scope="Alice")).replayed
        assert house.stored(Product, 1) == stored


def _writes(returns: Any, **options: Any) -> list[Write]:
    return [
        Write.update(Book, RAINMAKER, {attr("Views").add(1)}, return_values=returns, **options),
        Write.put(rainmaker(views=1), return_values=returns, **options),
        Write.delete(Book, RAINMAKER, return_values=returns, **options),
    ]


@ways
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["update", "put", "delete"])
@pytest.mark.parametrize(
    "options",
    [{"version": "stale"}, {"when": attr("Category").eq("Romance")}, {"absent": True}],
    ids=["version", "when", "absent"],
)
def test_what_is_not_met(house: House, keyed: bool, returns: Any, kind: int, options: dict[str, Any]) -> None:
    house.seed(rainmaker())
    before = house.stored(Book, RAINMAKER)
    with pytest.raises(ConditionFailed) as failed:
        house.db.commit(_writes(returns, **options)[kind], OWN() if keyed else None)
    assert failed.value.image == rainmaker().to_image()
    assert house.stored(Book, RAINMAKER) == before
    assert house.consumed() == 0


@ways
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["update", "put", "delete"])
@pytest.mark.parametrize("options", [{"version": "v"}, {"when": attr("Category").exists()}], ids=["version", "when"])
def test_what_is_not_met_by_nothing(
    house: House, keyed: bool, returns: Any, kind: int, options: dict[str, Any]
) -> None:
    with pytest.raises(ConditionFailed) as failed:
        house.db.commit(_writes(returns, **options)[kind], OWN() if keyed else None)
    assert failed.value.image is None
    assert house.stored(Book, RAINMAKER) is None
    assert house.consumed() == 0


@ways
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["update", "put", "delete"])
@pytest.mark.parametrize(
    "options",
    [{"version": "seeded"}, {"when": attr("Category").eq("Suspense") & attr("Views").eq(0)}],
    ids=["version", "when"],
)
def test_what_is_met(house: House, keyed: bool, returns: Any, kind: int, options: dict[str, Any]) -> None:
    house.seed(rainmaker())
    write = _writes(returns, **options)[kind]
    outcome = house.db.commit(write, OWN() if keyed else None)
    assert outcome.attributes == (None if returns == "NONE" else rainmaker().to_image())
    assert house.shown(Book, RAINMAKER) == (None if kind == 2 else rainmaker(views=1).to_image())
    if keyed:
        assert house.db.commit(write, OWN()).attributes == outcome.attributes


@ways
def test_create_only(house: House, keyed: bool, returns: Any) -> None:
    write = Write.put(rainmaker(), absent=True, return_values=returns)
    outcome = house.db.commit(write, OWN() if keyed else None)
    assert outcome.attributes is None
    assert house.stored(Book, RAINMAKER) == {**rainmaker().to_image(), "_v": outcome.version}
    if keyed:
        assert house.db.commit(write, OWN()).replayed
    with pytest.raises(ConditionFailed):
        house.db.commit(write, OWN("another") if keyed else None)


@ways
def test_every_write_has_a_version_of_its_own(house: House, keyed: bool, returns: Any) -> None:
    seen = {"seeded"}
    for number in range(3):
        write = Write.update(Book, RAINMAKER, {attr("Views").add(1)}, return_values=returns)
        seen.add(house.db.commit(write, OWN(str(number)) if keyed else None).version or "")
        stored = (house.stored(Book, RAINMAKER) or {})["_v"]
        assert stored in seen
        house.db.commit(Write.update(Book, RAINMAKER, {attr("Stock").add(1)}, version=stored))
    assert len(seen) == 4


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
@pytest.mark.parametrize("item", [Offer(id="o", low=1), rainmaker(views=1)], ids=["pinned", "blind"])
def test_items_that_others_have_written_get_their_version(house: House, keyed: bool, returns: Any, item: Item) -> None:
    house.seed(item, version=None)
    attribute = "low" if isinstance(item, Offer) else "Views"
    write = Write.update(type(item), item, {attr(attribute).add(1)}, return_values=returns)
    outcome = house.db.commit(write, OWN() if keyed else None)
    assert house.stored(type(item), item) == {**item.to_image(), attribute: 2, "_v": outcome.version}
    assert outcome.attributes == (None if returns == "NONE" else {**item.to_image(), attribute: 2})
    if keyed:
        assert house.db.commit(write, OWN()).replayed


@ways
def test_a_demanded_version_is_not_that_of_an_item_without_one(house: House, keyed: bool, returns: Any) -> None:
    house.seed(rainmaker(), version=None)
    write = Write.update(Book, RAINMAKER, {attr("Views").add(1)}, version="v", return_values=returns)
    with pytest.raises(ConditionFailed):
        house.db.commit(write, OWN() if keyed else None)
    assert house.stored(Book, RAINMAKER) == rainmaker().to_image()


@ways
@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (attr("Formats.Hardcover").eq("J4SUKVGU"), True),
        (attr("Formats.Audiobook").exists(), False),
        (attr("Formats").size().eq(2), True),
        (attr("Tags").contains("law") & ~attr("Tags").contains("tax"), True),
        (attr("Price").between(Decimal("9.5"), 10) | attr("Price").is_in([7]), True),
        (attr("Title").begins_with("The R"), True),
        (attr("Category").attribute_type("N"), False),
        (attr("Views").ne(0), False),
        (attr("Price").not_exists(), False),
    ],
    ids=["nested", "no nested", "size", "contains", "or", "begins with", "type", "unequal", "there"],
)
def test_conditions_of_every_kind(house: House, keyed: bool, returns: Any, condition: Any, met: bool) -> None:
    house.seed(rainmaker(price=10, tags={"law"}))
    write = Write.update(Book, RAINMAKER, {attr("Stock").set(3)}, condition, return_values=returns)
    if met:
        house.db.commit(write, OWN() if keyed else None)
    else:
        with pytest.raises(ConditionFailed):
            house.db.commit(write, OWN() if keyed else None)
    assert (house.shown(Book, RAINMAKER) or {})["Stock"] == (3 if met else 0)


@ways
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["update", "put", "delete"])
def test_a_refusal_that_does_not_bring_the_item(house: House, keyed: bool, returns: Any, kind: int) -> None:
    house.seed(rainmaker())
    write = _writes(
        returns, when=attr("Views").gt(5), return_values_on_condition_check_failure="NONE"
    )[kind]  # fmt: skip
    with pytest.raises(ConditionFailed) as failed:
        house.db.commit(write, OWN() if keyed else None)
    assert failed.value.image is None
    with pytest.raises(ConditionFailed) as failed:
        house.db.transact([write] if returns == "NONE" else [_writes("NONE", when=attr("Views").gt(5))[kind]])
    assert (failed.value.image is None) == (returns == "NONE")
    assert house.shown(Book, RAINMAKER) == rainmaker().to_image()


def test_another_word_is_refused(house: House) -> None:
    with pytest.raises(InvalidRequest, match="return_values_on_condition_check_failure: must be one of ALL_OLD, NONE"):
        house.table(Book).delete(RAINMAKER, return_values_on_condition_check_failure="ALL_NEW")  # type: ignore[arg-type]

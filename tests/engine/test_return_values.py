"""A keyed write answers what DynamoDB's own call would have answered, and its replay the same again."""

from decimal import Decimal
from typing import Any, get_args

import pytest

from surewrite import Item, ReturnValues, Write, attr
from surewrite.model.wire import Image
from tests.engine.house import OWN, RAINMAKER, House, rainmaker
from tests.models import Book, Part, Product, Thing

BOOK = rainmaker(price=Decimal("12.50"), stock=5, views=7, tags={"law", "novel"})
SHELF = Product(id=205, description="Shelf", related_items=[341, 472, 649])
THING = Thing(
    id=b"\x00\xff",
    number=Decimal("-12345678901234567890.123456789012345678"),
    text="naïve 🎈",
    amount=Decimal("1E+100"),
    blob=b"\x01",
    flag=True,
    words={"a", "é"},
    numbers={Decimal("0.1"), Decimal(-3)},
    blobs={b"\x02", b"\xfe"},
    parts=[Part(name="one", blob=b"\x03", sizes={Decimal(4)})],
    named={"x": Part(name="two")},
)

UPDATES: dict[str, tuple[Item, set[Any]]] = {
    "counter": (BOOK, {attr("Views").add(1)}),
    "nested": (BOOK, {attr("Formats.Audiobook").set("8WE3KPTP"), attr("Category").remove()}),
    "replaced in a map": (BOOK, {attr("Formats.Hardcover").set("NEW"), attr("Formats.Paperback").remove()}),
    "last of a set": (BOOK, {attr("Tags").delete({"law", "novel"}), attr("Stock").set(attr("Stock") - 1)}),
    "part of a set": (BOOK, {attr("Tags").delete({"law", "other"})}),
    "removed what is not there": (Product(id=205), {attr("Price").remove()}),
    "the same value": (BOOK, {attr("Category").set("Suspense")}),
    "default": (BOOK, {attr("Category").default("Thriller"), attr("Price").set(attr("Stock"))}),
    "appended": (SHELF, {attr("RelatedItems").append([1, 2])}),
    "every type": (THING, {attr("numbers").add({Decimal(7)}), attr("words").delete({"é"}), attr("flag").set(None)}),
    "every type replaced": (
        THING,
        {attr("blob").set(b"\xee"), attr("blobs").add({b"\xaa"}), attr("named.y").set(Part(name="y"))},
    ),
}


@pytest.mark.parametrize("returns", get_args(ReturnValues))
@pytest.mark.parametrize("name", UPDATES)
def test_update(house: House, name: str, returns: Any) -> None:
    item, actions = UPDATES[name]
    _check_all_ways(house, item, Write.update(type(item), item, actions, return_values=returns))


@pytest.mark.parametrize(
    ("returns", "answer"),
    [
        ("UPDATED_OLD", [Decimal(341), Decimal(472)]),
        ("UPDATED_NEW", [Decimal(1), Decimal(649)]),
        ("ALL_OLD", [Decimal(341), Decimal(472), Decimal(649)]),
        ("ALL_NEW", [Decimal(1), Decimal(649)]),
    ],
)
def test_of_a_list_only_the_elements_are_shown(house: House, returns: Any, answer: Any) -> None:
    """As DynamoDB does, which shows the element that moved up in the place of one that was removed; the engine's own
    call shows the whole list."""
    house.seed(SHELF)
    actions = {attr("RelatedItems[1]").set(1), attr("RelatedItems[0]").remove()}
    write = Write.update(Product, 205, actions, return_values=returns)
    for _ in range(2):
        assert (house.db.commit(write, OWN()).attributes or {})["RelatedItems"] == answer
    assert (house.shown(Product, 205) or {})["RelatedItems"] == [1, 649]


@pytest.mark.parametrize("returns", get_args(ReturnValues))
def test_update_that_creates(house: House, returns: Any) -> None:
    write = Write.update(
        Book, RAINMAKER, {attr("Views").add(1), attr("Category").set("Suspense")}, return_values=returns
    )
    _check_all_ways(house, None, write)


@pytest.mark.parametrize("returns", ["NONE", "ALL_OLD", "ALL_NEW"])
@pytest.mark.parametrize("before", [None, BOOK], ids=["absent", "present"])
def test_put(house: House, before: Item | None, returns: Any) -> None:
    created = _check_all_ways(house, before, Write.put(rainmaker(views=99), return_values=returns))
    assert created == (before is None)


@pytest.mark.parametrize("returns", ["NONE", "ALL_OLD"])
@pytest.mark.parametrize("before", [None, BOOK], ids=["absent", "present"])
def test_delete(house: House, before: Item | None, returns: Any) -> None:
    write = Write.delete(Book, RAINMAKER, return_values=returns)
    _check_all_ways(house, before, write)


def _check_all_ways(house: House, before: Item | None, write: Write) -> bool:
    """The same item, plain, keyed and again with the same key; answers whether the plain call created it."""

    def reset() -> None:
        house.client.delete_item(TableName=house.db.session.table(write.model), Key=write.target.key_wire)
        if before is not None:
            house.seed(before)

    def stored() -> Image | None:
        return house.stored(write.model, write.key)

    reset()
    plain = house.db.commit(write)
    left = house.shown(write.model, write.key)
    assert (stored() or {}).get("_v") == plain.version

    reset()
    fresh = house.db.commit(write, OWN())
    kept = stored()
    assert house.shown(write.model, write.key) == left
    assert (kept or {}).get("_v") == fresh.version
    assert (kept is None) == (write.kind == "delete")
    assert fresh.attributes == plain.attributes
    assert not fresh.replayed

    # whatever becomes of the item afterwards, the answer stays
    reset()
    replay = house.db.commit(write, OWN())
    assert stored() == (None if before is None else {**before.to_image(), "_v": "seeded"})
    assert replay.replayed
    assert not replay.current
    assert house.consumed() == 1
    if write.return_values == "NONE":
        assert (replay.attributes, replay.version, replay.created) == (None, None, False)
    else:
        assert (replay.attributes, replay.version, replay.created) == (fresh.attributes, fresh.version, fresh.created)
        assert replay.dump().encode() == fresh.dump().encode()
        assert fresh.created == (before is None and write.kind != "delete")
    return plain.created

"""`Table`: reading and writing instances of models."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from surewrite import Item, PartitionKey, SortKey, Table, attr
from surewrite.errors import ConditionFailed, InvalidCondition, InvalidItem, InvalidRequest
from tests.engine.house import RAINMAKER, House, key, rainmaker
from tests.models import Book, Part, Thing


class Text(Item, table="Text"):
    id: PartitionKey[str]
    n: int = 0


class Number(Item, table="Number"):
    id: PartitionKey[int]
    n: int = 0


class Exact(Item, table="Exact"):
    id: PartitionKey[Decimal]
    n: int = 0


class Binary(Item, table="Binary"):
    id: PartitionKey[bytes]
    n: int = 0


class TextNumber(Item, table="TextNumber"):
    id: PartitionKey[str]
    at: SortKey[int]
    n: int = 0


class NumberBinary(Item, table="NumberBinary"):
    id: PartitionKey[int]
    at: SortKey[bytes]
    n: int = 0


class BinaryExact(Item, table="BinaryExact"):
    id: PartitionKey[bytes]
    at: SortKey[Decimal]
    n: int = 0


@pytest.mark.parametrize(
    ("model", "primary_key"),
    [
        (Text, "slash/per%cent schlüssel 🔑"),
        (Number, -12345678901234567890123456789012345678),
        (Exact, Decimal("1.2345678901234567890123456789012345678E-50")),
        (Binary, bytes(range(256))),
        (TextNumber, ("a", 0)),
        (NumberBinary, (7, b"\x00")),
        (BinaryExact, (b"\xff", Decimal("0.1"))),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_keys_of_every_type(house: House, model: type[Item], primary_key: Any) -> None:
    table: Table[Any] = house.with_table(model).table(model)
    for returns in ("NONE", "ALL_NEW"):
        for _ in range(2):
            shown = table.update(primary_key, {attr("n").add(1)}, return_values=returns, idempotency_key=returns)
            assert (shown is None) == (returns == "NONE")
    item = table.get(primary_key, consistent=True)
    assert item is not None
    assert item.n == 2
    assert model.schema_.key(item) == model.schema_.key(primary_key)
    assert table.delete(item, return_values="ALL_OLD", idempotency_key="gone") == item
    assert table.delete(primary_key, return_values="ALL_OLD", idempotency_key="gone") == item
    assert table.get(primary_key) is None


def test_every_type_comes_back(house: House) -> None:
    thing = Thing(
        id=b"\x00",
        number=Decimal("1E-130"),
        text="",
        amount=Decimal("9.9999999999999999999999999999999999999E+125"),
        blob=b"",
        flag=False,
        words={"a"},
        numbers={Decimal("0.1"), Decimal(10)},
        blobs={b"\x02", b"\xfe"},
        parts=[Part(name="one", blob=b"\x03"), Part(name="")],
        named={"a.b[0]": Part(name="two", sizes={Decimal(4)})},
    )
    things = house.table(Thing)
    assert things.put(thing, idempotency_key="1", return_values="ALL_NEW") == thing
    assert things.put(thing, idempotency_key="1", return_values="ALL_NEW") == thing
    assert things.get(thing) == thing
    assert list(things.scan()) == [thing]


def test_put_update_and_delete(house: House) -> None:
    books = house.table(Book)
    assert books.put(rainmaker(), absent=True) is None
    with pytest.raises(ConditionFailed):
        books.put(rainmaker(), absent=True)
    updated = books.update(RAINMAKER, {attr("Stock").add(2), attr("Category").remove()}, return_values="ALL_NEW")
    assert updated == rainmaker(stock=2, category=None)
    part = books.update(RAINMAKER, {attr("Stock").add(2)}, return_values="UPDATED_NEW")
    assert part is not None
    assert (part.stock, part.model_fields_set) == (4, {"stock"})
    assert books.update(RAINMAKER, {attr("Stock").add(2)}) is None
    old = books.delete(RAINMAKER, when=attr("Stock").eq(6), return_values="ALL_OLD")
    assert old == rainmaker(stock=6, category=None)
    assert books.get(RAINMAKER) is None


def test_a_version_is_for_the_next_write(house: House) -> None:
    books = house.table(Book)
    house.seed(rainmaker())
    version = (books.image(RAINMAKER, consistent=True) or {})["_v"]
    assert version == "seeded"
    books.update(RAINMAKER, {attr("Stock").add(2)}, version=version)
    with pytest.raises(ConditionFailed):
        books.update(RAINMAKER, {attr("Stock").add(2)}, version=version)
    assert books.get(RAINMAKER) == rainmaker(stock=2)


def test_the_scope_of_a_table(house: House) -> None:
    alice, bob = house.table(Book, "alice"), house.table(Book, "bob")
    for table in (alice, bob, alice):
        table.update(RAINMAKER, {attr("Views").add(1)}, idempotency_key="k")
    alice.update(RAINMAKER, {attr("Views").add(1)}, idempotency_key=key("k", "bob"))
    assert house.shown(Book, RAINMAKER) == {"Author": RAINMAKER[0], "Title": RAINMAKER[1], "Views": 2}


def test_only_some_fields(house: House) -> None:
    house.seed(rainmaker(stock=3))
    books = house.table(Book)
    book = books.get(RAINMAKER, fields=["Formats.Hardcover", "Stock", "Formats.Hardcover"])
    assert book is not None
    assert (book.formats, book.stock) == ({"Hardcover": "J4SUKVGU"}, 3)
    assert book.model_fields_set == {"author", "title", "formats", "stock"}
    assert house.operations == ["GetItem"]
    assert books.get(("nobody", "nothing"), fields=["Stock"]) is None
    # none of the fields is there, but the item is
    assert books.get(RAINMAKER, fields=["Price"]) is not None
    # one within another
    assert (books.image(RAINMAKER, fields=["Formats", "Formats.Hardcover"]) or {})["Formats"] == rainmaker().formats
    with pytest.raises(InvalidRequest, match="Stok"):
        books.get(RAINMAKER, fields=["Stok"])


@pytest.mark.parametrize("consistent", [True, False])
def test_reads_are_as_consistent_as_asked(house: House, consistent: bool) -> None:
    books = house.table(Book)
    books.get(RAINMAKER, consistent=consistent)
    list(books.query(attr("Author").eq("a"), consistent=consistent))
    list(books.scan(consistent=consistent))
    assert [request["ConsistentRead"] for _, request in house.transport.calls] == [consistent] * 3


def _shelf(house: House, count: int) -> list[Book]:
    books = [rainmaker(title=f"{number:03}", stock=number) for number in range(count)]
    house.seed(*books)
    return books


def test_query(house: House) -> None:
    shelf = _shelf(house, 10)
    house.seed(rainmaker(author="Another"))
    books = house.table(Book)
    author = attr("Author").eq("John Grisham")
    assert list(books.query(author)) == shelf
    assert list(books.query(author, forward=False)) == shelf[::-1]
    assert list(books.query(author, limit=3)) == shelf[:3]
    assert list(books.query(author & attr("Title").gte("007"))) == shelf[7:]
    assert list(books.query(author & attr("Title").between("002", "004"))) == shelf[2:5]
    assert list(books.query(author & attr("Title").begins_with("00"), where=attr("Stock").lt(2))) == shelf[:2]
    assert list(books.query(author, where=attr("Stock").is_in([3, 5, 8]) & attr("Views").eq(0), limit=2)) == [
        shelf[3],
        shelf[5],
    ]
    assert list(books.query(attr("Author").eq("nobody"))) == []


def test_a_filter_names_only_what_the_model_has(house: House) -> None:
    with pytest.raises(InvalidCondition, match="Stok"):
        list(house.table(Book).scan(attr("Stok").eq(1)))
    assert house.operations == []


def test_pages_follow_each_other(house: House) -> None:
    """A page has 1 MB at most."""
    large = [rainmaker(title=f"{number:03}", category="x" * 300_000, stock=number) for number in range(8)]
    house.seed(*large)
    books = house.table(Book)
    author = attr("Author").eq("John Grisham")
    for find in (partial(books.query, author), books.scan):
        assert list(find()) == large
        assert len(house.operations) > 1
        assert list(find(limit=5)) == large[:5]
        house.transport.calls.clear()
        assert list(find(where=attr("Stock").eq(7))) == large[7:]
        assert len(house.operations) > 1
        assert next(iter(find())) == large[0]
        assert len(house.operations) == 1


def test_an_index(house: House) -> None:
    index: Any = {
        "IndexName": "by-n",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [{"AttributeName": "n", "AttributeType": "N"}]
    texts = house.with_table(Text, attributes=attributes, GlobalSecondaryIndexes=[index]).table(Text)
    for number in range(6):
        texts.put(Text(id=str(number), n=number % 2))
    assert {text.id for text in texts.query(attr("n").eq(1), index="by-n")} == {"1", "3", "5"}
    assert {text.id for text in texts.scan(attr("id").gt("3"), index="by-n")} == {"4", "5"}


def test_an_item_that_violates_its_model_is_not_read_as_one(house: House) -> None:
    house.seed_image(Book, {**rainmaker().to_image(), "Stock": -1}, None)
    with pytest.raises(InvalidItem, match="Stock"):
        house.table(Book).get(RAINMAKER)


def test_attributes_that_the_model_does_not_know_are_kept_and_not_shown(house: House) -> None:
    house.seed_image(Book, {**rainmaker().to_image(), "Shelf": "A7"}, None)
    books = house.table(Book)
    assert books.get(RAINMAKER) == rainmaker()
    for returns in ("NONE", "ALL_NEW"):
        books.update(RAINMAKER, {attr("Views").add(1)}, return_values=returns, idempotency_key=returns)
    assert house.shown(Book, RAINMAKER) == {**rainmaker(views=2).to_image(), "Shelf": "A7"}

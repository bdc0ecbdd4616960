"""`Table`: reading and writing instances of models."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from surewrite import BulkWrite, IdempotencyKey, Item, PartitionKey, SortKey, Table, Write, attr
from surewrite.errors import (
    CallFailed,
    ConditionFailed,
    InvalidCondition,
    InvalidItem,
    InvalidKey,
    InvalidRequest,
    RequestRefused,
)
from tests.engine.house import OWN, RAINMAKER, House, rainmaker
from tests.models import Book, Part, Product, Thing


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
    alice.update(RAINMAKER, {attr("Views").add(1)}, idempotency_key=OWN("k", "bob"))
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
    assert list(books.query(author, descending=True)) == shelf[::-1]
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
        assert next(iter(find())) == large[0]
        assert len(house.operations) == 1


def test_a_page_counts_what_the_filter_leaves_out(house: House) -> None:
    house.seed(*(rainmaker(title=f"{number:03}", category="x" * 300_000, stock=number) for number in range(8)))
    books = house.table(Book)
    for find in (partial(books.query, attr("Author").eq("John Grisham")), books.scan):
        assert [book.stock for book in find(where=attr("Stock").eq(7))] == [7]
        assert len(house.operations) > 1


def test_an_index(house: House) -> None:
    index: Any = {
        "IndexName": "by-n",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    texts = house.with_table(Text, attributes={"n": "N"}, GlobalSecondaryIndexes=[index]).table(Text)
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


def test_an_item_of_another_model_is_refused(house: House) -> None:
    with pytest.raises(InvalidItem, match="a Product is needed"):
        house.table(Product).put(rainmaker())  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [17, b"k", ("app", "k")])
def test_an_idempotency_key_of_another_type_is_refused(house: House, key: Any) -> None:
    write = Write.put(rainmaker())
    for commit in (house.db.commit, house.table(Book).commit):
        with pytest.raises(InvalidKey):
            commit(write, key)
    with pytest.raises(InvalidKey):
        house.db.bulk_write(BulkWrite.of([write]), key)


def test_a_text_is_a_key_in_the_clients_scope(house: House) -> None:
    assert not house.db.bulk_write(BulkWrite.of([Write.put(rainmaker())]), "load").replayed
    assert house.record(IdempotencyKey("app", "load")) is not None
    assert house.db.bulk_write(BulkWrite.of([Write.put(rainmaker())]), IdempotencyKey("app", "load")).replayed


def test_errors_of_reads_are_of_the_tree(house: House) -> None:
    books = house.table(Book)
    with pytest.raises(RequestRefused):
        list(books.query(attr("Title").eq("The Rainmaker"), index="no-such-index"))
    books.session._tables["Books"] = "no-such-table"
    with pytest.raises(CallFailed) as failed:
        list(books.scan())
    assert (failed.value.operation, failed.value.code) == ("Scan", "ResourceNotFoundException")


def test_what_is_committed_is_shown_though_it_violates_the_model(house: House) -> None:
    books = house.table(Book)
    broken = {**rainmaker().to_image(), "Stock": -1}
    house.seed_image(Book, broken, None)
    shown = books.update(RAINMAKER, {attr("Views").add(1)}, return_values="ALL_NEW")
    assert (shown.stock, shown.views) == (-1, 1)
    assert [book.stock for book in books.scan()] == [-1]
    gone = books.delete(RAINMAKER, return_values="ALL_OLD", idempotency_key="d")
    again = books.delete(RAINMAKER, return_values="ALL_OLD", idempotency_key="d")
    assert gone is not None
    assert again is not None
    assert gone.stock == again.stock == -1
    with pytest.raises(InvalidItem):
        books.put(gone)


def test_the_version_of_an_instance(house: House) -> None:
    books = house.table(Book)
    assert rainmaker().version_ is None
    books.put(rainmaker())
    book = books.get(RAINMAKER, consistent=True)
    assert book is not None
    assert book == rainmaker()
    assert book.version_ == (house.stored(Book, RAINMAKER) or {})["_v"]
    new = books.update(RAINMAKER, {attr("Views").add(1)}, version=book.version_, return_values="ALL_NEW")
    assert new.version_ == (house.stored(Book, RAINMAKER) or {})["_v"]
    with pytest.raises(ConditionFailed):
        books.put(book, version=book.version_)
    (listed,) = books.scan()
    assert listed.version_ == new.version_

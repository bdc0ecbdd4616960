"""What docs/operate.md says of restored tables: items and ledger tell one story, and one of them alone breaks it."""

from typing import Any

import pytest

from surewrite import Item, Write, attr
from tests.engine.house import House, Keys
from tests.models import Book, Product

BOOKS, PRODUCTS = (
    Write.update(Book, ("a", "b"), {attr("Views").add(1)}),
    Write.update(Product, 1, {attr("Price").add(1)}),
)


class Backup:
    """All tables as they are."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._items = {table: self._scan(table) for table in house.names}

    def restore(self, *tables: str) -> None:
        for table in tables:
            for item in self._scan(table):
                key = {name: item[name] for name in self._key(table)}
                self._house.client.delete_item(TableName=self._house.names[table], Key=key)
            for item in self._items[table]:
                self._house.client.put_item(TableName=self._house.names[table], Item=item)

    def _scan(self, table: str) -> list[Any]:
        return self._house.client.scan(TableName=self._house.names[table], ConsistentRead=True)["Items"]

    def _key(self, table: str) -> list[str]:
        described = self._house.client.describe_table(TableName=self._house.names[table])["Table"]
        return [key["AttributeName"] for key in described["KeySchema"]]


def count(house: House, model: type[Item], key: Any, attribute: str) -> Any:
    return (house.shown(model, key) or {}).get(attribute, 0)


@pytest.mark.parametrize(
    ("restored", "views", "price"),
    [
        (("Books",), 1, 2),
        (("Ledger",), 3, 3),
        (("Books", "ProductCatalog", "Ledger"), 2, 2),
        (("Books", "Ledger"), 2, 3),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, tuple) else None,
)
def test_what_comes_again_after_a_restore(
    house: House, key: Keys, restored: tuple[str, ...], views: int, price: int
) -> None:
    """A view and a price before the backup, another of each after it; then all four requests come again."""
    requests = [(write, key(f"{name}-{write.model.__name__}")) for name in "12" for write in (BOOKS, PRODUCTS)]
    for write, one in requests[:2]:
        house.db.commit(write, one)
    backup = Backup(house)
    for write, one in requests[2:]:
        house.db.commit(write, one)
    backup.restore(*restored)
    for write, one in requests:
        house.db.commit(write, one)
    assert (count(house, Book, ("a", "b"), "Views"), count(house, Product, 1, "Price")) == (views, price)

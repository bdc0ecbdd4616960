"""Whose reason is it? Many requests share a transaction, and each is answered for itself."""

from typing import Any

import pytest

from surewrite import Write, attr
from surewrite.commit.many import Entry
from surewrite.errors import ConditionFailed
from surewrite.writes import BulkWrite
from tests.engine.house import House, key
from tests.models import Book, Product


def view(title: str, **options: Any) -> Write:
    return Write.update(Book, ("a", title), {attr("Views").add(1)}, **options)


@pytest.mark.parametrize("before", [0, 1])
def test_a_bulk_write_beside_a_condition_that_is_not_met(house: House, before: int) -> None:
    """The actions of a bulk write are several, those of a write are one."""
    bulk = BulkWrite.of([Write.put(Product(id=number)) for number in range(3)])
    unmet = view("unmet", when=attr("Category").exists())
    entries = [Entry(bulk, key("bulk")), Entry(unmet, key("unmet"))]
    entries.insert(before, Entry(view("met"), key("met")))

    results = dict(zip((entry.key.key for entry in entries), house.db.commit_many(entries), strict=True))
    assert house.operations[0] == "TransactWriteItems"
    assert isinstance(results["unmet"].error, ConditionFailed)
    assert [results[name].outcome is not None for name in ("bulk", "met")] == [True, True]
    assert (house.shown(Book, ("a", "met")) or {})["Views"] == 1
    assert house.shown(Book, ("a", "unmet")) is None
    assert [house.shown(Product, number) is not None for number in range(3)] == [True] * 3
    assert house.records() == 2


def test_a_used_key_beside_a_bulk_write(house: House) -> None:
    """A replay is the one of the key that was used, and of no other."""
    house.db.commit(view("used"), key("used"))
    bulk = BulkWrite.of([Write.put(Product(id=number)) for number in range(3)])
    fresh, used, other = house.db.commit_many(
        [Entry(bulk, key("bulk")), Entry(view("used"), key("used")), Entry(view("other"), key("other"))]
    )
    replays = [result.outcome is not None and result.outcome.replayed for result in (fresh, used, other)]
    assert replays == [False, True, False]
    assert (house.shown(Book, ("a", "used")) or {})["Views"] == 1
    assert (house.shown(Book, ("a", "other")) or {})["Views"] == 1

"""Slots: what keys that share a record do to each other."""

from surewrite import Entry, Result, Write, attr
from tests.engine.house import PACKED, House
from tests.models import Book


def views(count: int, *, first: int = 0, items: int = 1) -> list[Entry]:
    """Increments under keys of one slot, spread over items."""
    return [
        Entry(Write.update(Book, ("a", str(number % items)), {attr("Views").add(1)}), PACKED(str(number)))
        for number in range(first, first + count)
    ]


def total(house: House, items: int) -> int:
    """All views of the items."""
    return sum(int((house.shown(Book, ("a", str(number))) or {}).get("Views", 0)) for number in range(items))


def kinds(results: list[Result]) -> list[str]:
    """What became of each request."""
    return [
        type(result.error).__name__ if result.outcome is None else "replayed" if result.outcome.replayed else "applied"
        for result in results
    ]


# --- closing ---------------------------------------------------------------------------------------------------------


def test_what_a_closed_slot_holds_is_known_in_every_transaction(house: House) -> None:
    """Not only in the one that has found it closed."""
    house = house.closing_at(50)
    batch = views(200, items=40)
    assert set(kinds(house.db.commit_many(batch, parallel=1))) == {"applied"}
    assert set(kinds(house.db.commit_many(batch[::-1], parallel=1))) == {"replayed"}
    assert (total(house, 40), house.consumed()) == (200, 200)

"""Entries of a lane: one after the other, nothing after one that was not applied; lanes side by side."""

from typing import Any

import pytest

from surewrite import BulkWrite, Entry, Write, attr
from surewrite.errors import Blocked, CallFailed, InvalidItem, KeyReused, Rejected
from surewrite.testing import client_error
from tests.engine.house import House, Keys, in_every_way
from tests.models import Book, Offer, Product


def book(title: str, **fields: Any) -> Book:
    return Book.model_validate({"author": "a", "title": title, "stock": 1, **fields})


def update(title: str, *actions: Any) -> Write:
    return Write.update(Book, ("a", title), actions)


def kinds(results: Any) -> list[str]:
    return [
        type(result.error).__name__ if result.outcome is None else "replayed" if result.outcome.replayed else "applied"
        for result in results
    ]


def test_a_lane_keeps_its_order(house: House, key: Keys) -> None:
    steps = [attr("Tags").add({str(n)}) if n % 2 else attr("Tags").remove() for n in range(8)]
    house.db.commit_many([Entry(update("x", step), key(str(n)), lane="g") for n, step in enumerate(steps)])
    assert (house.shown(Book, ("a", "x")) or {})["Tags"] == {"7"}
    assert house.operations == ["TransactWriteItems"] * 8


@in_every_way
def test_lanes_share_transactions(house: House, key: Keys) -> None:
    entries = [
        Entry(update(f"lane {lane}", attr("Views").add(1)), key(f"{lane}/{n}"), lane=str(lane))
        for n in range(3)
        for lane in range(40)
    ]
    assert set(kinds(house.db.commit_many(entries, parallel=1))) == {"applied"}
    assert len(house.operations) <= 6
    assert all((house.shown(Book, ("a", f"lane {lane}")) or {})["Views"] == 3 for lane in range(40))


def test_nothing_follows_what_was_refused(house: House, key: Keys) -> None:
    house.seed(book("x"))
    takes = [update("x", attr("Stock").add(-n)) for n in (1, 1, 0)]
    entries = [
        *(Entry(write, key(str(n)), lane="g") for n, write in enumerate(takes)),
        Entry(update("y", attr("Views").add(1)), key("other"), lane="h"),
    ]
    assert kinds(house.db.commit_many(entries)) == ["applied", "InvalidItem", "Blocked", "applied"]


def test_a_rival_of_a_key_does_not_run_in_a_stopped_lane(house: House, key: Keys) -> None:
    house.seed(book("x", stock=0))
    entries = [
        Entry(update("x", attr("Stock").add(-1)), key("1"), lane="g"),
        Entry(update("y", attr("Views").add(1)), key("2")),
        Entry(update("y", attr("Views").add(5)), key("2"), lane="g"),
    ]
    assert kinds(house.db.commit_many(entries)) == ["InvalidItem", "applied", "Blocked"]
    assert (house.shown(Book, ("a", "y")) or {})["Views"] == 1


def test_a_lane_with_a_bulk_write(house: House, key: Keys) -> None:
    bulk = BulkWrite.of(Write.put(Product(id=n)) for n in range(150))
    entries = [
        Entry(bulk, key("bulk"), lane="g"),
        Entry(Write.delete(Product, 3), key("delete"), lane="g"),
        Entry(bulk, key("bulk"), lane="g"),
        Entry(BulkWrite.of([Write.put(Product(id=3))]), key("bulk"), lane="g"),
        Entry(Write.delete(Product, 4), key("after"), lane="g"),
    ]
    assert kinds(house.db.commit_many(entries)) == ["applied", "applied", "replayed", "KeyReused", "Blocked"]
    assert house.stored(Product, 3) is None
    assert house.stored(Product, 4) is not None


def test_bulk_writes_are_parts_like_any_other(house: House, key: Keys) -> None:
    entries = [
        Entry(BulkWrite.of(Write.put(Product(id=10 * n + m)) for m in range(9)), key(f"bulk {n}")) for n in range(30)
    ]
    assert set(kinds(house.db.commit_many(entries, parallel=1))) == {"applied"}
    assert house.operations == ["TransactWriteItems"] * 3
    assert set(kinds(house.db.commit_many(entries, parallel=1))) == {"replayed"}


def test_a_used_key_stops_a_bulk_write_before_it_begins(house: House, key: Keys) -> None:
    first = BulkWrite.of(Write.put(Product(id=n)) for n in range(20))
    house.db.bulk_write(first, key("bulk"))
    other = BulkWrite.of(Write.put(Product(id=1000 + n)) for n in range(400))
    with pytest.raises(KeyReused):
        house.db.bulk_write(other, key("bulk"))
    assert all(house.stored(Product, 1000 + n) is None for n in (0, 150, 399))


def test_a_rejected_delivery_stays_rejected_and_a_redrive_applies(house: House, key: Keys) -> None:
    write = update("x", attr("Views").add(1))
    house.db.reject(key("k"), write.fingerprint, "out of stock", source="m1")
    (redelivered,) = house.db.commit_many([Entry(write, key("k"), source="m1")])
    assert isinstance(redelivered.error, Rejected)
    assert str(redelivered.error) == "out of stock"
    assert redelivered.final
    assert house.stored(Book, ("a", "x")) is None
    (redriven,) = house.db.commit_many([Entry(write, key("k"), source="m2")])
    assert redriven.outcome is not None
    assert not redriven.outcome.replayed
    (again,) = house.db.commit_many([Entry(write, key("k"), source="m1")])
    assert again.outcome is not None
    assert again.outcome.replayed


def test_each_message_that_was_rejected_under_a_key_stays_rejected(house: House, key: Keys) -> None:
    """A producer sent one request twice: both messages were refused before the worker died."""
    write = update("x", attr("Views").add(1))
    for source in ("m1", "m2"):
        house.db.reject(key("k"), write.fingerprint, "too early", source=source)
    again = house.db.commit_many([Entry(write, key("k"), source=source) for source in ("m1", "m2")])
    assert kinds(again) == ["Rejected", "Rejected"]
    assert house.stored(Book, ("a", "x")) is None
    assert kinds(house.db.commit_many([Entry(write, key("k"), source="m3")])) == ["applied"]
    assert "message_ids" not in (house.record(key("k")) or {})


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_a_delivery_that_was_rejected_for_another_is_free(house: House, key: Keys, returns: Any) -> None:
    write = Write.update(Book, ("a", "x"), {attr("Views").add(1)}, return_values=returns)
    house.db.reject(key("k"), write.fingerprint, "no", source="m1")
    assert not house.db.commit(write, key("k")).replayed


def test_what_one_entry_raises_is_that_entrys(house: House, key: Keys) -> None:
    """A validator that breaks on what is stored; a call that is denied for one table."""
    house.seed_image(Offer, {"id": "broken", "low": "text", "high": None})
    entries = [
        Entry(Write.update(Offer, "broken", {attr("note").set("n")}), key("1")),
        Entry(Write.update(Offer, "whole", {attr("note").set("n")}), key("2")),
        Entry(update("x", attr("Views").add(1)), key("3")),
    ]
    broken, *others = house.db.commit_many(entries)
    assert isinstance(broken.error, InvalidItem)
    assert kinds(others) == ["applied", "applied"]


def test_a_validator_that_raises_what_it_should_not(house: House, key: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Offer.from_image.__func__  # type: ignore[attr-defined]

    def fragile(cls: type[Offer], image: Any) -> Offer:
        if image["id"] == "broken":
            raise TypeError("unorderable")
        offer: Offer = real(cls, image)
        return offer

    monkeypatch.setattr(Offer, "from_image", classmethod(fragile))
    entries = [
        Entry(Write.update(Offer, id_, {attr("low").add(1)}), key(id_), lane=lane)
        for id_, lane in (("a", None), ("broken", None), ("b", None), ("c", "g"))
    ]
    results = house.db.commit_many(entries)
    assert kinds(results) == ["applied", "TypeError", "applied", "applied"]
    assert not results[1].final
    with pytest.raises(TypeError):
        house.db.commit(Write.update(Offer, "broken", {attr("low").add(1)}), key("alone"))


def test_blocked_and_failed_calls_are_not_final(house: House, key: Keys) -> None:
    def denied(operation: str, request: Any, /) -> dict[str, Any]:
        raise client_error(operation, "AccessDeniedException")

    entries = [Entry(update("x", attr("Views").add(n)), key(str(n)), lane="g") for n in range(2)]
    first, second = house.on(denied).commit_many(entries)
    assert isinstance(first.error, CallFailed)
    assert (first.error.code, first.error.operation, first.final) == (
        "AccessDeniedException",
        "TransactWriteItems",
        False,
    )
    assert (type(second.error), second.final) == (Blocked, False)


def test_a_table_that_is_denied_fails_its_own_entries_only(house: House, key: Keys) -> None:
    def denied(operation: str, request: Any, /) -> dict[str, Any]:
        if house.names["Books"] in str(request):
            raise client_error(operation, "AccessDeniedException")
        return house.transport(operation, request)

    entries = [
        Entry(Write.put(Product(id=n)) if n % 2 else update(str(n), attr("Views").add(1)), key(str(n)))
        for n in range(8)
    ]
    assert kinds(house.on(denied).commit_many(entries, parallel=1)) == ["CallFailed", "applied"] * 4


def test_refusals_are_kept_where_the_rest_fails(house: House, key: Keys) -> None:
    """Of steps that see their item the first is refused, the second is committed, the third comes after it."""
    house.seed(Offer(id="o", low=0, high=5))

    def denied(operation: str, request: Any, /) -> dict[str, Any]:
        if operation == "TransactWriteItems":
            raise client_error(operation, "AccessDeniedException")
        return house.transport(operation, request)

    entries = [Entry(Write.update(Offer, "o", {attr("low").add(n)}), key(str(n))) for n in (9, 3, 4)]
    assert kinds(house.on(denied).commit_many(entries)) == ["InvalidItem", "CallFailed", "CallFailed"]

"""Writes without a key when a response is lost: applied at least once, and never answered with what is not true."""

from collections.abc import Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, Client, IdempotencyKey, Write, attr
from surewrite.errors import ConditionFailed, InvalidItem, ResponseLost
from surewrite.testing import Exactly, Fault, FaultTransport, RecordingTransport
from tests.engine.house import House
from tests.faults.ways import book, no_sleep
from tests.models import Book, Offer


def lossy(house: House, calls: int = 1) -> tuple[Client, RecordingTransport]:
    """The responses of the first calls are lost."""
    recording = RecordingTransport(
        FaultTransport(Boto3Transport(house.client), Exactly(dict.fromkeys(range(1, calls + 1), Fault.DROP_RESPONSE)))
    )
    return house.on(recording, no_sleep), recording


UNREAD = attr("Views").eq(0)


def test_each_attempt_has_a_version_of_its_own(house: House, name: str) -> None:
    house.seed(book(name, stock=10))
    db, calls = lossy(house, 2)
    db.commit(Write.update(Book, ("a", name), {attr("Stock").add(-1)}))
    versions = {str(request["ExpressionAttributeValues"]) for _, request in calls.calls}
    assert len(versions) == 3


def test_a_pinned_write_notices_a_repeated_plain_one(house: House, name: str) -> None:
    """-3 without a key, twice for a lost response, and a keyed -5 that has read in between: 10 never becomes -1."""
    house.seed(book(name, stock=10))
    keyed = Write.update(Book, ("a", name), {attr("Stock").add(-5)}, return_values="ALL_NEW")
    plain = Write.update(Book, ("a", name), {attr("Stock").add(-3)})
    house.db.commit(plain)

    def between(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        if operation == "TransactWriteItems" and not repeated:
            repeated.append(house.db.commit(plain).version)
        return Boto3Transport(house.client)(operation, request)

    repeated: list[Any] = []
    with pytest.raises(InvalidItem):
        house.on(between, no_sleep).commit(keyed, IdempotencyKey("plain", name))
    assert (house.shown(Book, ("a", name)) or {})["Stock"] == 4


@pytest.mark.parametrize("keyed", [True, False])
def test_a_pinned_write_carries_the_models_constraints(house: House, name: str, keyed: bool) -> None:
    """A writer outside the library changes the item and leaves its version as it is."""
    house.seed(book(name, stock=10))
    outside: list[bool] = []

    def between(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        if operation in ("TransactWriteItems", "UpdateItem") and not outside:
            outside.append(True)
            house.seed(book(name, stock=2))
        return Boto3Transport(house.client)(operation, request)

    write = Write.update(Book, ("a", name), {attr("Stock").add(-5)}, return_values="ALL_NEW")
    with pytest.raises(InvalidItem):
        house.on(between, no_sleep).commit(write, IdempotencyKey("outside", name) if keyed else None)
    assert (house.shown(Book, ("a", name)) or {})["Stock"] == 2


@pytest.mark.parametrize(
    ("returns", "shown"),
    [("ALL_NEW", {"Stock": 1, "Views": 1, "Formats": {}}), ("UPDATED_NEW", {"Views": 1}), ("NONE", {})],
)
def test_a_conditional_update_is_known_again(house: House, name: str, returns: Any, shown: dict[str, int]) -> None:
    house.seed(book(name))
    db, _ = lossy(house)
    outcome = db.commit(Write.update(Book, ("a", name), {attr("Views").add(1)}, UNREAD, return_values=returns))
    attributes = outcome.attributes or {}
    assert {key: value for key, value in attributes.items() if key not in ("Author", "Title")} == shown
    assert outcome.version == (house.stored(Book, ("a", name)) or {})["_v"]


@pytest.mark.parametrize("returns", ["ALL_OLD", "UPDATED_OLD"])
def test_what_an_update_has_replaced_is_not_made_up(house: House, name: str, returns: Any) -> None:
    house.seed(book(name))
    db, _ = lossy(house)
    with pytest.raises(ResponseLost) as lost:
        db.commit(Write.update(Book, ("a", name), {attr("Views").add(1)}, UNREAD, return_values=returns))
    stored = house.stored(Book, ("a", name)) or {}
    assert (lost.value.version, lost.value.image) == (stored["_v"], house.shown(Book, ("a", name)))


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_a_replaced_item_was_not_created(house: House, name: str, returns: Any) -> None:
    """`If-Match` over HTTP."""
    house.seed(book(name))
    db, _ = lossy(house)
    outcome = db.commit(Write.put(book(name, views=3), version="seeded", return_values=returns))
    assert not outcome.created
    assert outcome.version == (house.stored(Book, ("a", name)) or {})["_v"]


@pytest.mark.parametrize("returns", ["NONE", "ALL_OLD", "ALL_NEW"])
def test_a_created_item_was_created(house: House, name: str, returns: Any) -> None:
    db, _ = lossy(house)
    outcome = db.commit(Write.put(book(name), absent=True, return_values=returns))
    assert outcome.created
    assert outcome.attributes == (book(name).to_image() if returns == "ALL_NEW" else None)


def test_an_unconditional_put_is_not_taken_for_what_it_has_replaced(house: House, name: str) -> None:
    house.seed(book(name))
    db, _ = lossy(house)
    assert not db.commit(Write.put(book(name, views=3))).created
    db, _ = lossy(house)
    with pytest.raises(ResponseLost):
        db.commit(Write.put(book(name, views=4), return_values="ALL_OLD"))
    assert (house.shown(Book, ("a", name)) or {})["Views"] == 4


def test_a_conditional_delete_that_is_repeated_is_done(house: House, name: str) -> None:
    house.seed(book(name))
    db, calls = lossy(house)
    db.commit(Write.delete(Book, ("a", name), version="seeded"))
    assert house.stored(Book, ("a", name)) is None
    assert calls.operations == ["DeleteItem"] * 2
    with pytest.raises(ConditionFailed):
        house.db.commit(Write.delete(Book, ("a", name), version="seeded"))


@pytest.mark.parametrize("returns", ["ALL_OLD", "UPDATED_OLD", "ALL_NEW"])
def test_a_write_that_has_seen_its_item_knows_what_it_replaced(house: House, name: str, returns: Any) -> None:
    house.seed(Offer(id=name, low=1))
    recording = FaultTransport(Boto3Transport(house.client), Exactly({2: Fault.DROP_RESPONSE}))
    write = Write.update(Offer, name, {attr("low").add(1)}, return_values=returns)
    outcome = house.on(recording, no_sleep).commit(write)
    assert (outcome.attributes or {})["low"] == (2 if returns == "ALL_NEW" else 1)
    assert (house.shown(Offer, name) or {})["low"] == 2

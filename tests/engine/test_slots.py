"""Slots: what keys that share a record do to each other, until it is closed and after that."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, Client, Entry, IdempotencyKey, Result, Write, attr
from surewrite.commit import slots
from surewrite.testing import InterceptingTransport, client_error
from tests.engine.house import PACKED, RETENTION, SECOND, House, attribute, short
from tests.engine.test_races import THREADS, at_once
from tests.models import Book


def view(title: str = "0", by: int = 1) -> Write:
    return Write.update(Book, ("a", title), {attr("Views").add(by)})


def views(numbers: Iterable[int], *, items: int = 1) -> list[Entry]:
    """Increments under keys of one slot, spread over items: the same number is the same request."""
    return [Entry(view(str(number % items)), PACKED(str(number))) for number in numbers]


def total(house: House, items: int = 1) -> int:
    """All views of the items."""
    return sum(int((house.shown(Book, ("a", str(number))) or {}).get("Views", 0)) for number in range(items))


def kinds(results: list[Result]) -> Counter[str]:
    """What became of how many requests."""
    return Counter(
        type(result.error).__name__ if result.outcome is None else "replayed" if result.outcome.replayed else "applied"
        for result in results
    )


def fill(house: House) -> House:
    """A house whose slot is closed: with ten keys, of another item."""
    house = house.closing_at(10)
    house.db.commit_many([Entry(view("other"), PACKED(f"full {number}")) for number in range(10)])
    house.transport.calls.clear()
    return house


def test_what_a_slot_holds(house: House) -> None:
    """Its form must stay the same for as long as ledgers last."""
    house.db.commit_many(views([1, 2]))
    assert house.slot(PACKED("1")) == {
        "id": f"queue:app#t{SECOND // 100}",
        "n": 2,
        attribute(PACKED("1")): short(view().fingerprint),
        attribute(PACKED("2")): short(view().fingerprint),
        "expires_at": int(house.clock.now) + RETENTION + 86_400,
    }
    assert house.consumed() == 2


def test_a_key_is_where_its_time_says_whatever_the_clocks_say(house: House) -> None:
    """The clocks of two workers differ by hours: each finds what the other has done."""
    late = house.late(6 * 3600)
    for number, (writer, other) in enumerate(((house.db, late.db), (late.db, house.db))):
        assert kinds(writer.commit_many(views([number]))) == {"applied": 1}
        assert kinds(other.commit_many(views([number]))) == {"replayed": 1}
        found = other.find(PACKED(str(number)))
        assert found is not None
        assert found.matches(view().fingerprint)
    assert (total(house), len(house.slots())) == (2, 1)


# --- closing ---------------------------------------------------------------------------------------------------------


def test_a_slot_closes_at_a_number_of_keys(house: House) -> None:
    house = house.closing_at(3)
    for number in range(5):
        assert kinds(house.db.commit_many(views([number]))) == {"applied": 1}
    assert [(slot["n"], len(slot)) for slot in house.slots()] == [(3, 6)]
    assert [house.record(PACKED(str(number))) is not None for number in range(5)] == [False] * 3 + [True] * 2
    assert kinds(house.db.commit_many(views([4, 3, 2, 1, 0]))) == {"replayed": 5}
    assert total(house) == 5


RIVALS: dict[str, tuple[Entry, str]] = {
    "another key": (Entry(view(), PACKED("rival")), "applied"),
    "the same key": (Entry(view(), PACKED("3")), "replayed"),
    "the same key of another request": (Entry(view(by=2), PACKED("3")), "KeyReused"),
}


@pytest.mark.parametrize(("rival", "then"), RIVALS.values(), ids=RIVALS)
def test_two_workers_at_the_last_key(house: House, rival: Entry, then: str) -> None:
    """The rival's key is the last that finds room."""
    house = house.closing_at(3)
    house.db.commit_many(views([1, 2]))
    waiting = [rival]

    def before(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and waiting:
            assert kinds(house.db.commit_many([waiting.pop()])) == {"applied": 1}

    db = house.on(InterceptingTransport(Boto3Transport(house.client), before))
    assert kinds(db.commit_many(views([3]))) == {then: 1}
    assert (house.record(PACKED("3")) is not None) == (then == "applied")
    assert total(house) == {"applied": 4, "replayed": 3, "KeyReused": 4}[then]
    assert [slot["n"] for slot in house.slots()] == [3]


def test_many_workers_while_the_slot_closes(house: House) -> None:
    """Every key is brought by two of them, each by a worker of its own."""
    db = house.closing_at(3).db
    for scope in map(str, range(5)):
        entries = [Entry(view(), PACKED(str(number // 2), scope)) for number in range(THREADS)]
        results = at_once(lambda number, entries=entries: db.commit_many([entries[number]])[0])  # type: ignore[misc]
        assert kinds(results) == {"applied": THREADS // 2, "replayed": THREADS // 2}
    assert total(house) == 5 * THREADS // 2
    assert [slot["n"] for slot in house.slots()] == [3] * 5


@pytest.mark.parametrize("parallel", [1, 8])
@pytest.mark.parametrize("items", [1, 300], ids=["one item", "300 items"])
def test_a_batch_meets_a_closed_slot(house: House, items: int, parallel: int) -> None:
    """Records take an action each: what was to be one transaction is divided."""
    house = fill(house)
    batch, waits = views(range(300), items=items), list[float]()
    db = house.on(house.transport, waits.append)
    assert kinds(db.commit_many(batch, parallel=parallel)) == {"applied": 300}
    assert (total(house, items), waits) == (300, [])
    # the first is cancelled; 99 records and their item, or 50 records and their items, share a transaction
    assert len(house.operations) <= (6 if items == 1 else 16)
    assert kinds(house.db.commit_many(batch[::-1], parallel=parallel)) == {"replayed": 300}
    assert (total(house, items), house.consumed()) == (300, 310)


@pytest.mark.parametrize("order", [1, -1])
def test_what_a_closed_slot_holds_is_known_in_every_transaction(house: House, order: int) -> None:
    """Not only in the one that has found it closed."""
    house = house.closing_at(50)
    batch = views(range(200), items=40)
    assert kinds(house.db.commit_many(batch, parallel=1)) == {"applied": 200}
    assert kinds(house.db.commit_many(batch[::order], parallel=1)) == {"replayed": 200}
    assert (total(house, 40), house.consumed()) == (200, 200)


def test_a_slot_closes_within_a_batch(house: House) -> None:
    """Other keys than those that close it, known ones and new ones, are in the same batch."""
    house = house.closing_at(130)
    known = views(range(0, 400, 2), items=7)
    house.db.commit_many(known)
    assert kinds(house.db.commit_many(views(range(400), items=7))) == {"applied": 200, "replayed": 200}


# --- many ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", [1, 50])
def test_thousands_of_keys_of_one_millisecond(house: House, items: int) -> None:
    """UUIDs of one producer: more than any slot takes."""

    def key(number: int) -> IdempotencyKey:
        return IdempotencyKey("queue:q", str(uuid.UUID(int=SECOND << 80 | 7 << 76 | 2 << 62 | number)))

    batch = [Entry(view(str(number % items)), key(number)) for number in range(2000)]
    assert kinds(house.db.commit_many(batch)) == {"applied": 2000}
    assert len(house.operations) <= 40
    (slot,) = house.slots()
    assert slots.CLOSE_AT <= slot["n"] < slots.CLOSE_AT + slots.MAX_CLAIMS
    assert kinds(house.db.commit_many(batch[::-1])) == {"replayed": 2000}
    assert (total(house, items), house.consumed()) == (2000, 2000)


def test_keys_of_one_slot_share_its_action(house: House) -> None:
    """Items that nothing else has in common, of two slots: a transaction each."""
    entries = [
        Entry(view(str(number)), IdempotencyKey("queue:q", f"{SECOND + 100 * (number % 2)}-{number}"))
        for number in range(198)
    ]
    assert kinds(house.db.commit_many(entries)) == {"applied": 198}
    assert house.operations == ["TransactWriteItems"] * 2
    assert [slot["n"] for slot in house.slots()] == [99, 99]


# --- keys whose hashes agree -----------------------------------------------------------------------------------------


def make_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on all keys have one and the same attribute."""
    monkeypatch.setattr(slots, "attribute", lambda key: "x" * 12)


def as_dynamodb(house: House) -> Client:
    """A writer whose engine refuses to set one attribute twice under two names, as DynamoDB does."""

    def before(operation: str, request: Mapping[str, Any]) -> None:
        for action in request.get("TransactItems", ()):
            names = list(action.get("Update", {}).get("ExpressionAttributeNames", {}).values())
            if len(set(names)) < len(names):
                raise client_error(operation, "ValidationException")

    return house.on(InterceptingTransport(Boto3Transport(house.client), before))


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
@pytest.mark.parametrize("title", ["0", "1"], ids=["of one item", "of two items"])
def test_neighbours_are_one_key(house: House, monkeypatch: pytest.MonkeyPatch, title: str, together: bool) -> None:
    """Once in 10 ** 16 slots: the second is taken for the first, and nothing else is lost, or done twice."""
    make_neighbours(monkeypatch)
    entries = [Entry(view("0"), PACKED("left")), Entry(view(title), PACKED("right"))]
    entries.append(Entry(view("2"), IdempotencyKey("queue:q", "k")))
    db = as_dynamodb(house)
    batches = [entries] if together else [[entry] for entry in entries]
    results = [result for batch in batches for result in db.commit_many(batch)]
    assert kinds(results) == {"applied": 2, "replayed" if title == "0" else "KeyReused": 1}
    assert total(house, 3) == 2


def test_neighbours_of_a_rejected_key_have_records_of_their_own(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    make_neighbours(monkeypatch)
    house.db.reject(PACKED("left"), "f", "no", source="m")
    assert kinds(house.db.commit_many([Entry(view(), PACKED("right"), source="m")])) == {"applied": 1}
    assert kinds(house.db.commit_many([Entry(view(), PACKED("left"), source="m")])) == {"Rejected": 1}
    assert kinds(house.db.commit_many([Entry(view(), PACKED("right"), source="m")])) == {"replayed": 1}


def test_neighbours_in_no_slot_are_two_keys(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was closed before."""
    house = fill(house)
    make_neighbours(monkeypatch)
    assert kinds(as_dynamodb(house).commit_many(views([1, 2]))) == {"applied": 2}
    assert kinds(as_dynamodb(house).commit_many(views([1, 2]))) == {"replayed": 2}
    assert total(house) == 2

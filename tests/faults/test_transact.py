"""Every fault at every call of a transaction: all of its effects are there once, and its record with them."""

from collections.abc import Sequence
from typing import Any

import pytest

from surewrite import IdempotencyKey, Outcome, Write, attr
from surewrite.errors import ConditionFailed
from surewrite.testing import Exactly, Fault
from tests.engine.house import House, Keys
from tests.faults.test_every_call import Masked
from tests.faults.test_unpromised import EDITS
from tests.faults.ways import IMPATIENT, book, broken, edited, fitting, no_sleep, until_done
from tests.models import Book, Offer, User

UNREAD = ("TransactWriteItems",)
READ = ("BatchGetItem", "TransactWriteItems")


def writes(name: str, operations: Sequence[str]) -> list[Write]:
    """A put, an update, a delete and a check, each of which its own effect would make impossible."""
    unread = [
        Write.put(book(f"{name}/new"), absent=True),
        Write.update(Book, ("a", name), {attr("Stock").add(-1)}, when=attr("Views").eq(0)),
        Write.delete(Book, ("a", f"{name}/old"), when=attr("Author").exists()),
        Write.check(User, (name, "v"), attr("age").eq(1)),
    ]
    return unread if operations == UNREAD else [*unread, Write.update(Offer, name, {attr("low").add(9)})]


@pytest.fixture
def seeded(house: House, name: str, keys: Keys) -> tuple[House, IdempotencyKey]:
    house.seed(book(name), book(f"{name}/old"), User(username=name, last_name="v", age=1), Offer(id=name, low=1))
    return house, keys(name)


def check(house: House, name: str, operations: Sequence[str], outcome: Outcome, key: IdempotencyKey) -> None:
    expected = writes(name, operations)
    stored = house.stored(Book, ("a", name)) or {}
    assert (stored["Stock"], stored["Views"]) == (0, 0)
    assert house.stored(Book, ("a", f"{name}/old")) is None
    assert (house.stored(Book, ("a", f"{name}/new")) or {})["_v"] == stored["_v"] != "seeded"
    assert (house.stored(User, (name, "v")) or {})["_v"] == "seeded"
    assert (house.stored(Offer, name) or {})["low"] == (1 if operations == UNREAD else 10)
    assert outcome.version in (stored["_v"], None)
    again = house.db.transact(expected, key)
    assert again.replayed
    assert house.stored(Book, ("a", name)) == stored


ONE_FAULT = [
    pytest.param(operations, call, fault, id=f"{operations[0]}, call {call}, {fault.name}")
    for operations in (UNREAD, READ)
    for call, operation in enumerate(operations, 1)
    for fault in fitting(operation)
]


@pytest.mark.parametrize("deadline", [None, IMPATIENT], ids=["patient", "impatient"])
@pytest.mark.parametrize(("operations", "call", "fault"), ONE_FAULT)
def test_one_fault(
    seeded: tuple[House, IdempotencyKey],
    name: str,
    operations: Sequence[str],
    call: int,
    fault: Fault,
    deadline: Any,
) -> None:
    house, key = seeded
    transport = broken(house, Exactly({call: fault}))
    together = writes(name, operations)
    outcome = until_done(house, transport, lambda writer: writer.transact(together, key, deadline=deadline))
    assert transport.injected == {call: fault}
    check(house, name, operations, outcome, key)


@pytest.mark.parametrize(
    "fault", [fault for fault in fitting("TransactWriteItems") if not fault.name.startswith("CRASH")]
)
def test_one_fault_without_a_key(house: House, name: str, fault: Fault) -> None:
    """DynamoDB knows the repeated transaction by its token."""
    house.seed(book(name), book(f"{name}/old"), User(username=name, last_name="v", age=1))
    transport = broken(house, Exactly({1: fault}))
    until_done(house, transport, lambda writer: writer.transact(writes(name, UNREAD)))
    assert transport.injected == {1: fault}
    assert (house.stored(Book, ("a", name)) or {})["Stock"] == 0


@pytest.mark.parametrize("operations", [UNREAD, READ])
@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
def test_a_failed_condition_beside_an_undecided_claim_is_no_answer(
    seeded: tuple[House, IdempotencyKey], name: str, operations: Sequence[str], code: str
) -> None:
    house, key = seeded
    together = writes(name, operations)
    first = house.db.transact(together, key)
    transport = Masked(house, code, 2)
    outcome = house.on(transport, no_sleep).transact(together, key)
    assert outcome.replayed
    assert transport.left == (0 if operations == UNREAD else 2)  # what is read first shows the record, too
    check(house, name, operations, first, key)


def test_a_refusal_consumes_nothing(seeded: tuple[House, IdempotencyKey], name: str) -> None:
    house, key = seeded
    unmet = [*writes(name, UNREAD)[:3], Write.check(User, (name, "v"), attr("age").eq(2))]
    transport = Masked(house, "TransactionConflict", 1)
    with pytest.raises(ConditionFailed) as failed:
        house.on(transport, no_sleep).transact(unmet, key)
    assert failed.value.location == ("writes", 3)
    assert house.holds(key) is None
    check(house, name, UNREAD, house.db.transact(writes(name, UNREAD), key), key)


@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
@pytest.mark.parametrize("operations", [UNREAD, READ])
def test_a_second_delivery_is_a_replay_whatever_a_cancellation_says(
    seeded: tuple[House, IdempotencyKey], name: str, operations: Sequence[str], edit: Any
) -> None:
    house, key = seeded
    first = house.db.transact(writes(name, operations), key)
    assert house.on(edited(house, edit), no_sleep).transact(writes(name, operations), key).replayed
    check(house, name, operations, first, key)


@pytest.mark.parametrize("edit", EDITS, ids=["no items", "one reason", "neither"])
def test_a_refusal_names_the_write_and_its_item_whatever_a_cancellation_says(
    seeded: tuple[House, IdempotencyKey], name: str, edit: Any
) -> None:
    house, key = seeded
    unmet = [*writes(name, UNREAD)[:3], Write.check(User, (name, "v"), attr("age").eq(2))]
    with pytest.raises(ConditionFailed) as failed:
        house.on(edited(house, edit), no_sleep).transact(unmet, key)
    assert failed.value.location == ("writes", 3)
    assert (failed.value.image or {})["age"] == 1
    check(house, name, UNREAD, house.db.transact(writes(name, UNREAD), key), key)

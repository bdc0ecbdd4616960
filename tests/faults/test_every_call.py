"""Every fault at every call of every way: the effect is there once, and its record with it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite import Boto3Transport, Client, Outcome
from surewrite.commit.records import Record
from surewrite.errors import ConditionFailed
from surewrite.testing import Exactly, Fault, RecordingTransport, cancellation
from tests.engine.house import OWN, PACKED, House, Keys
from tests.faults.ways import BLIND, IMPATIENT, PINNED, WAYS, broken, check, fitting, no_sleep, prepare, until_done

ONE_FAULT = [
    pytest.param(way, call, fault, id=f"{way}, call {call}, {fault.name}")
    for way, how in WAYS.items()
    for call, operation in enumerate(how.operations, 1)
    for fault in fitting(operation)
]


TWO_FAULTS = [
    pytest.param(keys, way, id=f"{keys.kind}, {way}")
    for keys, ways in (
        (OWN, ["blind if", "pinned if", "create and show", "pinned by validators"]),
        (PACKED, ["pinned if"]),
    )
    for way in ways
]


@pytest.mark.parametrize("way", WAYS)
def test_the_way_without_a_fault(house: House, name: str, keys: Keys, way: str) -> None:
    write, key = prepare(house, WAYS[way], name, keys)
    calls = RecordingTransport(Boto3Transport(house.client))
    outcome = house.on(calls).commit(write, key)
    assert tuple(calls.operations) == WAYS[way].operations
    assert not outcome.replayed
    check(house, WAYS[way], name, outcome, keys)


@pytest.mark.parametrize("deadline", [None, IMPATIENT], ids=["patient", "impatient"])
@pytest.mark.parametrize(("way", "call", "fault"), ONE_FAULT)
def test_one_fault(house: House, name: str, keys: Keys, way: str, call: int, fault: Fault, deadline: Any) -> None:
    write, key = prepare(house, WAYS[way], name, keys)
    transport = broken(house, Exactly({call: fault}))
    outcome = until_done(house, transport, lambda writer: writer.commit(write, key, deadline=deadline))
    assert transport.injected == {call: fault}
    check(house, WAYS[way], name, outcome, keys)


@pytest.mark.parametrize(("keys", "way"), TWO_FAULTS, indirect=["keys"])
def test_two_faults_in_a_row(house: House, name: str, keys: Keys, way: str) -> None:
    """Wherever the second one can hit what the first one has led to."""
    writes = fitting("TransactWriteItems")
    reads = fitting("BatchGetItem")
    pairs = [(first, second) for first in writes for second in (*writes, *reads)]
    position = len(WAYS[way].operations)
    met = 0
    for number, (first, second) in enumerate(pairs):
        item = f"{name}/{number}"
        write, key = prepare(house, WAYS[way], item, keys)
        transport = broken(house, Exactly({position: first, position + 1: second}, if_fitting=True))
        outcome = until_done(house, transport, lambda writer, w=write, k=key: writer.commit(w, k))  # type: ignore[misc]
        check(house, WAYS[way], item, outcome, keys)
        met += len(transport.injected) == 2
    assert met >= len(writes)


# --- rejections ------------------------------------------------------------------------------------------------------

# the rejection of a key that lies in a slot is a record and a mark there, in one transaction
rejection_faults = pytest.mark.parametrize(
    ("keys", "fault"),
    [
        pytest.param(keys, fault, id=f"{keys.kind}, {fault.name}")
        for keys, operation in ((OWN, "UpdateItem"), (PACKED, "TransactWriteItems"))
        for fault in fitting(operation)
    ],
    indirect=["keys"],
)


@rejection_faults
def test_a_rejection(house: House, name: str, keys: Keys, fault: Fault) -> None:
    """It is recorded, and leaves the key to whoever applies the write after all."""
    write, key = prepare(house, WAYS["blind"], name, keys)
    transport = broken(house, Exactly({1: fault}))
    reject: Callable[[Client], Record | None] = lambda writer: writer.reject(key, write.fingerprint, "bad")  # noqa: E731
    assert until_done(house, transport, reject) is None
    assert transport.injected == {1: fault}
    record = house.db.find(key)
    assert record is not None
    assert (record.rejected, record.outcome, record.fingerprint) == ("bad", None, write.fingerprint)
    assert (house.stored(write.model, write.key) or {})["_v"] == "seeded"

    outcome = house.db.commit(write, key)
    assert not outcome.replayed
    check(house, WAYS["blind"], name, outcome, keys)


@rejection_faults
def test_a_rejection_that_comes_too_late(house: House, name: str, keys: Keys, fault: Fault) -> None:
    write, key = prepare(house, WAYS["pinned"], name, keys)
    outcome = house.db.commit(write, key)
    transport = broken(house, Exactly({1: fault}))
    standing = until_done(house, transport, lambda writer: writer.reject(key, "f", "bad"))
    assert standing is not None
    assert standing.matches(write.fingerprint)
    assert standing.rejected is None
    check(house, WAYS["pinned"], name, outcome, keys)


@pytest.mark.parametrize("fault", fitting("TransactWriteItems"))
@pytest.mark.parametrize("way", ["blind", "pinned"])
def test_the_write_of_a_rejected_key(house: House, name: str, keys: Keys, way: str, fault: Fault) -> None:
    write, key = prepare(house, WAYS[way], name, keys)
    house.db.reject(key, "f", "bad")
    transport = broken(house, Exactly({len(WAYS[way].operations): fault}))
    check(house, WAYS[way], name, until_done(house, transport, lambda writer: writer.commit(write, key)), keys)
    assert list(transport.injected.values()) == [fault]


# --- what only DynamoDB's cancellations can say ----------------------------------------------------------------------


class Masked:
    """Of the first cancellations the ledger's part is hidden behind a passing failure: another delivery is writing."""

    def __init__(self, house: House, code: str, times: int) -> None:
        self._send, self._code, self.left = Boto3Transport(house.client), code, times

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        try:
            return self._send(operation, request)
        except ClientError as error:
            response: Mapping[str, Any] = error.response
            _, *reasons = response["CancellationReasons"]
            if not self.left:
                raise
            self.left -= 1
            raise cancellation(operation, self._code, *reasons) from None


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
@pytest.mark.parametrize("way", [way for way, how in WAYS.items() if how.operations == BLIND])
def test_a_failed_condition_beside_an_undecided_claim_is_no_answer(
    house: House, name: str, keys: Keys, way: str, code: str
) -> None:
    """The condition may have been unmet by the key's own first delivery."""
    write, key = prepare(house, WAYS[way], name, keys)
    house.db.commit(write, key)
    transport = Masked(house, code, 3)
    outcome = house.on(transport, no_sleep).commit(write, key)
    assert outcome.replayed
    assert transport.left == 0
    check(house, WAYS[way], name, outcome, keys)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
@pytest.mark.parametrize("way", [way for way, how in WAYS.items() if how.operations == PINNED])
def test_the_same_for_a_lost_race(house: House, name: str, keys: Keys, way: str, code: str) -> None:
    """The first delivery commits after the second one has read."""
    write, key = prepare(house, WAYS[way], name, keys)
    masked = Masked(house, code, 2)
    first: list[Outcome] = []

    def race(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        if operation == "TransactWriteItems" and not first:
            first.append(house.db.commit(write, key))
        return masked(operation, request)

    outcome = house.on(race, no_sleep).commit(write, key)
    assert outcome.replayed
    check(house, WAYS[way], name, outcome, keys)


def test_a_failed_condition_beside_a_free_key_is_an_answer(house: House, name: str, keys: Keys) -> None:
    write, key = prepare(house, WAYS["blind if"], name, keys)
    house.db.commit(WAYS["blind"].write(name))
    transport = Masked(house, "TransactionConflict", 2)
    with pytest.raises(ConditionFailed) as failed:
        house.on(transport, no_sleep).commit(write, key)
    assert transport.left == 0
    assert (failed.value.image or {})["Views"] == 1
    assert house.holds(key) is None

"""The transports for tests: each fault does what it says, and can be had again."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from surewrite.testing import Crash, Exactly, Fault, FaultTransport, Randomly, RecordingTransport

TRANSACTION: dict[str, Any] = {"TransactItems": [{"Put": {}}, {"Update": {}}]}


def echo(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
    return {"Echo": operation, **request}


def send(fault: Fault, operation: str, request: Mapping[str, Any]) -> tuple[Any, list[str], list[float]]:
    """What comes back or is raised, what has reached DynamoDB, and the delays."""
    calls, delays = RecordingTransport(echo), list[float]()
    transport = FaultTransport(calls, Exactly({1: fault}), delay=3, sleep=delays.append)
    try:
        answer: Any = transport(operation, request)
    except (Exception, Crash) as error:
        answer = error
    assert transport.injected == ({1: fault} if fault is not Fault.PASS and fault.fits(operation) else {})
    return answer, calls.operations, delays


def test_what_passes() -> None:
    assert send(Fault.PASS, "GetItem", {"Key": 1}) == ({"Echo": "GetItem", "Key": 1}, ["GetItem"], [])
    assert send(Fault.DELAY, "GetItem", {"Key": 1}) == ({"Echo": "GetItem", "Key": 1}, ["GetItem"], [3])


@pytest.mark.parametrize(
    ("fault", "error", "reached"),
    [
        (Fault.DROP_REQUEST, ConnectionClosedError, False),
        (Fault.DROP_RESPONSE, ReadTimeoutError, True),
        (Fault.CRASH_BEFORE, Crash, False),
        (Fault.CRASH_AFTER, Crash, True),
    ],
)
def test_what_breaks_off(fault: Fault, error: type[BaseException], reached: bool) -> None:
    answer, operations, _ = send(fault, "PutItem", {})
    assert type(answer) is error
    assert operations == ["PutItem"] * reached


@pytest.mark.parametrize(
    ("fault", "operation", "code", "status"),
    [
        (Fault.THROTTLE, "GetItem", "ThrottlingException", 400),
        (Fault.SERVER_ERROR, "GetItem", "InternalServerError", 500),
        (Fault.CONFLICT, "UpdateItem", "TransactionConflictException", 400),
        (Fault.IN_PROGRESS, "TransactWriteItems", "TransactionInProgressException", 400),
    ],
)
def test_what_dynamodb_refuses(fault: Fault, operation: str, code: str, status: int) -> None:
    answer, operations, _ = send(fault, operation, TRANSACTION)
    assert isinstance(answer, ClientError)
    assert answer.response["Error"]["Code"] == code
    assert answer.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert operations == []


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (Fault.CONFLICT, ["None", "TransactionConflict"]),
        (Fault.CONFLICT_AT_FIRST, ["TransactionConflict", "None"]),
        (Fault.CANCELLED_BY_THROTTLE, ["None", "ThrottlingError"]),
    ],
)
def test_what_cancels_a_transaction(fault: Fault, codes: list[str]) -> None:
    answer, operations, _ = send(fault, "TransactWriteItems", TRANSACTION)
    assert isinstance(answer, ClientError)
    response: Mapping[str, Any] = answer.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in response["CancellationReasons"]] == codes
    assert operations == []


@pytest.mark.parametrize(
    ("operation", "left", "asked", "done", "rest"),
    [
        (
            "BatchGetItem",
            "UnprocessedKeys",
            {"a": {"Keys": [1, 2], "ConsistentRead": True}, "b": {"Keys": [3, 4]}},
            {"a": {"Keys": [1, 2], "ConsistentRead": True}},
            {"b": {"Keys": [3, 4]}},
        ),
        ("BatchWriteItem", "UnprocessedItems", {"a": [1, 2], "b": [3]}, {"a": [1]}, {"a": [2], "b": [3]}),
    ],
)
def test_a_batch_is_carried_out_by_half(operation: str, left: str, asked: Any, done: Any, rest: Any) -> None:
    answer, operations, _ = send(Fault.UNPROCESSED, operation, {"RequestItems": asked})
    assert answer == {"Echo": operation, "RequestItems": done, left: rest}
    assert operations == [operation]


def test_the_half_of_one_is_nothing() -> None:
    asked = {"RequestItems": {"a": {"Keys": [1]}}}
    answer, operations, _ = send(Fault.UNPROCESSED, "BatchGetItem", asked)
    assert answer == {"Responses": {}, "UnprocessedKeys": asked["RequestItems"]}
    assert operations == []


@pytest.mark.parametrize(
    ("fault", "operation"),
    [(Fault.CONFLICT, "GetItem"), (Fault.IN_PROGRESS, "PutItem"), (Fault.UNPROCESSED, "TransactWriteItems")],
)
def test_a_plan_that_cannot_be(fault: Fault, operation: str) -> None:
    answer, operations, _ = send(fault, operation, TRANSACTION)
    assert isinstance(answer, ValueError)
    assert operations == []


def _run(plan: Any) -> FaultTransport:
    transport = FaultTransport(echo, plan, sleep=lambda _: None)
    for _ in range(60):
        with suppress(Exception, Crash):
            transport("TransactWriteItems", TRANSACTION)
    return transport


def test_a_seed_and_its_faults_can_be_had_again() -> None:
    first, other = _run(Randomly(7)), _run(Randomly(8))
    assert first.injected == _run(Randomly(7)).injected != other.injected
    assert _run(Exactly(first.injected)).injected == first.injected
    assert 5 < len(first.injected) < 25
    assert max(first.injected) <= 30
    assert repr(first) == f"FaultTransport(Randomly(seed=7, rate=0.5, calls=30), injected={first.injected})"
    assert f"1: {Fault.CRASH_AFTER!r}" in repr(_run(Exactly({1: Fault.CRASH_AFTER})))
    assert eval(repr(first.injected)) == first.injected  # noqa: S307


def test_every_fault_that_fits_is_drawn() -> None:
    drawn = {fault for seed in range(50) for fault in _run(Randomly(seed, rate=1)).injected.values()}
    assert drawn == {fault for fault in Fault if fault.fits("TransactWriteItems")} - {Fault.PASS}

"""Operations: accepted by one process, committed by another, cut off anywhere in between."""

from __future__ import annotations

from typing import Any

import pytest

from surewrite import (
    Boto3Transport,
    ConditionFailed,
    Deadline,
    IdempotencyKey,
    KeyReused,
    NotQueued,
    Operations,
)
from surewrite.testing import (
    Crash,
    Exactly,
    Fault,
    FaultTransport,
    InterceptingTransport,
    sqs_record,
)
from tests.engine.desk import KEY, QUEUE, RAINMAKER, Desk, add, write_of
from tests.engine.house import RETENTION
from tests.models import Book


def test_pending_then_applied_with_its_outcome(desk: Desk) -> None:
    assert desk.status() is None
    assert desk.submit(add("Views", 5, return_values="UPDATED_NEW")) is None
    operation = desk.operations.find(KEY)
    assert operation is not None
    assert (operation.status, operation.since) == ("pending", int(desk.house.clock.now))
    assert desk.views is None

    assert desk.work().applied == 1
    operation = desk.operations.find(KEY)
    assert operation is not None
    assert operation.outcome is not None
    assert (operation.status, operation.outcome.attributes) == ("applied", {"Views": 5})


def test_a_key_is_marked_by_one_call_and_committed_with_no_more_than_without_a_mark(desk: Desk) -> None:
    message = add("Views", 1)
    assert desk.house.operations == []
    desk.submit(message)
    assert desk.house.operations == ["UpdateItem"]
    desk.work()
    assert desk.house.operations == ["TransactWriteItems"]

    other = IdempotencyKey(KEY.scope, "synchronous")
    desk.house.db.commit(write_of(message), other)
    assert desk.house.operations == ["TransactWriteItems"]


def test_clicks_become_one_write(desk: Desk) -> None:
    for number in range(50):
        desk.submit(add("Views", 1), IdempotencyKey(KEY.scope, f"click-{number}"))
    desk.house.transport.calls.clear()
    assert desk.work().applied == 50
    (operation,) = desk.house.operations
    assert operation == "TransactWriteItems"
    assert desk.views == 50
    assert {desk.status(IdempotencyKey(KEY.scope, f"click-{number}")) for number in range(50)} == {"applied"}


def test_a_key_is_the_same_request_either_way(desk: Desk) -> None:
    message = add("Views", 5, return_values="UPDATED_NEW")
    desk.house.db.commit(write_of(message), KEY)
    replay = desk.submit(message)
    assert (replay.replayed, replay.attributes, desk.sqs.bodies) == (True, {"Views": 5}, [])

    key = IdempotencyKey(KEY.scope, "other way")
    desk.submit(message, key)
    outcome = desk.house.db.commit(write_of(message), key)
    assert (outcome.replayed, outcome.attributes) == (False, {"Views": 10})
    assert (desk.work().replayed, desk.views) == (1, 10)
    assert desk.submit(message, key).replayed


def test_a_key_is_not_taken_for_another_request(desk: Desk) -> None:
    desk.submit(add("Views", 1))
    with pytest.raises(KeyReused):
        desk.submit(add("Views", 2))
    desk.work()
    with pytest.raises(KeyReused):
        desk.submit(add("Views", 2))
    with pytest.raises(KeyReused):
        desk.house.db.commit(write_of(add("Views", 2)), KEY)
    assert (desk.views, len(desk.sqs.bodies)) == (1, 1)


def test_a_synchronous_request_may_take_a_pending_key(desk: Desk) -> None:
    """Nothing is consumed by the mark. The message is refused when it comes, and kept with the reason."""
    desk.submit(add("Views", 1))
    desk.house.db.commit(write_of(add("Views", 7)), KEY)
    report = desk.work()
    assert (report.applied, report.errors, desk.views) == (0, {}, 7)
    assert [rejection.cause for rejection in desk.copies.rejections] == ["KeyReused"]
    assert desk.others.rejections == []


def test_rejected_with_its_reason_until_it_is_accepted_again(desk: Desk) -> None:
    message = add("Stock", -1)
    desk.submit(message)
    (record,) = desk.records
    assert desk.work([record]).errors == {}
    operation = desk.operations.find(KEY)
    assert operation is not None
    assert (operation.status, operation.outcome) == ("rejected", None)
    assert operation.reason == "InvalidItem: Stock: Input should be greater than or equal to 0"
    assert desk.copies.keys == ["k"]

    desk.house.db.commit(write_of(add("Stock", 1)), IdempotencyKey("app", "delivery"))
    assert desk.submit(message) is None
    assert desk.status() == "pending"
    # the worker had died before SQS deleted it: this message stays rejected, and the new one may be applied
    assert (desk.work([record]).applied, desk.status()) == (0, "pending")
    assert (desk.work().applied, desk.status()) == (1, "applied")
    assert (desk.house.shown(Book, RAINMAKER) or {})["Stock"] == 0


def test_another_request_may_follow_a_rejected_one(desk: Desk) -> None:
    desk.submit(add("Stock", -1))
    (record,) = desk.records
    desk.work([record])
    desk.submit(add("Stock", 2))
    with pytest.raises(KeyReused):
        desk.submit(add("Stock", 3))
    assert desk.work([record]).applied == 0
    assert (desk.work().applied, desk.status()) == (1, "applied")
    assert (desk.house.shown(Book, RAINMAKER) or {})["Stock"] == 2


def test_a_rejected_copy_that_is_moved_back_applies_once(desk: Desk) -> None:
    desk.submit(add("Stock", -1))
    desk.work()
    desk.house.db.commit(write_of(add("Stock", 5)), IdempotencyKey("app", "delivery"))
    (rejection,) = desk.copies.rejections
    body = rejection.record.body
    moved = [sqs_record(body, queue=QUEUE, attributes={"IdempotencyKey": "k", "SourceQueue": QUEUE}) for _ in range(3)]
    report = desk.work(moved)
    assert (report.applied, report.replayed, desk.status()) == (1, 2, "applied")
    assert (desk.house.shown(Book, RAINMAKER) or {})["Stock"] == 4


def test_what_comes_twice_is_applied_once(desk: Desk) -> None:
    desk.submit(add("Views", 1))
    desk.submit(add("Views", 1))
    first, second = desk.records
    report = desk.work([first, second, first])
    assert (report.applied, report.replayed, report.errors) == (1, 2, {})
    assert (desk.work([{**first, "attributes": {"ApproximateReceiveCount": "2"}}]).replayed, desk.views) == (1, 1)


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_the_worker_dies(desk: Desk, fault: Fault) -> None:
    desk.submit(add("Views", 1))
    records = desk.records
    dying = desk.house.on(FaultTransport(Boto3Transport(desk.house.client), Exactly({1: fault})))
    with pytest.raises(Crash):
        desk.work(records, dying)
    assert desk.status() == ("pending" if fault is Fault.CRASH_BEFORE else "applied")
    report = desk.work(records)
    assert (report.applied, report.replayed) == ((1, 0) if fault is Fault.CRASH_BEFORE else (0, 1))
    assert (desk.status(), desk.views) == ("applied", 1)


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_the_api_dies_at_the_mark(desk: Desk, fault: Fault) -> None:
    dying = Operations(
        desk.house.on(FaultTransport(Boto3Transport(desk.house.client), Exactly({1: fault}))), "", lambda: desk.sqs
    )
    message = add("Views", 1)
    with pytest.raises(Crash):
        dying.submit(write_of(message), message, KEY, deadline=Deadline.after(10))
    assert (desk.status(), desk.sqs.bodies) == (None if fault is Fault.CRASH_BEFORE else "pending", [])
    # the same request, either way, as if nothing had been
    assert desk.submit(message) is None
    desk.house.db.commit(write_of(message), KEY)
    assert (desk.work().replayed, desk.views) == (1, 1)


def test_the_queue_takes_nothing(desk: Desk) -> None:
    desk.sqs.down = True
    with pytest.raises(NotQueued) as caught:
        desk.submit(add("Views", 1))
    assert caught.value.code == "EndpointConnectionError"
    assert desk.status() == "pending"
    desk.sqs.down = False
    assert desk.submit(add("Views", 1)) is None
    assert (desk.work().applied, desk.views) == (1, 1)


def test_a_mark_whose_response_is_lost_is_made_again(desk: Desk) -> None:
    lossy = FaultTransport(Boto3Transport(desk.house.client), Exactly({1: Fault.DROP_RESPONSE}))
    desk.operations = Operations(desk.house.on(lossy), "", lambda: desk.sqs)
    assert desk.submit(add("Views", 1)) is None
    assert len(desk.sqs.bodies) == 1


def test_a_record_that_did_not_come_along_is_read(desk: Desk) -> None:
    desk.house.db.commit(write_of(add("Views", 1)), KEY)

    class Silent:
        def __call__(self, operation: str, request: Any, /) -> dict[str, Any]:
            asked = {**request}
            asked.pop("ReturnValuesOnConditionCheckFailure", None)
            return desk.house.transport(operation, asked)

    desk.operations = Operations(desk.house.on(Silent()), "", lambda: desk.sqs)
    assert desk.submit(add("Views", 1)).replayed
    with pytest.raises(KeyReused):
        desk.submit(add("Views", 2))


def test_a_mark_lasts_as_long_as_a_key(desk: Desk) -> None:
    desk.submit(add("Views", 1))
    desk.house.clock.now += RETENTION + 1
    assert desk.status() is None
    assert desk.submit(add("Views", 2)) is None
    assert desk.status() == "pending"


def test_an_expired_key_is_accepted_anew(desk: Desk) -> None:
    message = add("Views", 1, return_values="ALL_NEW")
    desk.house.db.commit(write_of(message), KEY)
    desk.house.clock.now += RETENTION + 1
    assert desk.submit(message) is None
    operation = desk.operations.find(KEY)
    assert operation is not None
    assert (operation.status, operation.outcome) == ("pending", None)
    assert set(desk.house.record(KEY) or ()) == {"id", "fingerprint", "pending_since", "expires_at"}


def test_a_race_for_the_key_between_the_mark_and_its_look(desk: Desk) -> None:
    """The record that stood in the way is gone, or free, by the time that it is read: the client is to try again."""
    desk.house.db.commit(write_of(add("Views", 1)), KEY)

    def forget(operation: str, request: Any) -> None:
        request.pop("ReturnValuesOnConditionCheckFailure", None)
        if operation == "GetItem":
            desk.house.client.delete_item(TableName=desk.house.names["Ledger"], Key={"id": {"S": KEY.record_id}})

    transport = InterceptingTransport(Boto3Transport(desk.house.client), forget)
    desk.operations = Operations(desk.house.on(transport), "", lambda: desk.sqs)
    with pytest.raises(Exception, match="about to use the key"):
        desk.submit(add("Views", 1))


def test_an_unmet_condition_is_rejected_when_it_is_committed(desk: Desk) -> None:
    message = add("Views", 1, if_match="gone")
    desk.submit(message)
    desk.work()
    operation = desk.operations.find(KEY)
    assert operation is not None
    assert operation.reason == "ConditionFailed: the condition is not met"
    with pytest.raises(ConditionFailed):
        desk.house.db.commit(write_of(message), KEY)

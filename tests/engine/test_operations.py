"""Operations: accepted by one process, committed by another, cut off anywhere in between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from surewrite import (
    Boto3Transport,
    ConditionFailed,
    ConfigurationError,
    Deadline,
    IdempotencyKey,
    InvalidRequest,
    KeyReused,
    MessageTooLarge,
    NotQueued,
    Operations,
    Write,
    attr,
)
from surewrite.messages import parse_message
from surewrite.model.json import loads
from surewrite.operations import MAX_MESSAGE_BYTES, message_of, read_message
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer, RejectedQueues, Report
from surewrite.testing import (
    Crash,
    Exactly,
    Fault,
    FaultTransport,
    InterceptingTransport,
    RecordingSQS,
    RejectedMessages,
    sqs_record,
)
from tests.engine.house import RETENTION, House
from tests.models import Book, Product

QUEUE = "surewrite-OperationsQueue-1A2B"
KEY = IdempotencyKey("jwt:https://issuer.example alice", "k")
RAINMAKER = {"Author": "John Grisham", "Title": "The Rainmaker"}


class Desk:
    """An API that accepts, a queue that holds, a worker that commits."""

    def __init__(self, house: House) -> None:
        self.house, self.sqs = house, RecordingSQS()
        self.copies, self.others = RejectedMessages(), RejectedMessages()
        self.operations = self.on(house)
        self.received = 0

    def on(self, house: House) -> Operations:
        return Operations(house.db, "https://operations", lambda: self.sqs)

    def submit(self, message: dict[str, Any], key: IdempotencyKey = KEY) -> Any:
        write = write_of(message)
        return self.operations.submit(write, message, key, deadline=Deadline.after(10))

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was sent since the last time that it was received."""
        bodies, self.received = self.sqs.bodies[self.received :], len(self.sqs.bodies)
        return [sqs_record(body, queue=QUEUE) for body in bodies]

    def work(self, records: Iterable[Any] | None = None, db: Any = None) -> Report:
        rejected = RejectedQueues(self.others, {QUEUE: self.copies})
        consumer = Consumer(db or self.house.db, Catalogue(Book, Product), rejected, operations=QUEUE)
        return consumer.process(self.records if records is None else records, deadline=Deadline.after(10))

    def status(self, key: IdempotencyKey = KEY) -> str | None:
        operation = self.operations.find(key)
        return None if operation is None else operation.status

    @property
    def views(self) -> Any:
        return (self.house.shown(Book, RAINMAKER) or {}).get("Views")


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


def add(attribute: str, value: int, **members: Any) -> dict[str, Any]:
    return {"op": "update", "collection": "books", "key": RAINMAKER, "add": {attribute: value}, **members}


def write_of(message: dict[str, Any]) -> Any:
    return parse_message(message).to_write(Catalogue(Book, Product))


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


def test_only_its_own_queue_says_whose_key_it_is(desk: Desk) -> None:
    """The same message in any other queue is refused, under the scope of that queue."""
    body = message_of(KEY, add("Views", 1))
    report = desk.work([sqs_record(body, queue="WritesQueue"), sqs_record(body, queue="OperationsQueue")])
    assert (report.applied, len(report.rejected), desk.views, desk.status()) == (0, 2, None, None)
    assert {rejection.key.scope for rejection in desk.others.rejections} == {
        "queue:WritesQueue",
        "queue:OperationsQueue",
    }
    assert desk.copies.rejections == []
    # and without the setting no queue does
    consumer = Consumer(desk.house.db, Catalogue(Book), desk.others)
    (rejection,) = consumer.process([sqs_record(body, queue=QUEUE)], deadline=Deadline.after(10)).rejected
    assert rejection.key.scope == f"queue:{QUEUE}"


@pytest.mark.parametrize(
    "body",
    [
        add("Views", 1),
        {"scope": "a", "key": "k"},
        {"scope": "a", "key": "k", "write": {}, "more": 1},
        {"scope": 1, "key": "k", "write": {}},
        {"scope": "a", "key": "", "write": {}},
        [],
    ],
)
def test_a_message_that_is_no_operation(desk: Desk, body: Any) -> None:
    with pytest.raises(InvalidRequest):
        read_message(body)
    report = desk.work([sqs_record(body, queue=QUEUE)])
    assert [rejection.key.scope for rejection in report.rejected] == [f"queue:{QUEUE}"]


def test_a_write_that_is_no_longer_valid_is_rejected_under_its_key(desk: Desk) -> None:
    """As after a deploy that changes the model."""
    report = desk.work([sqs_record(message_of(KEY, add("Nowhere", 1)), queue=QUEUE)])
    assert [rejection.key for rejection in report.rejected] == [KEY]
    operation = desk.operations.find(KEY)
    assert operation is not None
    assert (operation.reason or "").startswith("InvalidUpdate: add Nowhere: ")


def test_a_message_of_any_text(desk: Desk) -> None:
    text = "\ufffe\uffff\x00\x1f 😀 é \\ufffe"
    item = {**RAINMAKER, "Category": text}
    body = message_of(KEY, {"op": "put", "collection": "books", "item": item})
    assert not set(body) & {"\ufffe", "\uffff", "\x00", "\x1f"}
    assert loads(body)["write"]["item"] == item


def test_a_message_that_is_another_write(desk: Desk) -> None:
    """A condition that is lost on the way, say, would not be noticed by anyone."""
    write = write_of(add("Views", 1, when={"Stock": {"gt": 0}}))
    with pytest.raises(ConfigurationError, match="another write"):
        desk.operations.submit(write, add("Views", 1), KEY, deadline=Deadline.after(10))
    assert (desk.status(), desk.sqs.bodies) == (None, [])


def test_a_message_that_is_too_large(desk: Desk) -> None:
    item = {**RAINMAKER, "Category": "x" * MAX_MESSAGE_BYTES}
    with pytest.raises(MessageTooLarge, match="send it without respond-async"):
        message_of(KEY, {"op": "put", "collection": "books", "item": item})


def test_what_its_headers_demand_travels_along(desk: Desk) -> None:
    book = Book(author="John Grisham", title="The Rainmaker")
    put = {"op": "put", "collection": "books", "item": RAINMAKER, "if_none_match": "*"}
    assert write_of(put).fingerprint == Write.put(book, absent=True).fingerprint
    key = Book.schema_.key(RAINMAKER)
    stale = {"op": "delete", "collection": "books", "key": RAINMAKER, "if_match": "v1", "return_values": "ALL_OLD"}
    assert write_of(stale).fingerprint == Write.delete(Book, key, version="v1", return_values="ALL_OLD").fingerprint
    anything = add("Views", 1, if_match="*", when={"Stock": {"eq": 1}})
    present = attr("Stock").eq(1) & attr("Author").exists()
    assert write_of(anything).fingerprint == Write.update(Book, key, {attr("Views").add(1)}, present).fingerprint
    merge = {
        "op": "merge",
        "collection": "books",
        "key": RAINMAKER,
        "patch": {"Formats": {"Ebook": "E", "Hardcover": None}},
    }
    assert write_of(merge).kind == "update"
    with pytest.raises(InvalidRequest) as caught:
        write_of({**merge, "patch": {"Stock": "many"}})
    assert caught.value.problems[0].location == ("patch", "Stock")


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

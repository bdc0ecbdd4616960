"""Message groups of a FIFO queue: their order, and the keys that their deduplication gives them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite.testing import RecordingSQS, sqs_record
from tests.acceptance.harness import RAINMAKER_KEY, Event, Store, Worker, add, timed

FIRST = timed("first")
QUEUE = "OrderedWritesQueue.fifo"


def ordered(body: Any, message_id: str, group: str = "g", deduplication_id: str | None = None) -> Event:
    deduplication_id = deduplication_id or timed(message_id)
    return sqs_record(body, message_id=message_id, group=group, deduplication_id=deduplication_id, queue=QUEUE)


def category(value: str, **members: Any) -> dict[str, Any]:
    return {"op": "update", "collection": "books", "key": RAINMAKER_KEY, "set": {"Category": value}, **members}


def throttle_transactions(operation: str, request: Mapping[str, Any]) -> None:
    """Rejections can be recorded all the same."""
    if operation == "TransactWriteItems":
        error: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
        raise ClientError(error, operation)


# --- order ---------------------------------------------------------------------------------------------------------


def test_a_hopeless_message_waits_for_those_before_it(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    batch = [ordered(category("1"), "1"), ordered("poison", "2"), ordered(category("3"), "3")]
    worker.break_calls(throttle_transactions)
    assert worker(*batch, timeout=2) == ["1", "2", "3"]
    assert rejected.messages == []

    assert Worker(store, rejected)(*batch) == []
    assert (store.book()["Category"], rejected.bodies) == ("3", ["poison"])


@pytest.mark.parametrize(
    "refused",
    ["poison", category("2", when={"Category": {"eq": "no"}}), category("2", idempotency_key=timed("reused"))],
)
def test_nothing_goes_on_before_a_rejection_is_sent(
    worker: Worker, store: Store, rejected: RecordingSQS, refused: Any
) -> None:
    assert worker(ordered(category("0", idempotency_key=timed("reused")), "0")) == []
    batch = [
        ordered(category("1"), "1"),
        ordered(refused, "2"),
        ordered("poison", "3"),
        ordered(category("4"), "4"),
        ordered(add("Views", 1), "5", group="another"),
    ]
    rejected.down = True
    assert worker(*batch) == ["2", "3", "4"]
    assert (store.book()["Category"], store.book()["Views"], rejected.messages) == ("1", 1, [])

    rejected.down = False
    assert worker(*batch[1:4]) == []
    assert store.book()["Category"] == "4"
    assert len(rejected.messages) == 2


def test_rejections_of_a_group_are_sent_in_their_order(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    unmet = category("x", when={"Category": {"eq": "no"}})
    batch: list[Any] = [category("1"), "poison", unmet, "poison", category("2"), unmet, category("3")]
    assert worker(*[ordered(body, str(number)) for number, body in enumerate(batch)]) == []
    assert store.book()["Category"] == "3"
    assert [json.loads(body)["set"] if body != "poison" else body for body in rejected.bodies] == [
        "poison",
        {"Category": "x"},
        "poison",
        {"Category": "x"},
    ]


def test_what_was_rejected_stays_rejected_when_it_is_delivered_again(
    worker: Worker, store: Store, rejected: RecordingSQS
) -> None:
    """The worker dies before SQS has deleted the messages: the first would now be applied after the second."""
    early = ordered(category("1", when={"Views": {"eq": 1}}), "1")
    batch = [early, ordered(category("2", add={"Views": 1}), "2")]
    assert worker(*batch) == []
    assert worker(*batch) == []
    assert (store.book()["Category"], len(rejected.messages)) == ("2", 2)
    assert rejected.attribute("Reason") == ["ConditionFailed: the condition is not met"] * 2

    # Moved back it is another message, of the same request.
    (key, _) = rejected.attribute("IdempotencyKey")
    moved = sqs_record(
        category("1", when={"Views": {"eq": 1}}), attributes={"IdempotencyKey": key}, group="g", queue=QUEUE
    )
    assert worker(moved, moved) == []
    assert worker(early) == []
    assert (store.book()["Category"], len(rejected.messages)) == ("1", 2)


def test_a_rival_in_the_same_batch_stops_its_group(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    batch = [
        ordered(category("1", idempotency_key=timed("k")), "1"),
        ordered(category("2", idempotency_key=timed("k")), "2"),
        ordered(category("3"), "3"),
    ]
    rejected.down = True
    assert worker(*batch) == ["2", "3"]
    assert store.book()["Category"] == "1"

    rejected.down = False
    assert worker(*batch[1:]) == []
    assert store.book()["Category"] == "3"
    assert [reason.split(":")[0] for reason in rejected.attribute("Reason")] == ["KeyReused"]


# --- deduplication ids as keys -------------------------------------------------------------------------------------


def test_content_based_deduplication_is_no_key(worker: Worker, store: Store) -> None:
    """The same increment on two days has the same deduplication id, and SQS forgets it after five minutes."""
    body = json.dumps(add("Views", 1))
    digest = hashlib.sha256(body.encode()).hexdigest()
    monday = ordered(body, "monday", deduplication_id=digest)
    assert worker(monday, monday) == []
    assert worker(ordered(body, "tuesday", deduplication_id=digest)) == []
    assert store.book()["Views"] == 2


def test_a_deduplication_id_belongs_to_its_group(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    """With deduplication per group two groups may use the same one for different requests."""
    assert worker(ordered(add("Views", 1), "1", "a", FIRST), ordered(add("Views", 2), "2", "b", FIRST)) == []
    assert worker(ordered(add("Views", 1), "3", "a", FIRST)) == []
    assert (store.book()["Views"], rejected.messages) == (3, [])


def test_the_longest_ids_are_a_key(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    for number in range(2):
        assert worker(ordered(add("Views", 1), f"m{number}", "g" * 128, "d" * 128)) == []
    assert (store.book()["Views"], rejected.messages) == (1, [])


def test_a_redrive_keeps_the_key_of_its_group(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    record = ordered(add("Stock", -1), "1", "a", FIRST)
    assert worker(record) == []
    copy = rejected.messages[0]["MessageAttributes"]
    assert (copy["IdempotencyKey"]["StringValue"], copy["SourceGroupId"]["StringValue"]) == (f"a {FIRST}", "a")
    assert worker(ordered(add("Stock", 1, "restock"), "2")) == []
    moved = {"IdempotencyKey": f"a {FIRST}"}
    again = sqs_record(add("Stock", -1), attributes=moved, group="a", deduplication_id="other", queue=QUEUE)
    assert worker(again, again) == []
    assert worker({**record, "messageId": "3"}) == []
    assert store.book()["Stock"] == 0

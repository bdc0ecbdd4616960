"""What a redrive makes of a message that waits in a rejected queue."""

import json
from typing import Any

import pytest

from surewrite.commit.idempotency_key import IdempotencyKey, new_key
from surewrite.sqs.redrive import Redrive, discard, entry
from surewrite.sqs.waiting import Sweep, Waiting
from surewrite.testing import RecordingSQS

QUEUE = "https://sqs/1/RejectedQueue"
SENT = 1_767_225_600_000
FULL: dict[str, Any] = {f"a{number}": "x" for number in range(10)}
"""As many attributes as SQS allows."""


def waiting(body: Any = "{}", moved: str | None = None, fifo: bool = False, **attributes: Any) -> Waiting:
    """`moved` is the queue from which SQS has moved it."""
    system = {"SentTimestamp": str(SENT)}
    if moved:
        system["DeadLetterQueueSourceArn"] = f"arn:aws:sqs:eu-central-1:1:{moved}"
    if fifo:
        system |= {"SequenceNumber": "1", "MessageGroupId": "own"}
    return Waiting(
        {
            "MessageId": "m-1",
            "ReceiptHandle": "r-1",
            "Body": body if isinstance(body, str) else json.dumps(body),
            "Attributes": system,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value, "StringListValues": []}
                for name, value in attributes.items()
            },
        }
    )


def test_a_fresh_key_is_a_uuid_of_version_7_with_its_time() -> None:
    keys = [new_key() for _ in range(1000)]
    assert len(set(keys)) == 1000
    times = [IdempotencyKey("queue", key).timestamp for key in keys]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (waiting({"idempotency_key": "own"}, IdempotencyKey="other"), "own"),
        (waiting({}, IdempotencyKey="other"), "other"),
        (waiting({"scope": "jwt:a b", "key": "k", "write": {}}), "k"),
        (waiting({"key": "of an item"}, moved="WritesQueue"), f"{SENT}-m-1"),
        (waiting("not JSON", moved="WritesQueue"), f"{SENT}-m-1"),
        (waiting({}, moved="Ordered.fifo", fifo=True), None),
    ],
)
def test_its_key(message: Waiting, key: str | None) -> None:
    assert message.key == key


def test_a_key_that_only_its_id_says_is_written_down() -> None:
    sent = entry(waiting({}, moved="WritesQueue", trace="t"), "https://sqs/1/WritesQueue")
    assert sent["MessageAttributes"] == {
        "trace": {"DataType": "String", "StringValue": "t"},
        "IdempotencyKey": {"DataType": "String", "StringValue": f"{SENT}-m-1"},
    }
    assert "MessageGroupId" not in sent


def test_a_fifo_queue_gets_the_group_and_an_id_of_this_copy() -> None:
    sent = entry(waiting({}, IdempotencyKey="k", SourceGroupId="theirs"), "https://sqs/1/Ordered.fifo")
    assert (sent["MessageGroupId"], sent["MessageDeduplicationId"]) == ("theirs", "m-1")


class Queue(RecordingSQS):
    """SQS with one rejected queue, whose dead-letter sources are `sources`."""

    def __init__(self, *messages: Waiting, sources: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.waiting = {message.message_id: message for message in messages}
        self.hidden: dict[str, Waiting] = {}
        self.sources = sources

    def receive_message(self, **_: Any) -> dict[str, Any]:
        self.hidden |= self.waiting
        self.waiting = {}
        return {"Messages": [one.received for one in self.hidden.values()]} if self.hidden else {}

    def change_message_visibility_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803
        assert all(one["VisibilityTimeout"] == 0 for one in Entries)
        self.waiting, self.hidden = self.hidden, {}

    def delete_message_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.hidden = {}
        return {"Successful": [{"Id": one["Id"]} for one in Entries]}

    def get_queue_url(self, *, QueueName: str) -> dict[str, str]:  # noqa: N803
        return {"QueueUrl": f"https://sqs/1/{QueueName}"}

    def list_dead_letter_source_queues(self, **_: Any) -> dict[str, Any]:
        return {"queueUrls": list(self.sources)}


@pytest.mark.parametrize(
    ("message", "sources", "target"),
    [
        (waiting({}, IdempotencyKey="k", SourceQueue="WritesQueue"), (), "https://sqs/1/WritesQueue"),
        (waiting({}, moved="Moved"), (), "https://sqs/1/Moved"),
        (waiting({}), ("https://sqs/1/Only",), "https://sqs/1/Only"),
    ],
)
def test_it_goes_to_the_queue_that_it_comes_from(message: Waiting, sources: tuple[str, ...], target: str) -> None:
    queue = Queue(message, sources=sources)
    assert Redrive(queue, QUEUE).run(lambda one: True).done == 1
    assert [one["QueueUrl"] for one in queue.messages] == [target]
    assert not queue.waiting
    assert not queue.hidden


@pytest.mark.parametrize(
    ("message", "sources", "cause"),
    [
        (waiting({}, moved="Ordered.fifo", fifo=True), (), "it carries no key: its redrive would be another request"),
        (waiting({}), ("https://sqs/1/One", "https://sqs/1/Other"), "it does not say which queue it comes from"),
        (
            waiting({}, moved="WritesQueue", **FULL),
            (),
            "it carries no key: its redrive would be another request",
        ),
    ],
)
def test_what_cannot_go_back_stays_and_says_why(message: Waiting, sources: tuple[str, ...], cause: str) -> None:
    queue = Queue(message, sources=sources)
    assert Redrive(queue, QUEUE).run(lambda one: True).failures == {"m-1": cause}
    assert (queue.messages, list(queue.waiting)) == ([], ["m-1"])


def test_what_sqs_does_not_take_stays() -> None:
    queue = Queue(waiting({}, moved="WritesQueue"))
    queue.down = True
    assert Redrive(queue, QUEUE).run(lambda one: True).failures == {"m-1": "EndpointConnectionError"}
    assert list(queue.waiting) == ["m-1"]


class Undeleting(Queue):
    """SQS that fails to delete, which it says message by message."""

    def delete_message_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Failed": [{"Id": one["Id"], "Code": "InternalError", "SenderFault": False} for one in Entries]}


def test_what_sqs_does_not_delete_is_a_failure() -> None:
    queue = Undeleting(waiting({}, moved="WritesQueue"))
    result = Redrive(queue, QUEUE).run(lambda one: True)
    assert (result.done, result.failures) == (0, {"m-1": "it was sent, but SQS did not delete it"})
    assert (len(queue.messages), list(queue.waiting)) == (1, ["m-1"])


def test_what_sqs_does_not_discard_is_a_failure() -> None:
    queue = Undeleting(waiting({}, moved="WritesQueue"))
    result = discard(queue, QUEUE, lambda one: True)
    assert (result.done, result.failures) == (0, {"m-1": "SQS did not delete it"})
    assert list(queue.waiting) == ["m-1"]


def test_what_is_not_chosen_is_shown_again() -> None:
    queue = Queue(waiting({}, moved="WritesQueue"))
    assert Redrive(queue, QUEUE).run(lambda one: False).kept == 1
    assert list(queue.waiting) == ["m-1"]


def test_what_was_sent_after_it_began_waits_for_the_next_sweep() -> None:
    late = waiting({}, moved="WritesQueue")
    late.received["Attributes"]["SentTimestamp"] = str(SENT * 2)
    queue = Queue(late)
    assert list(Sweep(queue, QUEUE)) == []
    assert list(queue.waiting) == ["m-1"]

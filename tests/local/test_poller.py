from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local import aws, engines
from local.poller import Poller, failures
from local.resources import create_queues
from local.template import EventSourceMapping, Queue, RedrivePolicy, Template

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DEAD = Queue(logical_id="Dead")
REDRIVE = RedrivePolicy(dead_letter_target_arn=DEAD.arn, max_receive_count=2)


@pytest.fixture(scope="module")
def sqs() -> "Iterator[SQSClient]":
    with engines.ministack("sqs") as endpoint:
        yield aws.sqs_client(endpoint)


class Source:
    """A queue with its poller; the handler is the test's."""

    def __init__(self, client: "SQSClient", name: str, fifo: bool = False, batch_size: int = 100) -> None:
        self.client = client
        self.queue = Queue(logical_id=name, fifo_queue=fifo, redrive_policy=None if fifo else REDRIVE)
        urls = create_queues(client, Template({}, {"Dead": DEAD, name: self.queue}, {}, [], []))
        self.url, self.dead = urls[name], urls["Dead"]
        self.batch_size = batch_size

    def send(self, *bodies: str, **more: Any) -> None:
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def poll(self, handler: Callable[[dict[str, Any]], Any], window: int = 0) -> int:
        mapping = EventSourceMapping(
            logical_id="M",
            event_source_arn=self.queue.arn,
            function_name="F",
            batch_size=self.batch_size,
            maximum_batching_window_in_seconds=window,
            function_response_types=["ReportBatchItemFailures"],
        )
        return Poller(self.client, mapping, self.queue, self.url, handler, retry_seconds=0).poll()

    def waiting(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=names)  # type: ignore[arg-type]
        return sum(map(int, answer["Attributes"].values()))


def test_a_window_gathers_a_batch(sqs: "SQSClient") -> None:
    source = Source(sqs, "Gathered", batch_size=25)
    source.send(*(str(n) for n in range(30)))
    batches: list[list[str]] = []

    def handler(event: dict[str, Any]) -> None:
        batches.append([record["body"] for record in event["Records"]])

    assert source.poll(handler, window=1) == 25
    assert source.poll(handler) == 5
    assert sorted(body for batch in batches for body in batch) == sorted(str(n) for n in range(30))
    assert source.waiting(source.url) == 0


def test_a_record_is_lambdas(sqs: "SQSClient") -> None:
    source = Source(sqs, "Recorded")
    attributes = {
        "Text": {"DataType": "String", "StringValue": "v"},
        "Bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    source.send("hello", MessageAttributes=attributes)
    events: list[dict[str, Any]] = []
    source.poll(events.append)
    [record] = events[0]["Records"]
    assert record["body"] == "hello"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", "us-east-1")
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:000000000000:Recorded"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {
        "Text": {"stringListValues": [], "binaryListValues": [], "dataType": "String", "stringValue": "v"},
        "Bytes": {"stringListValues": [], "binaryListValues": [], "dataType": "Binary", "binaryValue": "AP8="},
    }


def test_what_failed_comes_back_and_is_redriven(sqs: "SQSClient") -> None:
    source = Source(sqs, "Redriven")
    source.send("good", "poison")

    def handler(event: dict[str, Any]) -> Any:
        poisoned = [record["messageId"] for record in event["Records"] if record["body"] == "poison"]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in poisoned]}

    assert [source.poll(handler) for _ in range(3)] == [2, 1, 0]
    assert (source.waiting(source.url), source.waiting(source.dead)) == (0, 1)


def test_after_an_exception_everything_comes_back(sqs: "SQSClient") -> None:
    source = Source(sqs, "Crashed")
    source.send("a", "b")

    def crash(event: dict[str, Any]) -> Any:
        raise RuntimeError("as told")

    assert source.poll(crash) == 2
    assert source.poll(lambda event: None) == 2
    assert source.waiting(source.url) == 0


def test_a_group_waits_for_its_failed_message(sqs: "SQSClient") -> None:
    source = Source(sqs, "Grouped", fifo=True, batch_size=1)
    for group, body in [("g", "1"), ("g", "2"), ("h", "3")]:
        source.send(body, MessageGroupId=group, MessageDeduplicationId=body)
    seen: list[str] = []

    def fail_once(event: dict[str, Any]) -> Any:
        [record] = event["Records"]
        seen.append(record["body"])
        assert record["attributes"]["MessageGroupId"] in ("g", "h")
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}] if seen == ["1"] else []}

    for _ in range(4):
        source.poll(fail_once)
    assert [body for body in seen if body != "3"] == ["1", "1", "2"]
    assert source.waiting(source.url) == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "c"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"wrong": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": ["a"]}, {"a", "b"}),
        ({"batchItemFailures": "a"}, {"a", "b"}),
        ("text", {"a", "b"}),
    ],
)
def test_partial_responses_follow_lambdas_rules(answer: Any, expected: set[str]) -> None:
    assert failures(answer, {"a", "b"}) == expected

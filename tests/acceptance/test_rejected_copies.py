"""The copy of a message in the rejected queue: nothing of it is lost, and a redrive of it is the same request."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite.testing import RecordingSQS, sqs_record
from tests.acceptance.harness import Event, Worker, add, timed

BINARY = {"dataType": "Binary.trace", "binaryValue": base64.b64encode(b"\x00\xff").decode()}


def poison(**attributes: Any) -> Event:
    """A message without hope; attributes are given as an event shows them, or as strings."""
    record = sqs_record("poison", message_id="poison")
    record["messageAttributes"] = {
        name: value if isinstance(value, dict) else {"dataType": "String", "stringValue": value}
        for name, value in attributes.items()
    }
    return record


def moved_back(copy: Any, message_id: str = "moved-back") -> Event:
    """The copy as SQS hands it over when it has been moved back."""
    record = sqs_record(copy["MessageBody"], message_id=message_id)
    record["messageAttributes"] = {
        name: {"dataType": attribute["DataType"]}
        | ({"stringValue": attribute["StringValue"]} if "StringValue" in attribute else {})
        | ({"binaryValue": base64.b64encode(attribute["BinaryValue"]).decode()} if "BinaryValue" in attribute else {})
        for name, attribute in copy["MessageAttributes"].items()
    }
    return record


def others(copy: Any) -> Any:
    return json.loads(copy["MessageAttributes"]["OtherAttributes"]["StringValue"])


def test_types_and_binary_values_are_kept(worker: Worker, rejected: RecordingSQS) -> None:
    assert worker(poison(trace=BINARY, weight={"dataType": "Number.grams", "stringValue": "17"})) == []
    (copy,) = rejected.messages
    assert copy["MessageAttributes"]["trace"] == {"DataType": "Binary.trace", "BinaryValue": b"\x00\xff"}
    assert copy["MessageAttributes"]["weight"] == {"DataType": "Number.grams", "StringValue": "17"}
    assert "OtherAttributes" not in copy["MessageAttributes"]


@pytest.mark.parametrize("count", [6, 7, 8, 9, 10])
def test_what_finds_no_room_is_carried_in_one(worker: Worker, rejected: RecordingSQS, count: int) -> None:
    """SQS allows ten attributes, and some of them are ours."""
    own = {f"a{number}": str(number) for number in range(count - 1)} | {"trace": BINARY}
    assert worker(poison(**own)) == []
    (copy,) = rejected.messages
    attributes = copy["MessageAttributes"]
    assert len(attributes) <= 10
    shown = {name for name in own if name in attributes}
    packed = others(copy) if len(shown) < count else {}
    assert shown | set(packed) == set(own)
    assert shown.isdisjoint(packed)
    if packed:
        assert packed["trace"] == BINARY


def test_every_redrive_shows_the_same(worker: Worker, rejected: RecordingSQS) -> None:
    own = {f"a{number}": str(number) for number in range(9)} | {"trace": BINARY}
    assert worker(poison(**own)) == []
    for number in range(3):
        assert worker(moved_back(rejected.messages[-1], f"move-{number}")) == []
    assert len(rejected.messages) == 4
    assert all(copy["MessageAttributes"] == rejected.messages[0]["MessageAttributes"] for copy in rejected.messages)
    assert rejected.attribute("IdempotencyKey")[-1] == "1700000000000-poison"


def test_a_producers_own_attribute_of_that_name_is_kept(worker: Worker, rejected: RecordingSQS) -> None:
    own = {"Reason": "theirs", "SourceGroupId": "theirs", "OtherAttributes": "theirs", "IdempotencyKey": "theirs"}
    record = poison(**own)
    record["body"] = json.dumps(add("Nope", 1, "ours"))
    assert worker(record) == []
    assert worker(moved_back(rejected.messages[0])) == []
    first, second = rejected.messages
    assert first["MessageAttributes"] == second["MessageAttributes"]
    assert first["MessageAttributes"]["IdempotencyKey"]["StringValue"] == timed("ours")
    assert {name: attribute["stringValue"] for name, attribute in others(first).items()} == own


def test_many_large_attributes_are_sent_in_calls_that_sqs_takes(worker: Worker, rejected: RecordingSQS) -> None:
    """SendMessageBatch takes 256 KB in all, attributes included."""
    sizes = []
    send = rejected.send_message_batch

    def measured(*, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803
        sizes.append(len(json.dumps(Entries, default=str)))
        return send(QueueUrl=QueueUrl, Entries=Entries)

    rejected.send_message_batch = measured  # type: ignore[method-assign]
    records = []
    for number in range(10):
        record = poison(trace="x" * 100_000)
        records.append({**record, "messageId": f"m{number}"})
    assert worker(*records) == []
    assert len(rejected.messages) == 10
    assert max(sizes) < 256 * 1024


def test_a_denied_send_names_the_call(worker: Worker, rejected: RecordingSQS, caplog: pytest.LogCaptureFixture) -> None:
    def denied(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SendMessageBatch")

    rejected.send_message_batch = denied  # type: ignore[method-assign]
    assert worker(poison()) == ["poison"]
    assert "SendMessageBatch: AccessDenied" in [getattr(record, "error", "") for record in caplog.records]

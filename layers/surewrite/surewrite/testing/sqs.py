"""What surrounds a consumer: the records of an SQS event, a rejected queue, and SQS's client."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import EndpointConnectionError

from ..commit.retry import Deadline
from ..sqs import Rejection

_numbers = itertools.count(1)


def sqs_record(
    body: Any,
    *,
    message_id: str | None = None,
    attributes: Mapping[str, str] | None = None,
    group: str | None = None,
    deduplication_id: str | None = None,
    queue: str = "WritesQueue",
    sent: int = 1_700_000_000_000,
    received: int = 1,
) -> dict[str, Any]:
    """One of an event's `Records`, as Lambda hands it to a function.

    A `body` that is no string is sent as JSON. `attributes` are string message attributes; `group` makes it a message
    of a FIFO queue; `sent` is when it was sent, in milliseconds since 1970, `received` how often it has been delivered.
    """
    number = next(_numbers)
    message_id = message_id or f"00000000-0000-4000-8000-{number:012}"
    text = body if isinstance(body, str) else json.dumps(body)
    system = {
        "ApproximateReceiveCount": str(received),
        "SentTimestamp": str(sent),
        "SenderId": "AIDAEXAMPLE",
        "ApproximateFirstReceiveTimestamp": str(sent + 1),
    }
    if group is not None:
        system |= {
            "MessageGroupId": group,
            "MessageDeduplicationId": deduplication_id or f"deduplication-{number}",
            "SequenceNumber": str(18_849_496_460_467_696_128 + number),
        }
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt-{number}",
        "body": text,
        "attributes": system,
        "messageAttributes": {name: _string(value) for name, value in (attributes or {}).items()},
        "md5OfBody": _md5(text),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "awsRegion": "us-east-1",
    }


class RejectedMessages:
    """A rejected queue in memory: `rejections` is what it has been given. While it is `down`, it takes nothing."""

    def __init__(self) -> None:
        self.rejections: list[Rejection] = []
        self.down = False

    def send(self, rejections: Sequence[Rejection], deadline: Deadline) -> Mapping[str, str]:
        if self.down:
            return {rejection.record.message_id: "down" for rejection in rejections}
        self.rejections += rejections
        return {}

    @property
    def keys(self) -> list[str]:
        """The idempotency keys of what has been rejected."""
        return [rejection.key.key for rejection in self.rejections]


class RecordingSQS:
    """In place of boto3's client for SQS: `messages` are the entries that it has sent, each with its `QueueUrl`.
    While it is `down`, it cannot be reached."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.down = False

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """SQS's answer, within SQS's limits."""
        if self.down:
            raise EndpointConnectionError(endpoint_url=QueueUrl)
        ids = [entry["Id"] for entry in Entries]
        assert 1 <= len(set(ids)) == len(ids) <= 10, "a batch has at most ten messages, each with an id of its own"
        self.messages += [{**entry, "QueueUrl": QueueUrl} for entry in Entries]
        sent = [
            {"Id": entry["Id"], "MessageId": f"sent-{entry['Id']}", "MD5OfMessageBody": _md5(entry["MessageBody"])}
            for entry in Entries
        ]
        return {"Successful": sent, "Failed": []}

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:  # noqa: N803
        """SQS's answer to one message without attributes."""
        entry = {"Id": "0", "MessageBody": MessageBody, "MessageAttributes": {}}
        (sent,) = self.send_message_batch(QueueUrl=QueueUrl, Entries=[entry])["Successful"]
        return {"MessageId": sent["MessageId"], "MD5OfMessageBody": sent["MD5OfMessageBody"]}

    @property
    def bodies(self) -> list[str]:
        return [entry["MessageBody"] for entry in self.messages]

    def attribute(self, name: str) -> list[str]:
        """The values of a message attribute, empty where a message has none."""
        return [entry["MessageAttributes"].get(name, {}).get("StringValue", "") for entry in self.messages]


def _string(value: str) -> dict[str, Any]:
    return {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()

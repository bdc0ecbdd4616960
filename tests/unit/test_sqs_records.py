"""The key of a message whose body has none."""

import hashlib
from typing import Any

import pytest

from surewrite.errors import InvalidKey
from surewrite.sqs import SQSRecord
from surewrite.testing import sqs_record

SENT = "1767225600000"


def read(*, attributes: Any = None, **members: Any) -> SQSRecord:
    """A record; `attributes` are SQS's own, besides those that it has anyway."""
    made = sqs_record("body", message_id="m", sent=int(SENT))
    return SQSRecord.of({**made, "attributes": {**made["attributes"], **(attributes or {})}, **members})


def test_when_it_was_sent_and_its_id() -> None:
    assert read().own_key() == f"{SENT}-m"


def test_every_delivery_has_the_same() -> None:
    first = sqs_record("body", message_id="m", received=1)
    again = sqs_record("body", message_id="m", received=2)
    assert first["receiptHandle"] != again["receiptHandle"]
    assert SQSRecord.of(first).own_key() == SQSRecord.of(again).own_key()


ABSURD: list[Any] = [
    None,
    1767225600000,
    "",
    "0",
    "now",
    SENT[:-1],
    SENT + "0",
    f"-{SENT[1:]}",
    f" {SENT[1:]}",
    "\uff11" * 13,
]


@pytest.mark.parametrize("sent", ABSURD, ids=repr)
def test_without_a_time_it_is_the_id_alone(sent: Any) -> None:
    assert read(attributes={"SentTimestamp": sent}).own_key() == "m"


@pytest.mark.parametrize("system", [None, [], {}, {"SentTimestamp": {}}], ids=repr)
def test_attributes_of_another_shape(system: Any) -> None:
    record = {**sqs_record("body", message_id="m"), "attributes": system}
    assert SQSRecord.of(record).own_key() == "m"


@pytest.mark.parametrize("message_id", [None, "", 7], ids=repr)
def test_there_is_none_without_an_id(message_id: Any) -> None:
    record = read(messageId=message_id)
    assert record.default_key() == ""
    with pytest.raises(InvalidKey, match="messageId: a string is required"):
        record.own_key()


def test_what_a_producer_chose_comes_first() -> None:
    chosen = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    assert read(attributes=chosen).own_key() == "g d"
    attribute = {"IdempotencyKey": {"dataType": "String", "stringValue": "k"}}
    assert read(attributes=chosen, messageAttributes=attribute).own_key() == "k"
    assert read(messageAttributes=attribute).default_key() == f"{SENT}-m"


def test_content_based_deduplication_chooses_none() -> None:
    digest = hashlib.sha256(b"body").hexdigest()
    assert read(attributes={"MessageGroupId": "g", "MessageDeduplicationId": digest}).own_key() == f"{SENT}-m"

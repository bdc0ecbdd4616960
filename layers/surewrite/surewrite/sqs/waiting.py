"""What waits in a rejected queue: its messages, each looked at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .copies import REASON, SOURCE_GROUP, SOURCE_QUEUE
from .records import KEY_ATTRIBUTE

MAX_BATCH = 10
"""Messages of one call of SQS."""

# A receive that waits asks all servers of SQS: where nothing is there, that is the end. That nothing is new may be
# chance, if a sweep takes so long that what it has looked at is shown again.
WAIT_SECONDS = 1
_NOTHING_NEW = 10


@dataclass(frozen=True)
class Waiting:
    """A message of a rejected queue, as `ReceiveMessage` returns it with all of its attributes."""

    received: Mapping[str, Any]

    @property
    def message_id(self) -> str:
        return str(self.received["MessageId"])

    @property
    def receipt(self) -> str:
        return str(self.received["ReceiptHandle"])

    @property
    def body(self) -> str:
        return str(self.received["Body"])

    @property
    def attributes(self) -> Mapping[str, Mapping[str, Any]]:
        """The message attributes, in the form of `SendMessage`."""
        members = ("DataType", "StringValue", "BinaryValue")
        given = self.received.get("MessageAttributes", {})
        return {name: {m: one[m] for m in members if m in one} for name, one in given.items()}

    @property
    def reason(self) -> str | None:
        """Why the worker has rejected it; None for one that SQS has moved by itself, after five attempts."""
        return self._text(REASON)

    @property
    def key(self) -> str | None:
        """The idempotency key that a redrive brings along; None if it has none of its own.

        It is in the body or an attribute. A message that SQS has moved from a standard queue keeps its id and the time
        at which it was sent, and so the key that the worker gave it.
        """
        return self._body_key or self._text(KEY_ATTRIBUTE) or self._default_key

    @property
    def implied_key(self) -> str | None:
        """The key where nothing but the message's id and time says it: a redrive has to write it down."""
        return None if self._body_key or self._text(KEY_ATTRIBUTE) else self._default_key

    @property
    def group(self) -> str | None:
        return self._text(SOURCE_GROUP) or self._system("MessageGroupId")

    @property
    def source(self) -> str | None:
        """The name of the queue that it comes from, None if it does not say so."""
        arn = self._system("DeadLetterQueueSourceArn")
        return self._text(SOURCE_QUEUE) or (arn.rsplit(":", 1)[-1] if arn else None)

    @property
    def sent(self) -> int | None:
        """When it was sent, in milliseconds since 1970."""
        sent = self._system("SentTimestamp")
        return int(sent) if sent and sent.isdigit() else None

    @property
    def _default_key(self) -> str | None:
        ordered = self._system("SequenceNumber")  # a FIFO queue: what is moved there was sent anew
        return None if ordered or self.sent is None else f"{self.sent}-{self.message_id}"

    @cached_property
    def _body_key(self) -> str | None:
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        if not isinstance(value, dict):
            return None
        operation = value.keys() == {"scope", "key", "write"}  # of the operations queue
        key = value.get("key" if operation else "idempotency_key")
        return key if isinstance(key, str) else None

    def _text(self, attribute: str) -> str | None:
        value = self.attributes.get(attribute, {}).get("StringValue")
        return str(value) if value else None

    def _system(self, attribute: str) -> str | None:
        value = self.received.get("Attributes", {}).get(attribute)
        return str(value) if value else None


class Sweep:
    """Goes through the messages that a queue holds, those that were sent before it began, each once.

        for messages in Sweep(sqs, url): ...

    A message is hidden from others for `hold` seconds when it is looked at; `release` shows it again. Of a group of a
    FIFO queue SQS hands out ten messages as long as these are not deleted.
    """

    def __init__(self, sqs: Any, url: str, *, hold: int = 120) -> None:
        self._sqs, self._url, self._hold = sqs, url, hold
        self._begun = time.time() * 1000

    def __iter__(self) -> Iterator[list[Waiting]]:
        seen: set[str] = set()
        later: list[Waiting] = []  # hidden until the end, so that they are not received in the place of others
        idle = 0
        try:
            while idle < _NOTHING_NEW:
                received = self._receive()
                messages = [one for one in received if one.message_id not in seen]
                idle = 0 if messages else idle + 1 if received else _NOTHING_NEW
                seen |= {one.message_id for one in messages}
                later += [one for one in messages if (one.sent or 0) > self._begun]
                if old := [one for one in messages if (one.sent or 0) <= self._begun]:
                    yield old
        finally:
            self.release(later)

    def _receive(self) -> list[Waiting]:
        response = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=MAX_BATCH,
            VisibilityTimeout=self._hold,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [Waiting(one) for one in response.get("Messages", ())]

    def release(self, messages: Sequence[Waiting]) -> None:
        """Shows them to others again."""
        for batch in _tens(messages):
            entries = [
                {"Id": str(number), "ReceiptHandle": one.receipt, "VisibilityTimeout": 0}
                for number, one in enumerate(batch)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def delete(self, messages: Sequence[Waiting]) -> list[Waiting]:
        """Deletes them; returns those that SQS has deleted."""
        deleted: list[Waiting] = []
        for batch in _tens(messages):
            entries = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(batch)]
            response = self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
            deleted += [batch[int(one["Id"])] for one in response.get("Successful", ())]
        return deleted


def _tens(messages: Sequence[Waiting]) -> Iterator[Sequence[Waiting]]:
    for start in range(0, len(messages), MAX_BATCH):
        yield messages[start : start + MAX_BATCH]

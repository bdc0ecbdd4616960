"""One message as Lambda hands it over: an element of an SQS event's `Records`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..errors import InvalidKey, Problem

MessageAttribute = Mapping[str, Any]
"""`{"dataType": "String", "stringValue": …}`, or `binaryValue` in base64."""

KEY_ATTRIBUTE = "IdempotencyKey"


@dataclass(slots=True, eq=False)  # not frozen: that would make each of ten thousand records a microsecond slower
class SQSRecord:
    """What the consumer reads of a message.

    A member that is missing, or of a type that Lambda never sends, counts as absent, so that an odd record is read like
    any other: `message_id` is then empty, `body` None. `system` holds the attributes of SQS, `attributes` the
    producer's.
    """

    message_id: str
    body: Any
    queue: str
    system: Mapping[str, Any]
    attributes: Mapping[str, MessageAttribute]

    @classmethod
    def of(cls, record: Any) -> Self:
        """From one element of `Records`."""
        members = _object(record)
        message_id, arn = members.get("messageId"), members.get("eventSourceARN")
        return cls(
            message_id if isinstance(message_id, str) else "",
            members.get("body"),
            arn.rsplit(":", 1)[-1] if isinstance(arn, str) else "",
            _object(members.get("attributes")),
            _object(members.get("messageAttributes")),
        )

    @property
    def text(self) -> str:
        """The body as it can be copied: one that is not a string is shown as JSON."""
        if self.body is None:
            return ""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, default=str)

    @property
    def group_id(self) -> str | None:
        """The MessageGroupId. A standard queue's messages may have one too, for fairness."""
        group = self.system.get("MessageGroupId")
        return group if isinstance(group, str) and group else None

    @property
    def group(self) -> str | None:
        """The message group of a FIFO queue, in which the order counts."""
        ordered = "SequenceNumber" in self.system or "MessageDeduplicationId" in self.system
        return self.group_id if ordered or self.queue.endswith(".fifo") else None

    @property
    def redelivered(self) -> bool:
        """Whether SQS has delivered it before."""
        return str(self.system.get("ApproximateReceiveCount", 1)) != "1"

    def digest(self) -> str:
        """Tells this body from others, whatever it is."""
        return hashlib.sha256(self.text.encode(errors="surrogatepass")).hexdigest()

    def own_key(self) -> str:
        """The idempotency key of a message whose body has none; the first of these that exists:

        the message attribute `IdempotencyKey`, the deduplication id that a producer chose, together with its group,
        and `default_key`. InvalidKey if there is none of them.
        """
        if (attribute := self.attributes.get(KEY_ATTRIBUTE)) is not None:
            key = _object(attribute).get("stringValue")
            if not isinstance(key, str):
                raise InvalidKey(Problem((KEY_ATTRIBUTE,), "a string is required"))
            return key
        if (key := self._deduplication_key()) or (key := self.default_key()):
            return key
        raise InvalidKey(Problem(("messageId",), "a string is required"))

    def default_key(self) -> str:
        """`<SentTimestamp>-<messageId>`, neither of which changes when SQS delivers the message again: a key that
        carries the time. The id alone where there is no such time, in milliseconds since 1970; empty without an id."""
        sent = self.system.get("SentTimestamp")
        timed = self.message_id and isinstance(sent, str) and len(sent) == 13 and sent.isascii() and sent.isdigit()
        return f"{sent}-{self.message_id}" if timed else self.message_id

    def _deduplication_key(self) -> str | None:
        """Content-based deduplication takes the SHA-256 of the body: the same increment on two days has the same one,
        so that it says nothing about the request. Within a queue a deduplication id may belong to its group alone."""
        chosen = self.system.get("MessageDeduplicationId")
        if not isinstance(chosen, str) or not chosen or chosen == self.digest():
            return None
        key = f"{self.group_id or ''} {chosen}"  # neither of them can hold a space
        return key if len(key) <= 255 else hashlib.sha256(key.encode()).hexdigest()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

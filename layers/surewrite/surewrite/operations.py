"""Operations: writes that are accepted now and committed by a worker.

    operations = Operations(db, queue_url, lambda: boto3.client("sqs"))
    operations.submit(write, {"op": "update", …}, key)
    operations.find(key).status                          # "pending", then "applied" or "rejected"

A write is accepted in two steps: its key is marked as pending in the ledger, then the message is sent.

    cut off                        the ledger says    and then
    before the mark                nothing            the client, which has no response, sends the request again
    between mark and message       pending            the same: the mark consumes nothing
    after the message              pending            the worker applies it; the client's repetition is one more message
    the message is lost or late    pending            the client may send the request again, either way
    the message comes twice        applied            a replay

The mark stands in the key's own record, so that there is one place that says what became of a key: the commit puts the
outcome there, the rejection its reason, each by the very action that it needs in any case. A synchronous write neither
reads nor writes a mark. The mark lasts as long as the ledger remembers a key, longer than a message can wait in the
queue and in its dead-letter queue together: as long as a message may still be redriven its operation is pending, for
it may still be applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from botocore.exceptions import BotoCoreError, ClientError

from .client import Client
from .commit.bulk import chunk_keys
from .commit.idempotency_key import IdempotencyKey
from .commit.outcome import Outcome, chunks_of
from .commit.records import Record
from .commit.retry import MIN_CALL_TIME, Deadline
from .errors import (
    ConfigurationError,
    DeadlineExceeded,
    InvalidKey,
    InvalidRequest,
    MessageTooLarge,
    NotQueued,
    Problem,
)
from .messages import parse_message
from .model.json import dumps
from .requests import Catalogue
from .writes import AnyWrite, BulkWrite, Write

MAX_MESSAGE_BYTES = 1024 * 1024 - 8 * 1024
"""SQS takes 1 MiB; a copy in the rejected queue has attributes besides."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What became of a key. `outcome` is what was kept of an applied write, None if nothing was to be shown or it was
    too large; `reason` is why it was rejected; `since` is when it was accepted, in seconds since 1970, None for a bulk
    write of which a part is applied."""

    status: Literal["applied", "rejected", "pending"]
    outcome: Outcome | None = None
    reason: str | None = None
    since: int | None = None

    @classmethod
    def of(cls, record: Record) -> Self:
        """From the key's record. A request that was rejected and then accepted again is pending."""
        if record.pending_since is not None:
            return cls("pending", since=record.pending_since)
        if record.rejected is not None:
            return cls("rejected", reason=record.rejected)
        outcome = None if record.outcome is None else Outcome.load(record.outcome)
        return cls("applied", None if outcome is None or outcome.current else outcome)


class Operations:
    """The queue of operations at `url`. `sqs` is called for its client when the first message is sent."""

    def __init__(self, client: Client, url: str, sqs: Callable[[], Any]) -> None:
        self._client, self._url, self._make_sqs = client, url, sqs
        self._sqs: Any = None

    def submit(
        self, write: AnyWrite, message: Mapping[str, Any], key: IdempotencyKey, *, deadline: Deadline
    ) -> Outcome | None:
        """Accepts the write. `message` is the same write as a message (docs/messages.md), without a key.

        Returns None, or the outcome if it was applied before. A bulk write is queued in any case, for of what was
        applied only its first chunk is known. Raises MessageTooLarge, KeyReused (`Client.accept`), or a
        Retryable: then nothing was consumed; ConfigurationError where the message is another write.
        """
        body = message_of(key, message)
        models = {write.model} if isinstance(write, Write) else {one.model for one in write.writes}
        if parse_message(message).to_write(Catalogue(*models)).fingerprint != write.fingerprint:
            raise ConfigurationError("an operation's message is another write than the one that is accepted")
        outcome = self._client.accept(write, key, deadline=deadline)
        if outcome is not None and not isinstance(write, BulkWrite):
            return outcome
        self._send(body, deadline)
        return None

    def find(self, key: IdempotencyKey, *, deadline: Deadline | None = None) -> Operation | None:
        """What became of the key, None if the ledger holds nothing of it. A bulk write is applied when all of its
        chunks are."""
        record = self._client.find(key, deadline=deadline)
        if record is None:
            return None
        operation = Operation.of(record)
        if operation.status != "applied" or (count := chunks_of(record)) == 1:
            return operation
        session = self._client.session
        others = session.records(chunk_keys(key, count)[1:], session.begin(deadline))
        return operation if all(one is not None and one.consumed for one in others.values()) else Operation("pending")

    def _send(self, body: str, deadline: Deadline) -> None:
        if deadline.remaining() < MIN_CALL_TIME:
            raise DeadlineExceeded("no time left for a request to SQS")
        try:
            if self._sqs is None:
                self._sqs = self._make_sqs()
            self._sqs.send_message(QueueUrl=self._url, MessageBody=body)
        except ClientError as error:
            raise NotQueued(error.response.get("Error", {}).get("Code") or "ClientError") from None
        except BotoCoreError as error:
            raise NotQueued(type(error).__name__) from None


def message_of(key: IdempotencyKey, message: Mapping[str, Any]) -> str:
    """The body of an operation's message: `{"scope": …, "key": …, "write": …}`, in characters that SQS takes."""
    text = dumps({"scope": key.scope, "key": key.key, "write": message})
    body = text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    if (size := len(body.encode())) > MAX_MESSAGE_BYTES:
        reason = f"{size} bytes as a message, and SQS takes {MAX_MESSAGE_BYTES}; send it without respond-async"
        raise MessageTooLarge(Problem((), reason))
    return body


def read_message(value: Any) -> tuple[IdempotencyKey, Any]:
    """The key and the write of an operation's message, parsed from JSON. InvalidRequest for another shape."""
    if not isinstance(value, dict) or value.keys() != {"scope", "key", "write"}:
        raise InvalidRequest(Problem((), "an object with scope, key and write is needed"))
    if not isinstance(value["scope"], str) or not isinstance(value["key"], str):
        raise InvalidKey(Problem(("key",), "strings are needed for scope and key"))
    return IdempotencyKey(value["scope"], value["key"]), value["write"]

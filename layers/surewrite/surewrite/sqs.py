"""Messages of an SQS batch become writes: parsed one by one, committed, then done, rejected or to be retried.

A message that can never succeed is *rejected*: recorded in the ledger, sent to the rejected queue with the reason and
the key, then acknowledged. A crash in between sends a second copy; nothing is dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from .commit.ledger import IdempotencyKey
from .commit.many import Entry, Result
from .commit.one import Writer
from .commit.transport import Deadline
from .errors import Blocked, InvalidKey, KeyReused, Problem, Retryable, SurewriteError
from .model.json import loads
from .requests import Catalogue, Reader

_SETTLING_TIME = 3.0
_PARALLEL = 8

Record = Mapping[str, Any]
"""One element of an SQS event's `Records`."""


@dataclass(frozen=True)
class Rejection:
    """A message that will not be tried again, and why. `fingerprint` tells its request from others under its key."""

    record: Record
    key: IdempotencyKey
    fingerprint: str
    error: SurewriteError

    @property
    def reason(self) -> str:
        """For the operator who finds the message in the rejected queue."""
        return f"{type(self.error).__name__}: {self.error}"[:1024]


class RejectedQueue(Protocol):
    """Where rejected messages go."""

    def send(self, rejections: Sequence[Rejection], deadline: Deadline) -> list[Rejection]:
        """Sends them; those that could not be sent in time are returned."""
        ...


@dataclass
class Report:
    """What became of a batch. `failures` are the message ids that SQS shall deliver again."""

    failures: list[str] = field(default_factory=list)
    applied: int = 0
    replayed: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def response(self) -> dict[str, list[dict[str, str]]]:
        """The partial batch response that Lambda hands to SQS."""
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self.failures]}


class Consumer:
    """Processes batches of one or more queues.

    `catalogue` holds the models, `rejected` sends what was rejected; at most `parallel` calls are made at a time.
    """

    def __init__(
        self, writer: Writer, catalogue: Catalogue, rejected: RejectedQueue, *, parallel: int = _PARALLEL
    ) -> None:
        self._writer, self._reader, self._rejected = writer, Reader(catalogue), rejected
        self._parallel = parallel

    def process(self, records: Iterable[Record], *, deadline: Deadline) -> Report:
        """Commits what the messages ask for. Whatever is not surely done or rejected is reported as a failure."""
        messages = [_parse(record, self._reader) for record in records]
        report = Report()
        todo = messages
        while todo:
            todo = self._pass(todo, report, deadline)
        order = {message.id: position for position, message in enumerate(messages)}
        report.failures.sort(key=order.__getitem__)
        return report

    def _pass(self, messages: Sequence[_Message], report: Report, deadline: Deadline) -> list[_Message]:
        """Commits and settles; answers those that had to wait for a rejection of their group to be settled first.

        Of a group nothing is done after a message that SQS will deliver again, be it that its write or that its
        rejection could not be finished.
        """
        held: list[_Message] = []
        waiting: set[str] = set()
        entries: list[_Message] = []
        for message in messages:
            if message.group in waiting:
                held.append(message)
            elif message.entry is not None:
                entries.append(message)
            elif message.group is not None:
                waiting.add(message.group)
        # what is refused has yet to be recorded and sent
        committing = Deadline(deadline.at - min(_SETTLING_TIME, 0.2 * max(0.0, deadline.remaining())))
        results = self._writer.commit_many(
            [_entry(message) for message in entries], deadline=committing, parallel=self._parallel
        )
        for message, result in zip(entries, results, strict=True):
            message.result = result
        held += [message for message in entries if isinstance(_result(message).error, Blocked)]
        parked = set(map(id, held))
        settled = [message for message in messages if id(message) not in parked]
        rejections = [rejection for message in settled if (rejection := self._settle(message, report)) is not None]
        self._reject(rejections, report, deadline)
        failed = {message.group for message in settled if message.id in report.errors}
        for message in held:
            if message.group in failed:
                _retry(message.id, Blocked.__name__, report)
        return [message for message in messages if id(message) in parked and message.group not in failed]

    def _settle(self, message: _Message, report: Report) -> Rejection | None:
        result = _result(message)
        outcome, error = result.outcome, result.error
        if outcome is not None:
            report.applied += not outcome.replayed
            report.replayed += outcome.replayed
        elif isinstance(error, Retryable) or error is None:
            _retry(message.id, result.cause, report)
        else:
            return Rejection(message.record, message.key, message.fingerprint, error)
        return None

    def _reject(self, rejections: Sequence[Rejection], report: Report, deadline: Deadline) -> None:
        """Recorded, sent, then acknowledged by not being a failure."""
        if not rejections:
            return
        with ThreadPoolExecutor(self._parallel) as pool:
            sendable = list(pool.map(lambda rejection: self._record(rejection, deadline), rejections))
        recorded = []
        for rejection, verdict in zip(rejections, sendable, strict=True):
            if verdict is None:
                recorded.append(rejection)
            elif verdict:
                _retry(rejection.record["messageId"], verdict, report)
            else:
                report.replayed += 1
        unsent = self._rejected.send(recorded, deadline) if recorded else []
        for rejection in unsent:
            _retry(rejection.record["messageId"], "the rejected queue did not take it", report)
        failed = set(map(id, unsent))
        report.rejected += [rejection for rejection in recorded if id(rejection) not in failed]

    def _record(self, rejection: Rejection, deadline: Deadline) -> str | None:
        """None if the message is to be sent; else why not: the error to retry for, or nothing at all if its key turns
        out to have been applied meanwhile."""
        if isinstance(rejection.error, KeyReused):
            return None  # the record belongs to the request that was applied
        try:
            applied = self._writer.reject(rejection.key, rejection.fingerprint, rejection.reason, deadline=deadline)
        except (SurewriteError, ClientError, BotoCoreError) as error:
            return type(error).__name__
        return "" if applied is not None and applied.fingerprint == rejection.fingerprint else None


def _retry(message_id: str, cause: str, report: Report) -> None:
    report.failures.append(message_id)
    report.errors[message_id] = cause


@dataclass
class _Message:
    """A record on its way: its key, what it asks for, what became of it."""

    record: Record
    key: IdempotencyKey
    fingerprint: str
    entry: Entry | None = None
    result: Result | None = None

    @property
    def group(self) -> str | None:
        """The message group in which the order counts."""
        return _group(self.record)

    @property
    def id(self) -> str:
        message_id: str = self.record["messageId"]
        return message_id


def _result(message: _Message) -> Result:
    assert message.result is not None
    return message.result


def _entry(message: _Message) -> Entry:
    assert message.entry is not None
    return message.entry


def _parse(record: Record, reader: Reader) -> _Message:
    """The message with its entry, or with the error that rejects it."""
    body = _body(record)
    scope, fingerprint = f"queue:{queue_name(record)}", hashlib.sha256(body.encode()).hexdigest()[:32]
    message = _Message(record, _outer_key(scope, record), fingerprint)
    try:
        value = loads(body)
        message.key = IdempotencyKey(scope, _key(record, value))
        write = reader.read(value, len(body))
    except SurewriteError as error:
        message.result = Result(error=error)
    except Exception as error:
        # what nobody foresaw is this message's alone: it will be delivered again, and at last end in the rejected queue
        message.result = Result(cause=type(error).__name__)
    else:
        message.fingerprint = write.fingerprint
        message.entry = Entry(write, message.key, group=message.group)
    return message


def _body(record: Record) -> str:
    body: str = record.get("body") or ""
    return body


def _group(record: Record) -> str | None:
    """The message group, in which the order counts. A standard queue's messages may have one too, for fairness: those
    have no sequence number."""
    attributes = _attributes(record)
    ordered = "SequenceNumber" in attributes or "MessageDeduplicationId" in attributes
    return attributes.get("MessageGroupId") if ordered or queue_name(record).endswith(".fifo") else None


def queue_name(record: Record) -> str:
    """The name of the queue that a message came from."""
    arn: str = record.get("eventSourceARN") or ""
    return arn.rsplit(":", 1)[-1]


def _attributes(record: Record) -> Mapping[str, str]:
    attributes: Mapping[str, str] = record.get("attributes") or {}
    return attributes


def _outer_key(scope: str, record: Record) -> IdempotencyKey:
    """The key of a message whose body tells none; a redrive keeps it even if the body cannot be read."""
    try:
        return IdempotencyKey(scope, _key(record, None))
    except InvalidKey:
        return IdempotencyKey(scope, record["messageId"])


def _key(record: Record, body: Any) -> str:
    """The first that exists: `idempotency_key` in the body, the message attribute `IdempotencyKey` (a redrive keeps
    it), a FIFO queue's deduplication id, the message id."""
    if isinstance(body, Mapping) and body.get("idempotency_key") is not None:
        key = body["idempotency_key"]
        if not isinstance(key, str):
            raise InvalidKey(Problem(("idempotency_key",), "a string is needed"))
        return key
    attribute = ((record.get("messageAttributes") or {}).get("IdempotencyKey") or {}).get("stringValue")
    candidates = (attribute, _attributes(record).get("MessageDeduplicationId"), record["messageId"])
    return next(str(candidate) for candidate in candidates if candidate)


_MAX_BATCH_BYTES = 240 * 1024
_MAX_ATTRIBUTES = 10


@cache
def _forbidden() -> re.Pattern[str]:
    """What SendMessage does not take in a string. Compiling it takes milliseconds, so only who rejects pays for it."""
    return re.compile("[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SQSRejectedQueue:
    """The rejected queue in SQS. `client` is called for the client when the first message is rejected, so that a
    function that rejects nothing does not pay for it.

    A copy has the original body and attributes, and besides `Reason`, `IdempotencyKey` (so that a redrive is the same
    request to us), `SourceQueue` and, for FIFO messages, `SourceGroupId`.
    """

    def __init__(self, url: str, client: Callable[[], Any]) -> None:
        self._url, self._make_client = url, client
        self._client: Any = None

    def send(self, rejections: Sequence[Rejection], deadline: Deadline) -> list[Rejection]:
        """Sends in as few calls as SQS allows, several at a time; answers those that SQS did not take, or for which
        there was no time left."""
        if self._client is None:
            self._client = self._make_client()
        with ThreadPoolExecutor(_PARALLEL) as pool:
            unsent = pool.map(lambda batch: self._send(batch, deadline), _batches(rejections))
            return [rejection for batch in unsent for rejection in batch]

    def _send(self, batch: list[Rejection], deadline: Deadline) -> list[Rejection]:
        if deadline.remaining() <= 0:
            return batch
        entries = [_copy(index, rejection) for index, rejection in enumerate(batch)]
        try:
            response = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (ClientError, BotoCoreError):
            return batch
        sent = {int(entry["Id"]) for entry in response.get("Successful", ())}
        return [rejection for index, rejection in enumerate(batch) if index not in sent]


def _batches(rejections: Sequence[Rejection]) -> Iterable[list[Rejection]]:
    """At most 10 messages and SQS's limit of bytes a call; a larger message travels alone."""
    batch: list[Rejection] = []
    size = 0
    for rejection in rejections:
        bytes_ = len(_body(rejection.record).encode()) + 4096
        if batch and (len(batch) == 10 or size + bytes_ > _MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(rejection)
        size += bytes_
    if batch:
        yield batch


def _copy(index: int, rejection: Rejection) -> dict[str, Any]:
    record = rejection.record
    attributes = {
        "Reason": _string(rejection.reason),
        "IdempotencyKey": _string(rejection.key.key),
        "SourceQueue": _string(queue_name(record)),
    }
    if group := _attributes(record).get("MessageGroupId"):
        attributes["SourceGroupId"] = _string(group)
    for name, attribute in (record.get("messageAttributes") or {}).items():
        if name not in attributes and len(attributes) < _MAX_ATTRIBUTES and attribute.get("stringValue"):
            attributes[name] = {"DataType": attribute["dataType"], "StringValue": attribute["stringValue"]}
    return {"Id": str(index), "MessageBody": _body(record) or "(empty)", "MessageAttributes": attributes}


def _string(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": _forbidden().sub("?", value) or "?"}

"""A message on its way: parsed by itself into a key and a write, or into the failure to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ..commit.idempotency_key import QUEUE_SCOPE, IdempotencyKey
from ..commit.records import Claim
from ..errors import InvalidKey, InvalidRequest, Problem
from ..model.json import loads
from ..operations import read_message
from ..requests import Catalogue
from ..writes import AnyWrite
from .cache import RequestCache
from .records import SQSRecord
from .report import Failure, Rejection


class Fate(Enum):
    """What has become of a message."""

    APPLIED = auto()
    REPLAYED = auto()
    REJECTED = auto()
    RETRIED = auto()


@dataclass(slots=True, eq=False)
class Message:
    """A record, its key, and what it asks for. `failure` says why it was not applied; as long as it has no fate it is
    still to be committed, or its rejection to be recorded and sent."""

    record: SQSRecord
    key: IdempotencyKey
    write: AnyWrite | None = None
    failure: Failure | None = None
    fate: Fate | None = None

    @property
    def group(self) -> str | None:
        """The message group in which the order counts."""
        return self.record.group

    @property
    def source(self) -> str | None:
        """The message id, which tells a redelivery from a redrive."""
        return self.record.message_id or None

    @property
    def fingerprint(self) -> str:
        """Tells its request from others under its key."""
        return self.record.digest()[:32] if self.write is None else self.write.fingerprint

    def fail(self, failure: Failure) -> None:
        """It was not applied; if the failure may pass, that is its fate."""
        self.failure = failure
        if failure.reason is None:
            self.fate = Fate.RETRIED

    @property
    def on_record(self) -> bool:
        """Whether the ledger need not be told of its failure."""
        return self.failure is None or self.failure.reason is None or self.failure.on_record

    @property
    def refusal(self) -> Claim:
        """What the ledger is to hold of its failure."""
        assert self.failure is not None
        return Claim(self.key, self.fingerprint, source=self.source, rejected=self.failure.reason)

    @property
    def rejection(self) -> Rejection:
        """What is to be sent for it."""
        assert self.failure is not None
        return Rejection(self.record, self.key, self.failure.cause, self.failure.reason or "")


class Parser:
    """Parses one record after the other. `queues` maps physical names of queues to logical ones; `operations` is the
    physical name of the queue whose messages say themselves whose key they have, None for no queue."""

    def __init__(self, catalogue: Catalogue, queues: Mapping[str, str], operations: str | None = None) -> None:
        self._requests, self._queues, self._operations = RequestCache(catalogue), queues, operations or None

    def parse(self, record: SQSRecord) -> Message:
        """The message. Whatever reading it raises is its own failure, also what a model's own validator raises."""
        scope = f"{QUEUE_SCOPE}{self._queues.get(record.queue, record.queue)}"
        key: IdempotencyKey | None = None
        try:
            if not isinstance(record.body, str):
                raise InvalidRequest(Problem(("body",), "a string is needed"))
            value = loads(record.body)
            if record.queue == self._operations:
                key, value = read_message(value)
            else:
                key = IdempotencyKey(scope, _key(record, value))
            return Message(record, key, self._requests.read(value, len(record.body)))
        except Exception as error:
            failure = Failure.of(error)
        message = Message(record, key or _fallback_key(scope, record))
        message.fail(failure)
        return message


def _key(record: SQSRecord, value: Any) -> str:
    """The body's `idempotency_key`, otherwise the record's own."""
    if not isinstance(value, Mapping) or (key := value.get("idempotency_key")) is None:
        return record.own_key()
    if not isinstance(key, str):
        raise InvalidKey(Problem(("idempotency_key",), "a string is needed"))
    return key


def _fallback_key(scope: str, record: SQSRecord) -> IdempotencyKey:
    """The key under which a message is rejected whose body names none that can be used."""
    for candidate in (record.own_key, record.default_key):
        try:
            return IdempotencyKey(scope, candidate())
        except InvalidKey:
            continue
    return IdempotencyKey(scope, record.digest())

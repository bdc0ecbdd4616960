"""SQS batches become writes: each message is parsed by itself, committed, and then done, rejected or to be retried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..client import Client
from ..commit.many import Entry
from ..commit.retry import Deadline
from ..errors import Blocked
from ..requests import Catalogue
from .messages import Fate, Message, Parser
from .records import SQSRecord
from .rejected import RejectedQueue
from .report import Failure, Report

_SETTLING_TIME = 3.0
_PARALLEL = 8


class Consumer:
    """Processes batches of one or more queues.

    `catalogue` holds the models, `rejected` sends what was rejected. `queues` maps logical names of queues to physical
    ones (by default they are the same): keys belong to `queue:<logical name>`, so that they are remembered when a queue
    is replaced. `operations` is the physical name of the queue of `Operations`: its messages, and no others, say whose
    keys they have, so that only the API may be allowed to send to it. At most `parallel` calls are made at a time.
    """

    def __init__(
        self,
        client: Client,
        catalogue: Catalogue,
        rejected: RejectedQueue,
        *,
        queues: Mapping[str, str] | None = None,
        operations: str | None = None,
        parallel: int = _PARALLEL,
    ) -> None:
        self._client, self._rejected, self._parallel = client, rejected, parallel
        logical = {physical: logical for logical, physical in (queues or {}).items()}
        self._parser = Parser(catalogue, logical, operations)

    def process(self, records: Iterable[Any], *, deadline: Deadline) -> Report:
        """Commits what the messages ask for. Whatever is not surely done or rejected is reported as a failure.

        Of a message group nothing is done after a message that SQS will deliver again, and nothing after one that is to
        be rejected until that is settled: so a batch may take several rounds.
        """
        messages = [self._parser.parse(SQSRecord.of(record)) for record in records]
        while ready := _ready(messages):
            self._commit([message for message in ready if message.failure is None], deadline)
            self._reject([message for message in ready if message.fate is None and message.failure], deadline)
        return _report(messages)

    def _commit(self, messages: Sequence[Message], deadline: Deadline) -> None:
        """Commits them. Those that have to wait for a rejection of their group get no fate yet."""
        # what is refused has yet to be recorded and sent
        committing = Deadline(deadline.at - min(_SETTLING_TIME, 0.2 * max(0.0, deadline.remaining())))
        entries = [
            Entry(
                message.write,
                message.key,
                lane=message.group,
                source=message.source,
                redelivered=message.record.redelivered,
            )
            for message in messages
            if message.write is not None
        ]
        results = self._client.commit_many(entries, deadline=committing, parallel=self._parallel, ordered=False)
        stopped: set[str | None] = set()
        for message, result in zip(messages, results, strict=True):
            if result.outcome is not None:
                message.fate = Fate.REPLAYED if result.outcome.replayed else Fate.APPLIED
            elif not (isinstance(result.error, Blocked) and message.group in stopped):
                assert result.error is not None
                message.fail(Failure.of(result.error))
                stopped.add(message.group)

    def _reject(self, messages: Sequence[Message], deadline: Deadline) -> None:
        """Rejects them: recorded, sent, and then acknowledged by not being a failure."""
        if not messages:
            return
        self._record([message for message in messages if not message.on_record], deadline)
        recorded = [message for message in messages if message.fate is None]
        unsent = self._rejected.send([message.rejection for message in recorded], deadline) if recorded else {}
        for message in recorded:
            if message.record.message_id in unsent:
                message.fail(Failure(unsent[message.record.message_id]))
            else:
                message.fate = Fate.REJECTED

    def _record(self, messages: Sequence[Message], deadline: Deadline) -> None:
        """Records why they are rejected. Those have a fate afterwards that are not to be sent: that could not be
        recorded, or the key turns out to have been applied meanwhile."""
        claims = [message.refusal for message in messages]
        results = self._client.reject_many(claims, deadline=deadline, parallel=self._parallel)
        for message, found in zip(messages, results, strict=True):
            if isinstance(found, Exception):
                message.fail(Failure.passing(found))
            elif found is not None and found.matches(message.fingerprint):
                message.fate = Fate.REPLAYED


def _ready(messages: Sequence[Message]) -> list[Message]:
    """What may be done now: of a group the messages up to the first that is to be rejected; that one only when all that
    come before it are done. What comes after one that SQS will deliver again is to be delivered again as well."""
    ready: list[Message] = []
    begun: set[str] = set()
    closed: set[str] = set()
    stopped: set[str] = set()
    for message in messages:
        group = message.group
        if group is None:
            if message.fate is None:
                ready.append(message)
        elif message.fate is Fate.RETRIED:
            stopped.add(group)
        elif message.fate is None and group in stopped:
            message.fail(Failure(Blocked.__name__))
        elif message.fate is None and group not in closed:
            if message.failure is not None:
                closed.add(group)
            if message.failure is None or group not in begun:
                ready.append(message)
            begun.add(group)
    return ready


def _report(messages: Sequence[Message]) -> Report:
    fates = [message.fate for message in messages]
    return Report(
        applied=fates.count(Fate.APPLIED),
        replayed=fates.count(Fate.REPLAYED),
        rejected=[message.rejection for message in messages if message.fate is Fate.REJECTED],
        errors={
            message.record.message_id: message.failure.cause
            for message in messages
            if message.fate is Fate.RETRIED and message.failure is not None
        },
    )

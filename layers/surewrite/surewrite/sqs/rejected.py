"""The rejected queue: where messages go that can never succeed as they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ..commit.retry import Deadline
from .copies import Copy, copy_of
from .report import Rejection, cause_of

_PARALLEL = 8
# SendMessageBatch: messages and bytes of one call. One that is larger than this travels alone.
_MAX_MESSAGES, _MAX_BYTES = 10, 240 * 1024


class RejectedQueue(Protocol):
    """Where rejected messages are sent."""

    def send(self, rejections: Sequence[Rejection], deadline: Deadline) -> Mapping[str, str]:
        """Sends them. Returns the message ids of those that were not sent, each with the cause."""
        ...


class SQSRejectedQueue:
    """The rejected queue in SQS. `client` is called for the client when the first message is rejected, so that a
    function that rejects nothing does not pay for it."""

    def __init__(self, url: str, client: Callable[[], Any]) -> None:
        self._url, self._make_client = url, client
        self._client: Any = None

    def send(self, rejections: Sequence[Rejection], deadline: Deadline) -> Mapping[str, str]:
        """Sends in as few calls as SQS allows, several at a time."""
        if self._client is None:
            self._client = self._make_client()
        unsent: dict[str, str] = {}
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for failed in pool.map(lambda batch: self._send(batch, deadline), _batches(rejections)):
                unsent |= failed
        return unsent

    def _send(self, batch: Sequence[Copy], deadline: Deadline) -> dict[str, str]:
        if deadline.remaining() <= 0:
            return {copy.message_id: "DeadlineExceeded" for copy in batch}
        entries = [{"Id": str(number), **copy.entry} for number, copy in enumerate(batch)]
        try:
            response = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            return {copy.message_id: cause_of(error) for copy in batch}
        sent = {int(entry["Id"]) for entry in response.get("Successful", ())}
        codes = {int(entry["Id"]): entry.get("Code") for entry in response.get("Failed", ())}
        return {
            copy.message_id: f"SendMessageBatch: {codes.get(number) or 'no result for this message'}"
            for number, copy in enumerate(batch)
            if number not in sent
        }


class RejectedQueues:
    """Several rejected queues: `others` by the physical names of the queues whose messages they take, and one for the
    messages of all other queues."""

    def __init__(self, queue: RejectedQueue, others: Mapping[str, RejectedQueue]) -> None:
        self._queue, self._others = queue, others

    def send(self, rejections: Sequence[Rejection], deadline: Deadline) -> Mapping[str, str]:
        parts: dict[RejectedQueue, list[Rejection]] = {}
        for one in rejections:
            parts.setdefault(self._others.get(one.record.queue, self._queue), []).append(one)
        unsent: dict[str, str] = {}
        for queue, part in parts.items():
            unsent |= queue.send(part, deadline)
        return unsent


def _batches(rejections: Sequence[Rejection]) -> Iterator[list[Copy]]:
    batch: list[Copy] = []
    size = 0
    for copy in map(copy_of, rejections):
        if batch and (len(batch) == _MAX_MESSAGES or size + copy.size > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(copy)
        size += copy.size
    if batch:
        yield batch

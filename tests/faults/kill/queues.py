"""Queues as SQS keeps them: at least once, in any order; a FIFO queue in order within a group."""

import random
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from surewrite.testing import RecordingSQS, sqs_record

SENT = 1_767_225_600_000
"""When every message was sent, in milliseconds since 1970."""


@dataclass(frozen=True)
class Message:
    """One message; copies of a request are messages of their own. `key` is the message attribute IdempotencyKey."""

    queue: str
    id: str
    body: str
    group: str | None = None
    key: str | None = None

    def record(self, count: int) -> dict[str, Any]:
        """As an event shows it when it is delivered for the `count`-th time."""
        return sqs_record(
            self.body,
            message_id=self.id,
            attributes={} if self.key is None else {"IdempotencyKey": self.key},
            group=self.group,
            deduplication_id=f"dedup-{self.id}",
            queue=self.queue,
            sent=SENT,
            received=count,
        )


class Queue:
    """Keeps every message until it is acknowledged. A standard queue delivers the share `twice` of its messages while
    they are still being worked on, as SQS does when the visibility timeout is too short."""

    def __init__(self, name: str, chance: random.Random, *, twice: float = 0.0) -> None:
        self.name, self.fifo = name, name.endswith(".fifo")
        self._chance, self._twice = chance, twice
        self._lock = threading.Lock()
        self._position: dict[str, int] = {}
        self._waiting: dict[str, Message] = {}
        self._under_way: dict[str, int] = {}
        self._received: dict[str, int] = {}
        self._done: set[str] = set()
        self._locked: set[str | None] = set()

    def send(self, message: Message) -> None:
        with self._lock:
            self._position[message.id] = len(self._position)
            self._waiting[message.id] = message

    @property
    def empty(self) -> bool:
        """Whether everything has been acknowledged."""
        with self._lock:
            return not self._waiting and not any(self._under_way.values())

    def receive(self, limit: int) -> list[Message]:
        """A batch; its messages are invisible to others, most of them at least."""
        with self._lock:
            messages = sorted(self._waiting.values(), key=lambda message: self._position[message.id])
            if self.fifo:
                batch = [message for message in messages if message.group not in self._locked][:limit]
                self._locked.update(message.group for message in batch)
            else:
                batch = self._chance.sample(messages, min(limit, len(messages)))
            for message in batch:
                self._received[message.id] = self._received.get(message.id, 0) + 1
                self._under_way[message.id] = self._under_way.get(message.id, 0) + 1
                if self.fifo or self._chance.random() >= self._twice:
                    del self._waiting[message.id]
            return batch

    def records(self, batch: list[Message]) -> list[dict[str, Any]]:
        return [message.record(self._received[message.id]) for message in batch]

    def settle(self, batch: list[Message], failed: Collection[str]) -> None:
        """Deletes what has not failed; the rest comes back."""
        with self._lock:
            self._locked.difference_update(message.group for message in batch)
            for message in batch:
                self._under_way[message.id] -= 1
                if message.id not in failed:
                    self._done.add(message.id)
                    self._waiting.pop(message.id, None)
                elif message.id not in self._done:
                    self._waiting[message.id] = message


class RejectedQueue(RecordingSQS):
    """What the worker has sent to the rejected queue, which it calls as SQS. `witness` looks at every copy when it
    comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.witness: Callable[[Mapping[str, Any]], None] = lambda copy: None

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """SQS's answer to a request."""
        assert operation == "SendMessageBatch", operation
        for copy in request["Entries"]:
            self.witness(copy)
        return self.send_message_batch(**request)

    @property
    def keys(self) -> set[tuple[str, str]]:
        """Source queues and idempotency keys of all copies."""
        return {(attribute(entry, "SourceQueue"), attribute(entry, "IdempotencyKey")) for entry in self.messages}

    def redrive(self, label: str) -> list[Message]:
        """Every copy as a message to the queue that it came from, with a new id, as an operator sends it."""
        return [
            Message(
                attribute(entry, "SourceQueue"),
                f"redriven-{label}-{number}",
                entry["MessageBody"],
                group=attribute(entry, "SourceGroupId") or None,
                key=attribute(entry, "IdempotencyKey"),
            )
            for number, entry in enumerate(self.messages)
        ]


def attribute(entry: Mapping[str, Any], name: str) -> str:
    """A message attribute of a copy, empty if it has none."""
    value: str = entry["MessageAttributes"].get(name, {}).get("StringValue", "")
    return value

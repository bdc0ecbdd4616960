"""What the tests of operations stand on: an API that accepts, a queue that holds, a worker that commits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surewrite import (
    Deadline,
    IdempotencyKey,
    Operations,
)
from surewrite.messages import parse_message
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer, RejectedQueues, Report
from surewrite.testing import (
    RecordingSQS,
    RejectedMessages,
    sqs_record,
)
from tests.engine.house import House
from tests.models import Book, Product

QUEUE = "surewrite-OperationsQueue-1A2B"
KEY = IdempotencyKey("jwt:https://issuer.example alice", "k")
RAINMAKER = {"Author": "John Grisham", "Title": "The Rainmaker"}


class Desk:
    """An API that accepts, a queue that holds, a worker that commits."""

    def __init__(self, house: House) -> None:
        self.house, self.sqs = house, RecordingSQS()
        self.copies, self.others = RejectedMessages(), RejectedMessages()
        self.operations = self.on(house)
        self.received = 0

    def on(self, house: House) -> Operations:
        return Operations(house.db, "https://operations", lambda: self.sqs)

    def submit(self, message: dict[str, Any], key: IdempotencyKey = KEY) -> Any:
        write = write_of(message)
        return self.operations.submit(write, message, key, deadline=Deadline.after(10))

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was sent since the last time that it was received."""
        bodies, self.received = self.sqs.bodies[self.received :], len(self.sqs.bodies)
        return [sqs_record(body, queue=QUEUE) for body in bodies]

    def work(self, records: Iterable[Any] | None = None, db: Any = None) -> Report:
        rejected = RejectedQueues(self.others, {QUEUE: self.copies})
        consumer = Consumer(db or self.house.db, Catalogue(Book, Product), rejected, operations=QUEUE)
        return consumer.process(self.records if records is None else records, deadline=Deadline.after(10))

    def status(self, key: IdempotencyKey = KEY) -> str | None:
        operation = self.operations.find(key)
        return None if operation is None else operation.status

    @property
    def views(self) -> Any:
        return (self.house.shown(Book, RAINMAKER) or {}).get("Views")


def add(attribute: str, value: int, **members: Any) -> dict[str, Any]:
    return {"op": "update", "collection": "books", "key": RAINMAKER, "add": {attribute: value}, **members}


def write_of(message: dict[str, Any]) -> Any:
    return parse_message(message).to_write(Catalogue(Book, Product))

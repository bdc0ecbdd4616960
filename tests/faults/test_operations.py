"""Operations at random: an API and a worker that die, calls that fail, messages that come twice or not at all."""

import random
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from surewrite import Client, Deadline, IdempotencyKey, InvalidItem, Operations, TransactWrite, Write, attr
from surewrite.errors import Retryable
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer
from surewrite.testing import Crash, Exactly, Fault, Randomly, RecordingSQS, RejectedMessages, sqs_record
from tests.engine.house import House
from tests.faults.ways import broken
from tests.models import Book

QUEUE, IN_STOCK, KEYS = "OperationsQueue", 4, 8


class FlakySQS(RecordingSQS):
    """Sometimes it cannot be reached, and sometimes it takes a message and its response is lost."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:  # noqa: N803
        fate = self._chance.random()
        if fate < 0.2:
            raise ConnectionClosedError(endpoint_url=QueueUrl)
        sent = super().send_message(QueueUrl=QueueUrl, MessageBody=MessageBody)
        if fate < 0.4:
            raise ConnectionClosedError(endpoint_url=QueueUrl)
        return sent


class Shop:
    """Sells the last copies of a book: a sale has a key, and is told to be sold as soon as that is sure."""

    def __init__(self, house: House, name: str, seed: int, *, transacts: bool) -> None:
        self.house, self.title, self.transacts = house, f"{name}/{seed}", transacts
        self.chance = random.Random(seed)  # noqa: S311
        self.sqs = FlakySQS(self.chance)
        self.received = 0
        self.queued: list[dict[str, Any]] = []
        self.accepted: set[IdempotencyKey] = set()
        self.sold: set[IdempotencyKey] = set()
        self.keys = [IdempotencyKey(f"jwt:{self.title}", f"sale {number}") for number in range(KEYS)]
        request = {
            "collection": "books",
            "key": {"Author": "a", "Title": self.title},
            "add": {"Stock": -1, "Views": 1},
        }
        self.update = Write.update(Book, ("a", self.title), {attr("Stock").add(-1), attr("Views").add(1)})
        self.write = TransactWrite.of([self.update]) if transacts else self.update
        whole = {"op": "transaction", "writes": [{"update": request}]}
        self.message: dict[str, Any] = whole if transacts else {"op": "update", **request}
        house.seed(Book(author="a", title=self.title, stock=IN_STOCK))

    def faulty(self) -> Client:
        return self.house.on(broken(self.house, Randomly(self.chance.randrange(10**6), rate=0.3)), sleep=lambda _: None)

    def accept(self) -> None:
        key, operations = self.chance.choice(self.keys), Operations(self.faulty(), "", lambda: self.sqs)
        self.accepted.discard(key)  # after a 503, or no response, it may be marked with no message on its way
        with suppress(Retryable, Crash):
            outcome = operations.submit(self.write, self.message, key, deadline=Deadline.after(5))
            (self.accepted if outcome is None else self.sold).add(key)

    def sell(self) -> None:
        key = self.chance.choice(self.keys)
        with suppress(Retryable, Crash, InvalidItem):
            if self.transacts:
                self.faulty().transact([self.update], key)
            else:
                self.faulty().commit(self.update, key)
            self.sold.add(key)

    def work(self, *, faults: bool = True) -> None:
        """A batch of what waits. Messages that are done may come again: their deletion is lost."""
        new = self.sqs.bodies[self.received :]
        self.received += len(new)
        self.queued += [sqs_record(body, queue=QUEUE) for body in new]
        batch = self.chance.sample(self.queued, min(len(self.queued), self.chance.randrange(1, 6) if faults else 100))
        consumer = Consumer(
            self.faulty() if faults else self.house.db, Catalogue(Book), RejectedMessages(), operations=QUEUE
        )
        with suppress(Crash):
            report = consumer.process(batch, deadline=Deadline.after(5))
            for record in batch:
                lost = faults and self.chance.random() < 0.3
                if record["messageId"] not in report.errors and not lost:
                    self.queued.remove(record)
                record["attributes"]["ApproximateReceiveCount"] = "2"

    def check(self) -> dict[IdempotencyKey, str | None]:
        """One effect for each applied key, and all that was told to be sold is."""
        operations = Operations(self.house.db, "", lambda: self.sqs)
        found = {key: str(operation.status) if (operation := operations.find(key)) else None for key in self.keys}
        book = self.house.shown(Book, ("a", self.title)) or {}
        applied = {key for key, status in found.items() if status == "applied"}
        assert (book["Views"], book["Stock"]) == (len(applied), IN_STOCK - len(applied))
        assert self.sold <= applied
        assert all(found[key] for key in self.accepted)
        return found


@pytest.mark.parametrize("transacts", [False, True], ids=["update", "transaction"])
@pytest.mark.parametrize("seed", range(12))
def test_sales_at_random(house: House, name: str, seed: int, transacts: bool) -> None:
    shop = Shop(house, name, seed, transacts=transacts)
    for _ in range(40):
        shop.chance.choice([shop.accept, shop.accept, shop.sell, shop.work, shop.work])()
        shop.check()
    while shop.queued or shop.received < len(shop.sqs.bodies):
        shop.work(faults=False)
    found = shop.check()
    assert {found[key] for key in shop.accepted} <= {"applied", "rejected"}
    if "rejected" in found.values():
        assert list(found.values()).count("applied") == IN_STOCK


@pytest.mark.parametrize("call", [1, 2], ids=["mark", "commit"])
@pytest.mark.parametrize("fault", [Fault.DROP_REQUEST, Fault.DROP_RESPONSE, Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
@pytest.mark.parametrize("transacts", [False, True], ids=["update", "transaction"])
def test_a_fault_at_every_call(house: House, name: str, call: int, fault: Fault, transacts: bool) -> None:
    """The client sends it again until it is accepted, SQS until the worker is done: one effect, and it is known."""
    shop = Shop(house, name, 0, transacts=transacts)
    sqs, key = RecordingSQS(), shop.keys[0]
    transport = broken(house, Exactly({call: fault}))
    while not sqs.bodies:
        with suppress(Retryable, Crash):
            client = house.on(transport, sleep=lambda _: None)
            Operations(client, "", lambda: sqs).submit(shop.write, shop.message, key, deadline=Deadline.after(5))
    records = [sqs_record(body, queue=QUEUE) for body in sqs.bodies]
    for _ in range(2):
        with suppress(Crash):
            client = house.on(transport, sleep=lambda _: None)
            consumer = Consumer(client, Catalogue(Book), RejectedMessages(), operations=QUEUE)
            assert consumer.process(records, deadline=Deadline.after(5)).errors == {}
    assert transport.injected == {call: fault}
    shop.accepted = {key}
    assert shop.check()[key] == "applied"

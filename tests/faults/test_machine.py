"""Producers, duplicates, crashes, redeliveries, redrives and expiry in any order, against a trivially correct model.

The model is a sum: each key adds to its item once, until its record has expired.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from surewrite import Boto3Transport, Client, Deadline, IdempotencyKey, Ledger
from surewrite.commit.slots import MARGIN
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer, Rejection, Report
from surewrite.testing import Clock, Crash, Exactly, Fault, FaultTransport, RejectedMessages
from tests.faults import machines
from tests.faults.kill.queues import SENT, Message
from tests.faults.ways import timed
from tests.models import MODELS, Book

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RETENTION = 1000
_QUEUE = "WritesQueue"
_ITEMS = ("a", "b")
_AUTHOR = "a"


@dataclass(frozen=True)
class Asked:
    """What the messages of one key ask for: `amount` added to an attribute of an item; hopeless without an amount."""

    item: str
    attribute: str = "Views"
    amount: int | None = None
    shown: bool = False

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"op": "update", "collection": "books", "key": {"Author": _AUTHOR, "Title": self.item}}
        if self.amount is None:
            return {**body, "add": {"Views": 1}, "when": {"Category": {"eq": "never"}}}
        body["add"] = {self.attribute: self.amount}
        return {**body, "return_values": "ALL_NEW"} if self.shown else body


class Copies(RejectedMessages):
    """The rejected queue: it may be down, and the worker may die before or after it has taken a message."""

    trouble: str | None = None

    def send(self, rejections: Sequence[Rejection], deadline: Deadline) -> Mapping[str, str]:
        trouble, self.trouble = self.trouble, None
        self.down = trouble == "down"
        if trouble == "crash before":
            raise Crash
        unsent = super().send(rejections, deadline)
        if trouble == "crash after":
            raise Crash
        return unsent


_items = st.sampled_from(_ITEMS)
_asked = st.one_of(
    st.builds(Asked, _items, amount=st.integers(1, 3), shown=st.sampled_from([False, False, True])),
    st.builds(Asked, _items, st.just("Stock"), st.integers(-3, -1)),
    st.builds(Asked, _items),
)
_sizes = st.sampled_from([100, 100, 3, 1])
_troubles = st.sampled_from([None, None, "down", "crash before", "crash after"])
_faults = st.dictionaries(st.integers(1, 8), st.sampled_from([fault for fault in Fault if fault is not Fault.PASS]))


class Machine(RuleBasedStateMachine):
    client: DynamoDBClient
    tables: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        machines.clear(self.client, self.tables)
        self.packed = False
        self.ids = itertools.count()
        self.now = 1_000_000.0
        self.clock = Clock()
        self.waiting: list[Message] = []
        self.acknowledged: list[Message] = []
        self.delivered: set[str] = set()
        self.copies = Copies()
        self.asked: dict[str, Asked] = {}
        self.sums = {item: {"Views": 0, "Stock": 0} for item in _ITEMS}

    # --- what happens ------------------------------------------------------------------------------------------------

    @initialize(packed=st.booleans())
    def begin(self, packed: bool) -> None:
        """With keys of their own records, or with keys that share small slots."""
        self.packed = packed

    @rule(requests=st.lists(st.tuples(st.integers(0, 30), _asked), min_size=1, max_size=12))
    def produce(self, requests: list[tuple[int, Asked]]) -> None:
        """New requests, or the same ones once more where their keys are in use."""
        for number, asked in requests:
            key = f"{SENT + 100 * (number % 3)}-{number}" if self.packed else f"key-{number}"
            if key not in self.asked:
                self.asked[key] = asked
                if asked.amount is not None:
                    self.sums[asked.item][asked.attribute] += asked.amount
            self._send(json.dumps({**self.asked[key].body(), "idempotency_key": key}))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), size=_sizes)
    def deliver(self, data: st.DataObject, size: int) -> None:
        """Some of the messages, in any order."""
        self._process(data.draw(st.permutations(self.waiting))[:size], Exactly({}), 10)
        self.never_oversold()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), size=_sizes, faults=_faults, hurried=st.booleans(), trouble=_troubles)
    def deliver_on_a_bad_day(
        self, data: st.DataObject, size: int, faults: dict[int, Fault], hurried: bool, trouble: str | None
    ) -> None:
        """With faults, and maybe no time left to begin anything."""
        batch = data.draw(st.permutations(self.waiting))[:size]
        self.copies.trouble = trouble
        try:
            self._process(batch, Exactly(faults, if_fitting=True), 0.1 if hurried and not faults else 10)
        except Crash:
            pass  # nothing is acknowledged
        finally:
            self.copies.trouble = None
        self.never_oversold()

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        """SQS delivers what has been acknowledged."""
        self.waiting += data.draw(st.lists(st.sampled_from(self.acknowledged), min_size=1, max_size=5))

    @precondition(lambda self: self.copies.rejections)
    @rule(data=st.data())
    def redrive(self, data: st.DataObject) -> None:
        """An operator sends rejected messages again, and leaves them in the rejected queue."""
        for rejection in data.draw(st.lists(st.sampled_from(self.copies.rejections), min_size=1, max_size=5)):
            self._redrive(rejection)

    @rule(item=_items, amount=st.integers(1, 4))
    def restock(self, item: str, amount: int) -> None:
        self.client.update_item(
            TableName=self.tables["Books"],
            Key={"Author": {"S": _AUTHOR}, "Title": {"S": item}},
            UpdateExpression="ADD Stock :amount SET #v = :v",
            ExpressionAttributeNames={"#v": "_v"},
            ExpressionAttributeValues={":amount": {"N": str(amount)}, ":v": {"S": f"restocked {next(self.ids)}"}},
        )
        self.sums[item]["Stock"] += amount

    @precondition(lambda self: len(self.asked) > 4)
    @rule()
    def expire(self) -> None:
        """Everything is settled, and then forgotten: every key counts as new."""
        self.settle()
        self.now += _RETENTION + MARGIN + 1
        for item in self.client.scan(TableName=self.tables["Ledger"])["Items"]:
            if float(item["expires_at"]["N"]) < self.now:
                self.client.delete_item(TableName=self.tables["Ledger"], Key={"id": item["id"]})
        self.asked.clear()
        self.acknowledged.clear()

    # --- what must be true -------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """With enough stock, everything is delivered and redriven until nothing is left but what is hopeless."""
        for item in _ITEMS:
            self.restock(item, 100)
        for _ in range(3):
            # what was rejected stays rejected for its message, and is applied when it is redriven
            for rejection in self.copies.rejections:
                self._redrive(rejection)
            self.copies.rejections.clear()
            report = self._process(list(self.waiting), Exactly({}), 10)
            assert not report.failures, report.errors
        assert not self.waiting
        hopeless = {key for key, asked in self.asked.items() if asked.amount is None}
        assert {rejection.key.key for rejection in self.copies.rejections} <= hopeless
        self.copies.rejections.clear()
        for key, asked in self.asked.items():
            record = self._writer(Exactly({})).find(IdempotencyKey(f"queue:{_QUEUE}", key))
            assert record is not None
            assert (record.rejected is not None) == (asked.amount is None)
        for item, sums in self.sums.items():
            image = self._stored(item)
            assert {name: image.get(name, 0) for name in sums} == sums

    def never_oversold(self) -> None:
        for item in _ITEMS:
            assert self._stored(item).get("Stock", 0) >= 0

    def teardown(self) -> None:
        self.settle()

    # --- how ---------------------------------------------------------------------------------------------------------

    def _stored(self, item: str) -> dict[str, Any]:
        return self._writer(Exactly({})).table(Book).image((_AUTHOR, item), consistent=True) or {}

    def _send(self, body: str, key: str | None = None) -> None:
        self.waiting.append(Message(_QUEUE, f"m{next(self.ids)}", body, key=key))

    def _redrive(self, rejection: Rejection) -> None:
        self._send(rejection.record.text, rejection.key.key)

    def _writer(self, plan: Exactly) -> Client:
        transport = timed(FaultTransport(Boto3Transport(self.client), plan, sleep=self.clock.sleep), self.clock)
        ledger = Ledger(self.tables["Ledger"], retention=_RETENTION, clock=lambda: self.now, close_at=4)
        return Client(ledger, transport=transport, sleep=self.clock.sleep, tables={"Books": self.tables["Books"]})

    def _process(self, batch: Sequence[Message], plan: Exactly, seconds: float) -> Report:
        """One invocation; what it acknowledges is gone from the queue."""
        unique = list({message.id: message for message in batch}.values())
        before = set(self.delivered)
        self.delivered |= {message.id for message in unique}  # even if the worker dies: a rejection may be recorded
        consumer = Consumer(self._writer(plan), Catalogue(*MODELS), self.copies, parallel=1)
        report = consumer.process([message.record(1) for message in unique], deadline=self.clock.deadline(seconds))
        done = {message.id for message in unique} - set(report.failures)
        self.waiting = [message for message in self.waiting if message.id not in done]
        self.acknowledged += [message for message in unique if message.id in done]
        for rejection in report.rejected:
            if rejection.record.message_id not in before:
                self._check_rejection(rejection)
        return report

    def _check_rejection(self, rejection: Rejection) -> None:
        """Only what is hopeless may be rejected, and what asks for more stock than there is. A batch only takes stock,
        so that there was never less than in the end; what was rejected once stays rejected for its message."""
        asked = self.asked[rejection.key.key]
        if asked.amount is None:
            return
        assert asked.attribute == "Stock", rejection.reason
        assert self._stored(asked.item).get("Stock", 0) + asked.amount < 0, rejection.reason


def test_everything_that_can_happen(dynamodb_client: DynamoDBClient, table_names: dict[str, str]) -> None:
    machines.run(Machine, dynamodb_client, table_names)

"""Several workers on two queues whose keys share small slots, with everything that can happen to them in any order.

Their clocks differ by hours, their requests fail, come late or are answered with less than all. While one waits for a
call, another one does a whole batch, perhaps with the same messages. Slots are forgotten when they have expired.

The model is what the items themselves say: each effect of a request leaves its number in a list.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from surewrite import Client, Ledger
from surewrite.model.wire import image_from_wire
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer, Rejection, Report
from surewrite.testing import Clock, Crash, RejectedMessages
from tests.faults import machines
from tests.faults.visits import ASKED, CLOCKS, HOUR, ITEMS, SELDOM, VISIT, Asked, Message, Visit
from tests.faults.ways import timed
from tests.faults.wires import Wire, wire_to
from tests.models import MODELS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DAY = 24 * HOUR
_RETENTION = 30 * _DAY
_STALL = 2 * HOUR
"""How long a worker stands still at a time."""
_LATEST = 4 * HOUR
"""How long a request may be on its way."""
_SURE = _RETENTION - 20 * HOUR
"""How long a key is remembered by every clock, however long requests are on their way."""
_SENT = 1_700_000_000_000
_CLOSE_AT = 3


class Machine(RuleBasedStateMachine):
    client: DynamoDBClient
    tables: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        machines.clear(self.client, self.tables)
        self.ids = itertools.count()
        self.now = _SENT / 1000
        self.clock = Clock()
        self.late = wire_to(self.client)
        self.copies = RejectedMessages()
        self.refused: list[Rejection] = []
        self.groups: dict[int, str] = {}
        self.ever_rejected: set[int] = set()
        self.waiting: list[Message] = []
        self.acknowledged: list[Message] = []
        self.received: dict[str, int] = {}
        self.rejected: dict[str, float] = {}  # when, by message ids
        self.asked: dict[int, list[Asked]] = {}  # by key
        self.applied: dict[int, tuple[float, int]] = {}  # when and which number, by key
        self.seen: dict[int, list[int]] = {item: [] for item in ITEMS}
        self.stock = dict.fromkeys(ITEMS, 0)
        self.involved: list[Message] = []

    # --- what happens ------------------------------------------------------------------------------------------------

    @rule(requests=st.lists(st.tuples(st.integers(0, 40), ASKED, SELDOM), min_size=1, max_size=8))
    def produce(self, requests: list[tuple[int, dict[str, Any], bool]]) -> None:
        """Requests under keys of three slots and under some with records of their own: new ones, the same ones once
        more, and others under keys that are in use."""
        for key, fields, other in requests:
            variants = self.asked.setdefault(key, [])
            if not variants or (other and len(variants) < 2):
                variants.append(Asked(key * 10 + len(variants), fields["item"], **_but_item(fields)))
            self._send(self._key(key), variants[-1] if other else variants[0])

    @rule(requests=st.lists(st.tuples(st.sampled_from("ab"), ASKED), min_size=1, max_size=4))
    def produce_in_order(self, requests: list[tuple[str, dict[str, Any]]]) -> None:
        """New requests of message groups."""
        for group, fields in requests:
            key = 100 + len(self.groups)
            asked = Asked(key * 10, fields["item"], **_but_item(fields))
            self.asked[key] = [asked]
            self.groups[asked.number] = group
            self._send(self._key(key), asked, group=group)

    @precondition(lambda self: self.waiting)
    @rule(visit=VISIT)
    def deliver(self, visit: Visit) -> None:
        self._visit(visit)
        self.observe()

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        """SQS delivers what has been acknowledged. A FIFO queue does so only as long as nothing came after it."""
        again = data.draw(st.lists(st.sampled_from(self.acknowledged), min_size=1, max_size=5, unique=True))
        self.waiting += [message for message in again if message.group is None]

    @precondition(lambda self: self.rejected)
    @rule(data=st.data(), worker=st.integers(0, len(CLOCKS) - 1))
    def redeliver_rejected(self, data: st.DataObject, worker: int) -> None:
        """What was rejected comes once more, alone."""
        known = {message.id: message for message in self.acknowledged}
        message = known[data.draw(st.sampled_from(list(self.rejected)))]
        report = self._process([message], Wire(self.late, lambda: self.now), CLOCKS[worker], 10)
        assert not report.applied or self.now - self.rejected[message.id] >= _SURE
        self.observe()

    @precondition(lambda self: self.copies.rejections)
    @rule(data=st.data())
    def redrive(self, data: st.DataObject) -> None:
        """An operator sends rejected messages again, and leaves them in the rejected queue."""
        for rejection in data.draw(st.lists(st.sampled_from(self.copies.rejections), min_size=1, max_size=4)):
            self._redrive(rejection)

    @precondition(lambda self: self.late.requests)
    @rule()
    def arrive(self) -> None:
        self._arrive()
        self.observe()

    @rule(item=st.sampled_from(ITEMS), amount=st.integers(1, 3))
    def restock(self, item: int, amount: int) -> None:
        self.client.update_item(
            TableName=self.tables["ProductCatalog"],
            Key={"Id": {"N": str(item)}},
            UpdateExpression="ADD QuantityOnHand :amount SET #v = :v",
            ExpressionAttributeNames={"#v": "_v"},
            ExpressionAttributeValues={":amount": {"N": str(amount)}, ":v": {"S": f"restocked {next(self.ids)}"}},
        )
        self.stock[item] += amount

    @rule(days=st.sampled_from([0.1, 1.5, 5, 16, 32]), forgets=st.booleans())
    def time_passes(self, days: float, forgets: bool) -> None:
        """Whatever was on its way has come or is lost; what has expired is forgotten now, or at any time."""
        self.late.requests.clear()
        self.involved.clear()
        self.now += days * _DAY
        if forgets:
            self._forget()

    # --- what must be true -------------------------------------------------------------------------------------------

    def observe(self) -> None:
        """Every number that is new in an item's list is of a request that may have had its effect now."""
        involved, self.involved = self.involved, []
        for item in ITEMS:
            image = self._stored(item)
            numbers = [int(number) for number in image.get("RelatedItems", [])]
            before, self.seen[item] = self.seen[item], numbers
            assert numbers[: len(before)] == before
            for number in numbers[len(before) :]:
                self._had_an_effect(number, item, involved)
            taken = sum(self._of(number).takes for number in numbers)
            assert image.get("QuantityOnHand", 0) == self.stock[item] - taken >= 0
            assert image.get("Price", 0) == len(numbers) - taken

        for rejection in self.refused:
            self._check_refusal(rejection)
        self.refused.clear()

    def _had_an_effect(self, number: int, item: int, involved: Sequence[Message]) -> None:
        when, before = self.applied.get(number // 10, (0.0, 0))
        assert self.now - when >= _SURE, f"{number} so soon after {before}"
        assert self._of(number).item == item
        sources = [message for message in involved if message.asked.number == number]
        free = [message for message in sources if self.now - self.rejected.get(message.id, 0.0) >= _SURE]
        assert free, f"{number} was rejected"
        self.applied[number // 10] = self.now, number

    def _check_refusal(self, rejection: Rejection) -> None:
        """A request is only refused if nothing was in stock, and not if it was the one that has taken the last."""
        number = _number(rejection)
        asked = self._of(number)
        assert asked.takes or asked.when, rejection.reason
        assert self._stored(asked.item).get("QuantityOnHand", 0) == 0, rejection.reason
        when, applied = self.applied.get(number // 10, (0.0, 0))
        assert applied != number or self.now - when >= _SURE, "rejected and applied"

    def settle(self) -> None:
        """With enough stock, everything is delivered and redriven until nothing is left."""
        self.late.requests.clear()
        for item in ITEMS:
            self.restock(item, 100)
        for _ in range(3):
            for rejection in self.copies.rejections:
                self._redrive(rejection)
            self.copies.rejections.clear()
            while self.waiting:
                before = len(self.waiting)
                self._visit(Visit(0, range(100)))
                assert len(self.waiting) < before
            self.observe()
        for key, variants in self.asked.items():
            assert key in self.applied, key
            assert self.applied[key][1] in [asked.number for asked in variants]
        for message in self.acknowledged:
            self._check_record(message)
        others = {rejection.record.message_id: rejection.cause for rejection in self.copies.rejections}
        assert set(others.values()) <= {"KeyReused"}
        self.in_order()

    def _check_record(self, message: Message) -> None:
        """What the ledger says of a key that it must remember."""
        when, _ = self.applied[message.asked.number // 10]
        record = self._worker(Wire(self.late, lambda: self.now), 0).find(message.scoped_key())
        if self.now - when < _SURE:
            assert record is not None
            assert record.rejected is None

    def in_order(self) -> None:
        """What was never rejected of a group was applied in the order in which it was sent."""
        for item, group in itertools.product(ITEMS, "ab"):
            numbers = [one for one in dict.fromkeys(self.seen[item]) if self.groups.get(one) == group]
            numbers = [one for one in numbers if one not in self.ever_rejected]
            assert numbers == sorted(numbers)

    def teardown(self) -> None:
        self.settle()

    # --- how ---------------------------------------------------------------------------------------------------------

    def _visit(self, visit: Visit) -> None:
        batch = self._batch(visit.order)
        wire = Wire(
            self.late,
            lambda: self.now,
            visit.faults,
            visit.edit,
            {moment: self._event(event) for moment, event in visit.events},
            visit.delayed,
            visit.throttled,
        )
        with suppress(Crash):  # then nothing is acknowledged
            self._process(batch, wire, CLOCKS[visit.worker], 0.1 if visit.hurried and not visit.faults else 10)

    def _event(self, event: Any) -> Callable[[], None]:
        if isinstance(event, Visit):
            return lambda: self._visit(event)
        return {"stall": self._stall, "arrive": self._arrive, "forget": self._forget}[event]

    def _arrive(self) -> None:
        """A request that its sender has given up, of whatever message."""
        self.involved += [*self.acknowledged, *self.waiting]
        self.late.arrive()

    def _stall(self) -> None:
        self.now += _STALL
        self.late.drop(self.now - _LATEST)

    def _forget(self) -> None:
        """TTL deletes what has expired."""
        for item in self.client.scan(TableName=self.tables["Ledger"], ConsistentRead=True)["Items"]:
            if float(item["expires_at"]["N"]) < self.now:
                self.client.delete_item(TableName=self.tables["Ledger"], Key={"id": item["id"]})

    def _batch(self, order: Iterable[int]) -> list[Message]:
        """Some of the messages that wait; of a group from its first on."""
        if not self.waiting:
            return []
        chosen = list(dict.fromkeys(self.waiting[position % len(self.waiting)] for position in order))
        batch: list[Message] = []
        for message in chosen:
            if message.group is None:
                batch.append(message)
            elif not any(one.group == message.group for one in batch):
                group = [one for one in self.waiting if one.group == message.group]
                batch += group[: sum(one.group == message.group for one in chosen)]
        return batch

    def _process(self, batch: Sequence[Message], wire: Wire, fast: float, seconds: float) -> Report:
        """One invocation; what it acknowledges is gone from the queue."""
        self.involved += batch
        for message in batch:
            self.received[message.id] = self.received.get(message.id, 0) + 1
        consumer = Consumer(self._worker(wire, fast), Catalogue(*MODELS), self.copies, parallel=1)
        records = [message.record(self.received[message.id]) for message in batch]
        report = consumer.process(records, deadline=self.clock.deadline(seconds))
        self._acknowledge(batch, report)
        return report

    def _acknowledge(self, batch: Sequence[Message], report: Report) -> None:
        done = [message for message in batch if message.id not in report.failures]
        self.waiting = [message for message in self.waiting if message not in done]
        self.acknowledged += [message for message in done if message not in self.acknowledged]
        for rejection in report.rejected:
            self.ever_rejected.add(_number(rejection))
            if rejection.cause != "KeyReused":
                self.rejected.setdefault(rejection.record.message_id, self.now)
            if rejection.cause not in ("KeyReused", "Rejected"):
                self.refused.append(rejection)

    def _worker(self, wire: Wire, fast: float) -> Client:
        ledger = Ledger(
            self.tables["Ledger"], retention=_RETENTION, clock=lambda: self.now + fast, slot_ms=100, close_at=_CLOSE_AT
        )
        return Client(ledger, transport=timed(wire, self.clock), sleep=self.clock.sleep, tables=self.tables)

    def _send(self, key: str, asked: Asked, *, group: str | None = None, redriven: bool = False) -> None:
        self.waiting.append(Message(f"m{next(self.ids)}", key, asked, group, redriven))

    def _redrive(self, rejection: Rejection) -> None:
        asked = self._of(_number(rejection))
        self._send(rejection.key.key, asked, group=rejection.record.group_id, redriven=True)

    def _key(self, key: int) -> str:
        """Of every four one has a record of its own; the others are spread over three slots."""
        return f"key-{key}" if key % 4 == 3 else f"{_SENT + 100 * (key % 4)}-{key}"

    def _of(self, number: int) -> Asked:
        return self.asked[number // 10][number % 10]

    def _stored(self, item: int) -> dict[str, Any]:
        key: Any = {"Id": {"N": str(item)}}
        found = self.client.get_item(TableName=self.tables["ProductCatalog"], Key=key, ConsistentRead=True)
        return image_from_wire(found.get("Item", {}))


def _number(rejection: Rejection) -> int:
    number: int = json.loads(rejection.record.text)["append"]["RelatedItems"][0]
    return number


def _but_item(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "item"}


def test_workers_with_everything_that_can_happen(dynamodb_client: DynamoDBClient, table_names: dict[str, str]) -> None:
    machines.run(Machine, dynamodb_client, table_names)

"""A batch leaves the table as its writes do one by one, in as few transactions as it may."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surewrite import (
    Boto3Transport,
    Client,
    Entry,
    Field,
    IdempotencyKey,
    Item,
    Ledger,
    PartitionKey,
    Result,
    attr,
)
from surewrite.commit.item_unit import ItemUnit
from surewrite.commit.placement import Placement
from surewrite.commit.records import Claim
from surewrite.commit.schedule import MAX_ACTIONS, Schedule
from surewrite.commit.steps import Step
from surewrite.errors import ConditionFailed, InvalidItem, InvalidUpdate
from surewrite.expressions.actions import Action
from surewrite.expressions.evaluate import apply, evaluate
from surewrite.expressions.updates import Update
from surewrite.model.item import VERSION
from surewrite.model.wire import Image, image_from_wire
from surewrite.testing import create_ledger
from surewrite.writes import Put, Write
from tests.engine.house import OWN, PACKED, SPREAD, Keys
from tests.engines import RUN

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Shelf(Item, table="Ledger", collection="shelves"):
    """Lives in a table whose key is `id`: the tests need no other schema."""

    id: PartitionKey[str]
    stock: int = Field(default=0, ge=0, le=12)
    views: int = 0
    note: str | None = None
    copy_of: str | None = None
    tags: set[str] = set()
    log: list[str] = []
    places: dict[str, str] = {}


# Nothing is removed below the top: where the parent is missing, AWS refuses that and the engine does not.
_IDS = "abc"
names = st.sampled_from(_IDS)
amounts = st.integers(-6, 6)
sets = st.sets(st.sampled_from("xyz"), min_size=1)
actions: st.SearchStrategy[Action] = st.one_of(
    amounts.map(lambda n: attr("stock").add(n)),
    amounts.map(lambda n: attr("views").add(n)),
    amounts.map(lambda n: attr("views").increment(n)),
    st.integers(0, 12).map(lambda n: attr("stock").set(n)),
    names.map(lambda text: attr("note").set(text)),
    names.map(lambda text: attr("note").default(text)),
    st.just(attr("copy_of").set(attr("note"))),
    st.just(attr("note").remove()),
    sets.map(lambda members: attr("tags").add(members)),
    sets.map(lambda members: attr("tags").delete(members)),
    names.map(lambda text: attr("log").append([text])),
    names.map(lambda text: attr("log[0]").set(text)),
    st.sampled_from(["views", "tags", "log", "places"]).map(lambda name: attr(name).remove()),
    st.tuples(names, names).map(lambda pair: attr(f"places.{pair[0]}").set(pair[1])),
    names.map(lambda text: attr("places").set({text: text})),
)


@st.composite
def writes(draw: st.DrawFn) -> Write:
    key = draw(names)
    when = draw(st.sampled_from([None, None, None, attr("stock").gte(3), attr("note").exists()]))
    match draw(st.sampled_from(["update"] * 8 + ["put", "delete"])):
        case "put":
            return Write.put(Shelf(id=key, stock=draw(st.integers(0, 12)), places={"a": "b"}), when=when)
        case "delete":
            return Write.delete(Shelf, key, when=when)
    chosen = {action.path.name: action for action in draw(st.lists(actions, min_size=1, max_size=3))}
    return Write.update(Shelf, key, chosen.values(), when)


batches = st.lists(st.tuples(writes(), st.sampled_from([*range(6), *range(100, 400)])), min_size=1, max_size=40)
kinds_of_keys = st.sampled_from([(OWN, 512), (PACKED, 512), (PACKED, 3), (SPREAD, 3)])
"""Kinds of keys, and at how many of them a slot closes."""


class Counting:
    """Counts transactions and checks the limits of each."""

    def __init__(self, client: Any) -> None:
        self.inner, self.transactions = Boto3Transport(client), 0

    def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "TransactWriteItems":
            self.transactions += 1
            assert len(request["TransactItems"]) <= MAX_ACTIONS
        return self.inner(operation, request)


def content(client: DynamoDBClient, table: str, ids: Collection[str]) -> dict[str, Image]:
    """The items with these ids, without what differs from run to run."""
    asked: Any = {table: {"Keys": [{"id": {"S": id_}} for id_ in ids], "ConsistentRead": True}}
    images = [image_from_wire(item) for item in client.batch_get_item(RequestItems=asked)["Responses"][table]]
    return {image["id"]: {n: v for n, v in image.items() if n not in (VERSION, "expires_at")} for image in images}


def clear(client: DynamoDBClient, table: str, ids: Collection[str]) -> None:
    requests: Any = [{"DeleteRequest": {"Key": {"id": {"S": id_}}}} for id_ in ids]
    client.batch_write_item(RequestItems={table: requests})


@pytest.fixture(scope="module")
def tables(dynamodb_client: DynamoDBClient) -> list[str]:
    """Two for items, each followed by its ledger."""
    created = [f"{RUN}batch-{use}" for use in ("items-1", "ledger-1", "items-2", "ledger-2")]
    for name in created:
        create_ledger(dynamodb_client, name)
    return created


def kind(result: Result) -> str:
    if result.outcome is not None:
        return "replayed" if result.outcome.replayed else "applied"
    return type(result.error).__name__


def consumed(client: Client, entries: list[Entry]) -> dict[IdempotencyKey, str]:
    """Fingerprints of the entries that have consumed their keys."""
    records = client.session.records([entry.key for entry in entries], client.session.begin())
    return {
        entry.key: entry.write.fingerprint
        for entry in entries
        if (record := records[entry.key]) is not None and record.matches(entry.write.fingerprint)
    }


@dataclass
class Reference:
    """What a batch means: its writes, one after the other, on dictionaries. It refuses nothing without a reason."""

    items: dict[str, Image] = field(default_factory=dict)
    used: dict[IdempotencyKey, str] = field(default_factory=dict)

    def commit(self, entry: Entry) -> str:
        """The `kind` of the entry's result."""
        write, used = entry.write, self.used.get(entry.key)
        assert isinstance(write, Write)
        if used is not None:
            return "replayed" if used == write.fingerprint else "KeyReused"
        try:
            self._apply(write)
        except (ConditionFailed, InvalidItem, InvalidUpdate) as error:
            return type(error).__name__
        self.used[entry.key] = write.fingerprint
        return "applied"

    def _apply(self, write: Write) -> None:
        id_ = write.key["id"]
        image = self.items.get(id_)
        if write.when is not None and not evaluate(write.when, image):
            raise ConditionFailed(image)
        match write.action:
            case Put(image=new):
                self.items[id_] = new
            case Update() as update:
                new = apply(update, image or write.key)
                Shelf.from_image(new)
                self.items[id_] = new
            case _:
                self.items.pop(id_, None)


_scopes = (f"t{number}" for number in itertools.count())


@settings(max_examples=settings().max_examples // 2)  # the dearest of all properties
@given(batch=batches, kind_of_keys=kinds_of_keys)
def test_a_batch_equals_its_writes_one_by_one(
    dynamodb_client: DynamoDBClient, tables: list[str], batch: list[tuple[Write, int]], kind_of_keys: tuple[Keys, int]
) -> None:
    """So does its redelivery, in another order."""
    keys, close_at = kind_of_keys
    scope = next(_scopes)
    entries = [Entry(write, keys(f"k{key}", scope)) for write, key in batch]
    items, ledger, other_items, other_ledger = tables
    for table in (items, other_items):
        clear(dynamodb_client, table, _IDS)
    counting = Counting(dynamodb_client)
    single, many = (
        Client(Ledger(ledger, close_at=close_at), transport=counting, tables={"Ledger": table})
        for table, ledger in ((items, ledger), (other_items, other_ledger))
    )
    reference = Reference()

    expected = [reference.commit(entry) for entry in entries]
    one_by_one = [single.commit_many([entry])[0] for entry in entries]
    together = many.commit_many(entries)

    assert [kind(result) for result in one_by_one] == expected
    assert [kind(result) for result in together] == expected
    assert content(dynamodb_client, items, _IDS) == reference.items
    assert content(dynamodb_client, other_items, _IDS) == reference.items
    assert consumed(single, entries) == consumed(many, entries) == reference.used

    expected = [reference.commit(entry) for entry in reversed(entries)]
    assert [kind(result) for result in many.commit_many(entries[::-1])] == expected
    assert content(dynamodb_client, other_items, _IDS) == reference.items
    assert consumed(many, entries) == reference.used


@pytest.mark.parametrize(("keys", "transactions"), [(OWN, 6), (PACKED, 4)], ids=["own", "packed"])
def test_increments_of_one_item_are_one_action(
    dynamodb_client: DynamoDBClient, tables: list[str], keys: Keys, transactions: int
) -> None:
    items, ledger, *_ = tables
    clear(dynamodb_client, items, ["hot"])
    counting = Counting(dynamodb_client)
    writer = Client(Ledger(ledger), transport=counting, tables={"Ledger": items})
    entries = [Entry(Write.update(Shelf, "hot", {attr("views").add(1)}), keys(str(n))) for n in range(500)]
    results = writer.commit_many(entries)
    assert {kind(result) for result in results} == {"applied"}
    assert content(dynamodb_client, items, ["hot"])["hot"]["views"] == Decimal(500)
    assert counting.transactions == transactions


@given(batch=batches, keys=st.sampled_from([OWN, PACKED, SPREAD]))
def test_a_schedule_hands_out_every_step_once_and_no_item_or_slot_twice_at_a_time(
    batch: list[tuple[Write, int]], keys: Keys
) -> None:
    steps = [Step(i, write, Claim(keys(f"k{i}"), "f")) for i, (write, _) in enumerate(batch)]
    units: list[ItemUnit] = []
    for step in steps:
        last = units[-1] if units else None
        if last is None or last.resources != (step.write.target,) or len(last.steps) > 8 or not last.join(step):
            units.append(ItemUnit.of(step))
    placement = Placement(Ledger("Ledger"))
    schedule = Schedule(units, placement, max_actions=10)
    handed: list[int] = []
    under_way: deque[list[Any]] = deque()
    while not schedule.finished:
        if taken := schedule.take():
            under_way.append(taken)
            loads = [placement.load([claim for unit in units for claim in unit.claims]) for units in under_way]
            assert loads[-1].actions + len(taken) <= 10
            slots = [slot for load in loads for slot in load.slots]
            assert len(slots) == len(set(slots))
            held = [resource for units in under_way for unit in units for resource in unit.resources]
            assert len(held) == len(set(held))
            continue
        for unit in under_way.popleft():
            handed += [step.ticket for step in unit.steps]
            schedule.settle(unit)
    assert sorted(handed) == list(range(len(batch)))
    for target in {step.write.target for step in steps}:
        own = [step.ticket for step in steps if step.write.target == target]
        assert [ticket for ticket in handed if ticket in own] == own

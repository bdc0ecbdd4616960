"""Batches through the worker: keys, duplicates, poisoned messages, failures of everything around it."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surewrite.testing import RecordingSQS, client_error, sqs_record
from tests.acceptance.harness import RAINMAKER_KEY, ROOT, Store, Worker, add, redriven, timed

SCOPE = "queue:WritesQueue"
CATEGORY = {"op": "update", "collection": "books", "key": RAINMAKER_KEY}
BATCH = {"op": "batch", "collection": "products"}
PUT = {"op": "put", "collection": "books", "item": {**RAINMAKER_KEY, "Category": "Suspense", "Stock": 50}}


def throttle(operation: str, request: Mapping[str, Any]) -> None:
    error: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    raise ClientError(error, operation)


def held_by(ledger: list[Any]) -> int:
    """How many keys the items of a ledger hold: those of a slot, or the one of a record."""
    return sum(sum("B" in value for value in item.values()) if "n" in item else 1 for item in ledger)


# The first that exists: in the body, as an attribute, the deduplication id, when it was sent and its message id.
@pytest.mark.parametrize("given", [4, 3, 2, 1], ids=["body", "attribute", "deduplication id", "default"])
def test_where_the_key_comes_from(worker: Worker, store: Store, given: int) -> None:
    attribute, deduplication_id, another = timed("from-attribute"), timed("from-deduplication-id"), timed("another")
    record = sqs_record(
        add("Views", 1, "from-body" if given >= 4 else None),
        message_id="from-message-id",
        attributes={"IdempotencyKey": attribute} if given >= 3 else {},
        group="g" if given >= 2 else None,
        deduplication_id=deduplication_id,
    )
    assert worker(record) == []
    key = ["1700000000000-from-message-id", f"g {deduplication_id}", attribute, timed("from-body")][given - 1]
    assert store.record(SCOPE, key) is not None
    assert len(store.tables()["Ledger"]) == 1

    # The same key at that place is the same message, whatever stands at the places after it.
    other = sqs_record(
        add("Views", 1, "from-body" if given >= 4 else None),
        message_id="from-message-id" if given == 1 else "another",
        attributes={"IdempotencyKey": attribute if given == 3 else another} if given >= 3 else {},
        group="g" if given >= 2 else None,
        deduplication_id=deduplication_id if given == 2 else another,
    )
    assert worker(other) == []
    assert store.book()["Views"] == 1


def test_a_message_without_a_key_keeps_its_own_from_delivery_to_redrive(
    worker: Worker, store: Store, rejected: RecordingSQS
) -> None:
    sent = sqs_record(add("Stock", -1), message_id="m", sent=1_767_225_600_000)
    later = {"ApproximateReceiveCount": "2", "ApproximateFirstReceiveTimestamp": "1767225600500"}
    again = {**sent, "attributes": {**sent["attributes"], **later}}
    assert worker(sent) == worker(again) == []
    moved = redriven(rejected.messages[0])
    assert worker(moved) == []
    assert rejected.attribute("IdempotencyKey") == ["1767225600000-m"] * 3

    assert worker(sqs_record(PUT)) == []
    assert worker(redriven(rejected.messages[2])) == []
    assert worker(sent, again, moved) == []
    assert (store.book()["Stock"], len(rejected.messages)) == (49, 3)


def test_duplicates_in_one_batch_and_across(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    first = [sqs_record(add("Views", 1, f"k{n % 4}")) for n in range(12)]
    assert worker(*first) == []
    assert store.book()["Views"] == 4
    assert worker(*first, sqs_record(add("Views", 1, "k4"))) == []
    assert worker(*[sqs_record(add("Views", 1, f"k{n}")) for n in range(6)]) == []
    assert store.book()["Views"] == 6
    assert rejected.messages == []


def test_queues_have_keys_of_their_own(worker: Worker, store: Store) -> None:
    assert (
        worker(sqs_record(add("Views", 1, "k")), sqs_record(add("Views", 1, "k"), queue="OrderedWritesQueue.fifo"))
        == []
    )
    assert store.book()["Views"] == 2


def test_keys_outlive_a_queue_that_is_replaced(store: Store, rejected: RecordingSQS) -> None:
    for number in (1, 2):
        store.variables["QUEUES"] = f"Other=app-Other-1 WritesQueue=app-WritesQueue-{number}"
        worker = Worker(store, rejected)
        assert worker(sqs_record(add("Views", 1, "k"), queue=f"app-WritesQueue-{number}")) == []
    assert store.book()["Views"] == 1
    assert store.record("queue:WritesQueue", timed("k")) is not None


def test_put_update_delete(worker: Worker, store: Store) -> None:
    update = {**CATEGORY, "set": {"Formats.Hardcover": "J4SUKVGU"}, "add": {"Tags": ["law"]}}
    assert worker(sqs_record(PUT), sqs_record(update)) == []
    book = store.book()
    assert (book["Formats"], book["Tags"], book["Stock"]) == ({"Hardcover": "J4SUKVGU"}, {"law"}, 50)
    assert worker(sqs_record({"op": "delete", "collection": "books", "key": RAINMAKER_KEY})) == []
    assert store.item("Books", RAINMAKER_KEY) is None


def test_a_batch_of_items(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    assert worker(sqs_record({"op": "put", "collection": "products", "item": {"Id": 9}})) == []
    items = [{"Id": number, "Description": f"No. {number}"} for number in range(100, 250)]
    batch = {**BATCH, "put": items, "delete": [{"Id": 9}], "idempotency_key": timed("catalog")}
    assert worker(sqs_record(batch), sqs_record(batch)) == []
    assert len(store.tables()["ProductCatalog"]) == 150
    assert (
        worker(sqs_record({**CATEGORY, "collection": "products", "key": {"Id": 100}, "set": {"Description": "x"}}))
        == []
    )
    assert worker(sqs_record(batch)) == []
    assert (store.item("ProductCatalog", {"Id": Decimal(100)}) or {})["Description"] == "x"
    assert rejected.messages == []
    assert worker(sqs_record({**batch, "put": items[:1] * 2})) == []
    assert rejected.attribute("Reason")[0].startswith("InvalidRequest: ")


@pytest.mark.parametrize(("duplicates", "left"), [("first", {"Id": 1, "Description": "a"}), ("last", None)])
def test_duplicates_in_a_batch(worker: Worker, store: Store, duplicates: str, left: Any) -> None:
    """The deletes come after the puts, whatever the order of the members."""
    puts = [{"Id": 1, "Description": text} for text in "ab"]
    body = {"delete": [{"Id": 1}], **BATCH, "put": puts, "duplicates": duplicates}
    assert worker(sqs_record(body)) == []
    item = store.item("ProductCatalog", {"Id": Decimal(1)})
    assert (item if item is None else {name: item[name] for name in left}) == left


POISONED: dict[str, tuple[Any, str]] = {
    "not JSON": ("this is not JSON", "InvalidJSON: not JSON"),
    "empty": (" ", "InvalidJSON: empty"),
    "NaN": ('{"op":NaN}', "InvalidJSON: op: NaN is not JSON"),
    "array": ([1, 2], "InvalidRequest: "),
    "null": ("null", "InvalidRequest: "),
    "no operation": ({"collection": "books", "key": RAINMAKER_KEY}, "InvalidRequest: "),
    "unknown operation": ({**CATEGORY, "op": "upsert"}, "InvalidRequest: "),
    "unknown member": (add("Views", 1, extra=1), "InvalidRequest: extra: "),
    "no action": (CATEGORY, "InvalidRequest: an update needs at least one of"),
    "unknown collection": (add("Views", 1, collection="nowhere"), "UnknownCollection: unknown collection"),
    "half a key": ({**CATEGORY, "key": {"Author": "John Grisham"}, "add": {"Views": 1}}, "InvalidKey: key"),
    "key of another type": (
        {"op": "delete", "collection": "products", "key": {"Id": "601"}},
        "InvalidKey: key Id: a number is needed",
    ),
    "unknown attribute": (add("Nope", 1), "InvalidUpdate: add Nope: unknown attribute"),
    "wrong type": ({**CATEGORY, "set": {"Views": "many"}}, "InvalidUpdate: set Views: a number is needed"),
    "empty set": (add("Tags", []), "InvalidUpdate: add Tags: a set cannot be empty"),
    "key attribute": ({**CATEGORY, "set": {"Author": "x"}}, "InvalidUpdate: set Author: part of the primary key"),
    "wrong item": ({**PUT, "item": {**RAINMAKER_KEY, "Stock": -1}}, "InvalidItem: item Stock: Input should be"),
    "below the bound": (add("Stock", -51), "InvalidItem: Stock: Input should be greater than or equal to 0"),
    "no parent": (
        {
            "op": "update",
            "collection": "users",
            "key": {"username": "u", "last_name": "l"},
            "set": {"address.city": "Y"},
        },
        "InvalidUpdate: set address.city: there is no map at address",
    ),
    "unmet condition": (add("Views", 1, when={"Category": {"eq": "Law"}}), "ConditionFailed: the condition is not met"),
    "unknown condition": (add("Views", 1, when={"Nope": {"eq": 1}}), "InvalidCondition: when Nope: unknown attribute"),
    "return values": (
        {**PUT, "return_values": "UPDATED_NEW"},
        "InvalidRequest: return_values: must be one of NONE, ALL_OLD, ALL_NEW (put)",
    ),
    "key that is a number": (add("Views", 1, idempotency_key=7), "InvalidKey: idempotency_key: a string is needed"),
    "empty key": (add("Views", 1, idempotency_key=""), "InvalidKey: idempotency_key: 1 to 255"),
    "key of 300 characters": (add("Views", 1, idempotency_key="x" * 300), "InvalidKey: idempotency_key: 1 to 255"),
    "key with a line break": (add("Views", 1, idempotency_key="a\nb"), "InvalidKey: idempotency_key: 1 to 255"),
    "an empty batch": (BATCH, "InvalidRequest: a batch needs at least one write"),
    "a batch of two collections": (
        {**BATCH, "put": [RAINMAKER_KEY]},
        "InvalidItem: put 0 Author: unknown attribute",
    ),
    "a second put of an item": (
        {**BATCH, "put": [{"Id": 1}, {"Id": 2}, {"Id": 1}]},
        "InvalidRequest: put 2: a second write of the same item",
    ),
    "a delete of what is put": (
        {**BATCH, "put": [{"Id": 1}], "delete": [{"Id": 2}, {"Id": 1}]},
        "InvalidRequest: delete 1: a second write of the same item",
    ),
    "unknown duplicates": ({**BATCH, "put": [{"Id": 1}], "duplicates": "frist"}, "InvalidRequest: duplicates: Input"),
    "too large": ({**PUT, "item": {**RAINMAKER_KEY, "Category": "x" * 500_000}}, "ItemTooLarge: "),
}


@pytest.mark.parametrize(("body", "reason"), POISONED.values(), ids=POISONED)
def test_poisoned(worker: Worker, store: Store, rejected: RecordingSQS, body: Any, reason: str) -> None:
    assert worker(sqs_record(PUT)) == []
    before = store.tables()
    poisoned = sqs_record(body, message_id="poisoned", attributes={"trace": "t-1"})
    assert worker(sqs_record(add("Views", 1, "before")), poisoned, sqs_record(add("Views", 1, "after"))) == []

    # The neighbours are applied, the message is in the rejected queue and in the ledger, and that is all.
    assert rejected.bodies == [poisoned["body"]]
    assert rejected.attribute("Reason")[0].startswith(reason)
    assert rejected.attribute("IdempotencyKey") == ["1700000000000-poisoned"]
    assert rejected.attribute("SourceQueue") == ["WritesQueue"]
    assert rejected.attribute("trace") == ["t-1"]
    record = store.record(SCOPE, "1700000000000-poisoned")
    assert record is not None
    assert record.rejected == rejected.attribute("Reason")[0]
    assert record.outcome is None
    after = store.tables()
    assert store.book()["Views"] == 2
    assert held_by(after.pop("Ledger")) == held_by(before.pop("Ledger")) + 3
    assert {name: len(items) for name, items in after.items()} == {name: len(items) for name, items in before.items()}


def test_another_request_under_a_key_is_rejected(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    assert worker(sqs_record(add("Views", 1, "k"))) == []
    assert worker(sqs_record(add("Views", 2, "k")), sqs_record(add("Views", 2, "k"))) == []
    assert rejected.attribute("Reason") == ["KeyReused: this idempotency key was already used for another request"] * 2
    assert rejected.attribute("IdempotencyKey") == [timed("k")] * 2
    assert store.book()["Views"] == 1
    # The record still belongs to the request that was applied.
    assert worker(sqs_record(add("Views", 1, "k"))) == []
    assert (store.book()["Views"], len(rejected.messages)) == (1, 2)


def test_a_key_in_the_body_is_kept(worker: Worker, rejected: RecordingSQS) -> None:
    assert worker(sqs_record(add("Nope", 1, "mine"), attributes={"IdempotencyKey": "not-mine"})) == []
    assert rejected.attribute("IdempotencyKey") == [timed("mine")]


def test_a_redrive_applies_once_when_the_cause_is_gone(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    assert worker(sqs_record(add("Stock", -1))) == []
    (copy,) = rejected.messages
    assert store.item("Books", RAINMAKER_KEY) is None

    # Too early: it is rejected again, under the key that it had.
    assert worker(redriven(copy)) == []
    assert rejected.attribute("IdempotencyKey")[0] == rejected.attribute("IdempotencyKey")[1]
    assert worker(sqs_record(PUT)) == []
    assert worker(redriven(copy), redriven(copy)) == []
    assert worker(redriven(copy)) == []
    assert store.book()["Stock"] == 49
    assert len(rejected.messages) == 2


def test_without_the_rejected_queue_a_message_stays(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    rejected.down = True
    poisoned = sqs_record("poison", message_id="poisoned")
    assert worker(sqs_record(add("Views", 1, "k")), poisoned) == ["poisoned"]
    assert store.book()["Views"] == 1
    rejected.down = False
    assert worker(poisoned) == []
    assert rejected.bodies == ["poison"]


def test_many_rejected_messages_are_sent_in_batches(worker: Worker, rejected: RecordingSQS) -> None:
    assert worker(*[sqs_record(f"poison {n}") for n in range(25)]) == []
    assert sorted(rejected.bodies) == sorted(f"poison {n}" for n in range(25))


def test_a_group_stops_at_its_first_retryable_failure(worker: Worker, store: Store) -> None:
    def busy(operation: str, request: Mapping[str, Any]) -> None:
        """A partition that is too hot: transactions that touch it are cancelled."""
        codes = ["ThrottlingError" if "The Firm" in str(action) else "None" for action in request["TransactItems"]]
        if "ThrottlingError" in codes:
            error: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                "CancellationReasons": [{"Code": code} for code in codes],
            }
            raise ClientError(error, operation)

    def fifo(title: str, category: str, group: str) -> Any:
        key = {"Author": "John Grisham", "Title": title}
        body = {"op": "update", "collection": "books", "key": key, "set": {"Category": category}}
        return sqs_record(body, group=group, message_id=f"{group}-{category}", queue="OrderedWritesQueue.fifo")

    batch = [
        fifo("The Rainmaker", "1", "a"),
        fifo("The Firm", "2", "a"),
        fifo("The Rainmaker", "3", "b"),
        fifo("The Rainmaker", "4", "a"),
        fifo("The Client", "5", "b"),
    ]
    worker.break_calls(busy)
    assert worker(*batch, timeout=2) == ["a-2", "a-4"]
    assert store.book()["Category"] == "3"
    assert (store.item("Books", {"Author": "John Grisham", "Title": "The Client"}) or {})["Category"] == "5"

    worker = Worker(store, worker.rejected)
    assert worker(batch[1], batch[3]) == []
    assert store.book()["Category"] == "4"


def test_a_rejected_message_does_not_stop_its_group(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    batch = [sqs_record(body, group="g") for body in (add("Views", 1), "poison", add("Stock", -1), add("Views", 1))]
    assert worker(*batch) == []
    assert store.book()["Views"] == 2
    assert rejected.attribute("SourceGroupId") == ["g", "g"]


def test_a_throttled_engine_loses_nothing(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    batch = [sqs_record(add("Views", 1, f"k{n}")) for n in range(5)] + [sqs_record("poison")]
    worker.break_calls(throttle)
    assert worker(*batch, timeout=2) == [record["messageId"] for record in batch]
    assert not any(store.tables().values())
    assert rejected.messages == []

    assert Worker(store, rejected)(*batch) == []
    assert store.book()["Views"] == 5
    assert rejected.bodies == ["poison"]


def test_no_time_left(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    batch = [sqs_record(add("Views", 1, f"k{n}")) for n in range(5)] + [sqs_record("poison")]
    # What is kept for the answer leaves no time to begin a request in.
    assert worker(*batch, timeout=0.05) == [record["messageId"] for record in batch]
    assert not any(store.tables().values())
    assert worker(*batch) == []
    assert (store.book()["Views"], rejected.bodies) == (5, ["poison"])


def test_a_denied_call_rejects_nothing_and_is_named(
    worker: Worker, rejected: RecordingSQS, caplog: pytest.LogCaptureFixture
) -> None:
    def denied(operation: str, request: Mapping[str, Any]) -> None:
        raise client_error(operation, "AccessDeniedException")

    worker.break_calls(denied)
    poisoned = sqs_record("poison", message_id="p", attributes={"IdempotencyKey": "p"})
    assert worker(sqs_record(add("Views", 1, "k"), message_id="denied"), poisoned) == ["denied", "p"]
    assert rejected.messages == []
    lines = [vars(record) for record in caplog.records]
    retried = {line["message_id"]: line["error"] for line in lines if "message_id" in line}
    assert retried == {"denied": "TransactWriteItems: AccessDeniedException", "p": "UpdateItem: AccessDeniedException"}


def test_the_messages_of_the_document(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    bodies = re.findall(r"^```json\n(.*?)^```$", (ROOT / "docs" / "messages.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(bodies) >= 2
    stock = {"op": "update", "collection": "books", "key": json.loads(bodies[0])["key"], "add": {"Stock": 2}}
    buyer = {"op": "put", "collection": "users", "item": {"username": "johndoe", "last_name": "Doe", "age": 27}}
    assert worker(sqs_record(stock), sqs_record(buyer)) == []
    assert worker(*map(sqs_record, bodies)) == []
    assert rejected.messages == []
    assert store.item("ProductCatalog", {"Id": Decimal(601)}) is not None


@pytest.mark.parametrize("batches", [1, 8])
def test_stock_is_never_oversold(worker: Worker, store: Store, rejected: RecordingSQS, batches: int) -> None:
    assert worker(sqs_record(PUT)) == []
    reservations = [sqs_record(add("Stock", -1, f"r{n}")) for n in range(80)]
    size = len(reservations) // batches
    for start in range(0, len(reservations), size):
        assert worker(*reservations[start : start + size]) == []
    assert store.book()["Stock"] == Decimal(0)
    assert len(rejected.messages) == 30
    records = [store.record(SCOPE, timed(f"r{n}")) for n in range(80)]
    assert sum(record is not None and record.rejected is None for record in records) == 50

    assert worker(*reservations) == []
    assert store.book()["Stock"] == 0

"""A batch write that was accepted, and a fault at every call of its way."""

from contextlib import suppress

import pytest

from surewrite import BulkWrite, Deadline, IdempotencyKey, Operations, Write
from surewrite.errors import Retryable
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer
from surewrite.testing import Crash, Exactly, Fault, RecordingSQS, RejectedMessages, sqs_record
from tests.engine.house import House
from tests.faults.ways import broken, no_sleep
from tests.models import Product

QUEUE = "OperationsQueue"
FAULTS = [Fault.DROP_REQUEST, Fault.DROP_RESPONSE, Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.CONFLICT_AT_FIRST]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_it_is_applied_when_all_of_it_is(house: House, name: str, call: int, fault: Fault) -> None:
    key, sqs = IdempotencyKey(f"jwt:{name}", "batch"), RecordingSQS()
    first = 1_000_000 + 1000 * (call * len(FAULTS) + FAULTS.index(fault))  # products of its own
    ids = range(first, first + 150)
    writes = [{"put": {"collection": "products", "item": {"Id": number, "QuantityOnHand": 7}}} for number in ids]
    bulk = BulkWrite.of(Write.put(Product(id=number, quantity_on_hand=7)) for number in ids)
    message = {"op": "batch", "writes": writes}

    def operations(plan: Exactly | None = None) -> Operations:
        db = house.db if plan is None else house.on(broken(house, plan), no_sleep)
        return Operations(db, "", lambda: sqs)

    for plan in (Exactly({call: fault}, if_fitting=True), None):
        with suppress(Retryable, Crash):
            assert operations(plan).submit(bulk, message, key, deadline=Deadline.after(5)) is None
    for plan in (Exactly({call: fault}, if_fitting=True), None):
        consumer = Consumer(
            house.db if plan is None else house.on(broken(house, plan), no_sleep),
            Catalogue(Product),
            RejectedMessages(),
            operations=QUEUE,
            parallel=1,
        )
        with suppress(Crash):
            consumer.process([sqs_record(body, queue=QUEUE) for body in sqs.bodies], deadline=Deadline.after(5))
        found = operations().find(key)
        assert found is not None
        there = house.table(Product).get_many(ids, consistent=True).items
        assert (found.status == "applied") == (len(there) == len(ids))
    assert [found.status for found in [operations().find(key)] if found] == ["applied"]
    assert house.db.bulk_write(bulk, key).replayed

"""Scans by several threads."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from surewrite import Boto3Transport, Deadline, InvalidRequest, attr
from surewrite.errors import CallFailed, DeadlineExceeded, Throttled
from surewrite.testing import Exactly, Fault, FaultTransport, InterceptingTransport, client_error
from tests.engine.house import House
from tests.models import Product

PRODUCTS = [Product(id=number, quantity_on_hand=number) for number in range(120)]


@pytest.fixture
def stocked(house: House) -> House:
    house.seed(*PRODUCTS)
    return house


def _threads() -> int:
    return sum(thread.name.startswith("scan") for thread in threading.enumerate())


@pytest.mark.parametrize("segments", [1, 2, 7, 100])
@pytest.mark.parametrize("page_size", [1, 10, None])
def test_every_item_once(stocked: House, segments: int, page_size: int | None) -> None:
    found = stocked.table(Product).scan(segments=segments, page_size=page_size)
    assert sorted(product.id for product in found) == list(range(120))
    assert _threads() == 0


def test_filters_fields_and_a_limit(stocked: House) -> None:
    products = stocked.table(Product)
    few = products.scan(attr("QuantityOnHand").lt(10), segments=4, fields=["QuantityOnHand"])
    assert sorted(product.quantity_on_hand for product in few) == list(range(10))
    assert len(list(products.scan(segments=4, page_size=5, limit=12))) == 12
    assert _threads() == 0


def test_pages_are_read_as_they_are_taken(stocked: House) -> None:
    stocked.transport.calls.clear()
    found = stocked.table(Product).scan(segments=4, page_size=1)
    for _ in range(3):
        next(found)
    found.close()  # type: ignore[attr-defined]
    assert len(stocked.operations) <= 4 + 3 * 4
    assert _threads() == 0


def test_what_a_page_raises_ends_the_scan(stocked: House) -> None:
    calls = iter(range(1000))

    def refuse(operation: str, request: Mapping[str, Any]) -> None:
        if next(calls) == 6:
            raise client_error(operation, "AccessDeniedException")

    db = stocked.on(InterceptingTransport(Boto3Transport(stocked.client), refuse))
    with pytest.raises(CallFailed, match="AccessDenied"):
        list(db.table(Product).scan(segments=3, page_size=4))
    assert _threads() == 0


def test_faults_are_retried(stocked: House) -> None:
    faults = {2: Fault.THROTTLE, 3: Fault.SERVER_ERROR, 5: Fault.DROP_RESPONSE, 8: Fault.DROP_REQUEST}
    transport = FaultTransport(Boto3Transport(stocked.client), Exactly(faults))
    found = stocked.on(transport, lambda _: None).table(Product).scan(segments=3, page_size=20)
    assert sorted(product.id for product in found) == list(range(120))
    assert transport.injected == faults


def test_a_deadline_holds_for_all_pages(stocked: House) -> None:
    with pytest.raises((DeadlineExceeded, Throttled)):
        list(stocked.table(Product).scan(segments=2, page_size=1, deadline=Deadline.after(0.06)))
    assert _threads() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segments": 0}, "segments: a number from 1 to 100 is needed"),
        ({"segments": 101}, "segments: a number from 1 to 100 is needed"),
        ({"segments": 4, "segment": (0, 4)}, "segments: this is one segment already"),
        ({"segments": 4, "limit": 0}, "limit: a number of at least 1 is needed"),
        ({"segments": 4, "page_size": 0}, "page_size: a number of at least 1 is needed"),
        ({"segments": 4, "fields": "Price"}, "fields: a list of document paths is needed"),
    ],
)
def test_what_is_wrong_is_said_at_once(house: House, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        house.table(Product).scan(**options)
    assert house.operations == []

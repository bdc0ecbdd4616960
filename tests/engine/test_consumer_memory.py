"""What a worker keeps of the batches that it has processed: nothing of their bodies, and a bounded cache."""

from __future__ import annotations

import gc
import itertools
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any, Self

import pytest
from pydantic import model_validator

from surewrite import Client, Deadline, Item, PartitionKey
from surewrite.model.json import loads
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer
from surewrite.sqs.cache import RequestCache
from surewrite.testing import RejectedMessages, cancellation, client_error, sqs_record
from tests.models import Book, Product

_BODY = 200_000
_KEY = {"Author": "A", "Title": "T"}


class Strict(Item, table="Strict", collection="strict"):
    """A model whose own validator refuses."""

    id: PartitionKey[str]
    text: str = ""

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        if self.text:
            raise ValueError("no text is accepted")
        return self


def refuse(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
    """No item is there, and no condition of one is met; rejections are recorded."""
    tables = [parameters["TableName"] for action in request.get("TransactItems", ()) for parameters in action.values()]
    if set(tables) - {"Ledger"}:
        raise cancellation(operation, *["None"] * (len(tables) - 1), "ConditionalCheckFailed")
    return {"Responses": {}}


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Cycles stay: the collector comes late to a process that allocates little else than long strings."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


def update(**members: Any) -> dict[str, Any]:
    return {"op": "update", "collection": "books", "key": _KEY, **members}


packing = pytest.mark.parametrize("packing", [True, False], ids=["packed", "own"])
LONG = "x" * _BODY
REFUSED: dict[str, Any] = {
    "not JSON": "{" + LONG,
    "an unknown member": update(surprise=LONG),
    "no section": update(when={"Category": {"eq": LONG}}),
    "an unknown attribute": update(set={"Category": LONG}, add={"Nope": 1}),
    "a wrong item": {"op": "put", "collection": "books", "item": {**_KEY, "Stock": -1, "Category": LONG}},
    "a validator, at the door": {"op": "put", "collection": "strict", "item": {"id": "1", "text": LONG}},
    "a validator, in the commit": {"op": "update", "collection": "strict", "key": {"id": "1"}, "set": {"text": LONG}},
    "an unmet condition": update(set={"Category": LONG}, when={"Stock": {"ge": 1}}),
}


@packing
@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
@pytest.mark.usefixtures("no_collection")
def test_nothing_of_a_rejected_body_is_kept(body: Any, packing: bool) -> None:
    rejected = RejectedMessages()
    consumer = Consumer(Client(transport=refuse, packing=packing), Catalogue(Book, Strict), rejected)
    text = body if isinstance(body, str) else json.dumps(body)

    def batch(number: int) -> int:
        records = [sqs_record(f"{text} ", message_id=f"{number}/{n}") for n in range(9)]
        report = consumer.process(records, deadline=Deadline.after(10))
        assert report.failures == []
        rejected.rejections.clear()
        return len(report.rejected)

    assert batch(0) == 9
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1, 4):
        batch(number)
    after, _ = tracemalloc.get_traced_memory()
    assert after - before < 2 * _BODY  # three batches have 27 bodies


@packing
@pytest.mark.usefixtures("no_collection")
def test_nothing_of_an_applied_body_is_kept_after_conflicts(packing: bool) -> None:
    calls = itertools.count()

    def busy(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        match next(calls) % 3:
            case 0:
                raise client_error(operation, "TransactionInProgressException")
            case 1:
                raise cancellation(operation, *["TransactionConflict"] * len(request["TransactItems"]))
        return {}

    client = Client(transport=busy, sleep=lambda _: None, packing=packing)
    consumer = Consumer(client, Catalogue(Book), RejectedMessages())
    text = json.dumps(update(set={"Category": LONG}, add={"Views": 1}))

    def batch() -> None:
        records = [sqs_record(f"{text} ", message_id=str(n)) for n in range(9)]
        assert consumer.process(records, deadline=Deadline.after(10)).failures == []

    batch()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(3):
        batch()
    after, _ = tracemalloc.get_traced_memory()
    assert after - before < 2 * _BODY


@pytest.mark.parametrize(
    "body",
    [
        lambda n: {**update(add={"Views": 1}), "key": {"Author": "A", "Title": str(n)}},
        lambda n: update(set={"Category": f"{n} {'x' * 1900}"}),
        lambda n: update(set={f"Formats.format{i}": str(n) for i in range(70)}),
        lambda n: {
            **update(append={"RelatedItems": list(range(n, n + 200))}),
            "collection": "products",
            "key": {"Id": 1},
        },
    ],
    ids=["items", "long values", "paths", "lists"],
)
@pytest.mark.usefixtures("no_collection")
def test_a_cache_is_bounded_by_bytes(body: Any) -> None:
    limit = 512 * 1024
    cache = RequestCache(Catalogue(Book, Product), limit=limit)
    for number in range(100):
        text = json.dumps(body(number))
        write = cache.read(loads(text), len(text))
        assert write.fingerprint
    full, _ = tracemalloc.get_traced_memory()
    del cache, write
    empty, _ = tracemalloc.get_traced_memory()
    assert full - empty < 2 * limit

"""The model of the ledger's price bills what the engine bills for the library's own claims."""

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import model
from benchmarks.messages import Message, arrive, fresh
from benchmarks.stream import deal
from surewrite import Client, attr
from surewrite.commit import slots
from surewrite.commit.idempotency_key import IdempotencyKey
from surewrite.commit.many import Entry
from surewrite.commit.transport import Boto3Transport
from surewrite.writes import Write
from tests.models import Book

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Meter:
    """A transport that sums up the write units of one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._transport, self._table, self.units = Boto3Transport(client), table, 0.0

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        response = self._transport(operation, {**request, "ReturnConsumedCapacity": "TOTAL"})
        if operation == "TransactWriteItems":
            tables = response["ConsumedCapacity"]
            self.units += sum(table["CapacityUnits"] for table in tables if table["TableName"] == self._table)
        return response


@pytest.mark.parametrize(
    ("rate", "workers", "slot_ms", "size"),
    [
        (100, 1, 100, 100),
        (100, 5, 100, 20),
        (1000, 1, 100, 1000),
        (1000, 5, 100, 200),
        (5000, 2, 100, 1000),
        (1000, 4, 10, 250),
        (20_000, 1, 10, 1000),
        pytest.param(20_000, 1, 100, 1000, id="slots close"),
    ],
)
def test_the_model_bills_what_the_engine_bills(
    rate: float,
    workers: int,
    slot_ms: int,
    size: int,
    dynamodb_client: "DynamoDBClient",
    table_names: dict[str, str],
) -> None:
    meter = Meter(dynamodb_client, table_names["Ledger"])
    tables = {"Books": table_names["Books"]}
    client = Client(table_names["Ledger"], transport=meter, tables=tables, slot_ms=slot_ms)
    chance = Random(0)  # noqa: S311
    messages = fresh("hot", max(2000, 2 * workers * size), arrive(rate, chance), chance, "now")
    batches = [sorted(batch, key=lambda message: message.sent) for batch in deal(messages, workers, size)]
    for batch in batches:
        assert all(result.outcome for result in client.commit_many([entry(message) for message in batch]))
    expected = model.ledger_units(([message.sent for message in batch] for batch in batches), slot_ms)
    assert meter.units == pytest.approx(expected, rel=0.02)


def entry(message: Message) -> Entry:
    write = Write.update(Book, ("Benchmark", message.title), {attr("Views").add(1)})
    return Entry(write, IdempotencyKey("queue:WritesQueue", message.key))


def test_the_model_has_the_limits_of_the_library() -> None:
    assert (model.CLOSE_AT, model.MAX_CLAIMS) == (slots.CLOSE_AT, slots.MAX_CLAIMS)


def test_packing_costs_at_most_what_records_cost() -> None:
    for rate, workers, slot_ms in [(10, 1, 100), (100, 5, 10), (20_000, 2, 100)]:
        assert 0.5 < model.units_a_message(rate, workers, slot_ms) <= 2
    assert model.units_a_message(1000, 1, 100) < 0.05
    assert model.units_a_message(1000, 5, 100) < 0.2

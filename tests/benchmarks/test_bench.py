"""The benchmark measures what it says: the same work for every contender, and the latencies that it names.

`make bench BENCH=--quick` runs all of it, small; it ends with an error where a contender's counters are wrong.
"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import contenders, ledger, proxy
from benchmarks.contenders import CONTENDERS, PLAIN, RECORDS, SUREWRITE
from benchmarks.messages import SCENARIOS, make_round
from local import aws, functions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.mark.parametrize(("scenario", "duplicates"), [("hot", 0.0), ("zipf", 0.3)])
def test_every_contender_ends_at_the_same_counters(
    scenario: str,
    duplicates: float,
    dynamodb_client: "DynamoDBClient",
    dynamodb_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    round_ = make_round(scenario, 40, duplicates)
    for contender in CONTENDERS:
        with contenders.fresh_tables(dynamodb_client) as tables:
            handler = loaded(contender, tables, dynamodb_endpoint, monkeypatch)
            for event in (round_.warm_up, round_.measured):
                assert handler(event) == {"batchItemFailures": []}
            expected = round_.deliveries if contender == PLAIN else round_.keys
            assert contenders.counters(dynamodb_client, tables) == expected, contender


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_duplicates_are_within_the_batch_and_across_batches(scenario: str) -> None:
    round_ = make_round(scenario, 200, 0.3)
    before = Counter(record["body"] for record in round_.warm_up["Records"])
    now = Counter(record["body"] for record in round_.measured["Records"])
    assert now.total() == 200
    assert sum((now & before).values()) == 30
    assert now.total() - len(now) == 30
    assert sum(round_.deliveries.values()) - sum(round_.keys.values()) == 60
    assert make_round(scenario, 200, 0.3) == round_
    assert make_round(scenario, 200, 0.3, seed=1) != round_


def test_the_proxy_delays_single_calls_and_transactions(
    dynamodb_client: "DynamoDBClient", dynamodb_endpoint: str, table_names: dict[str, str]
) -> None:
    def write() -> None:
        client.put_item(TableName=table_names["users"], Item={"username": {"S": "a"}, "last_name": {"S": "b"}})

    def transact() -> None:
        puts = [{"username": {"S": str(number)}, "last_name": {"S": "b"}} for number in range(10)]
        client.transact_write_items(
            TransactItems=[{"Put": {"TableName": table_names["users"], "Item": put}} for put in puts]
        )

    with proxy.running(dynamodb_endpoint) as (endpoint, slow):
        client = aws.dynamodb_client(endpoint)
        write()
        slow.ask(True)
        began = time.perf_counter()
        write()
        single = time.perf_counter() - began
        transact()
        transaction = time.perf_counter() - began - single
    assert single >= proxy.SINGLE
    assert transaction >= proxy.TRANSACTION + 10 * proxy.ACTION
    assert proxy.latency(b"X-Amz-Target: DynamoDB_20120810.BatchGetItem\r\n", b"") == proxy.SINGLE


@pytest.mark.parametrize("contender", [SUREWRITE, RECORDS])
def test_a_full_ledger_holds_what_workers_leave(
    contender: str, dynamodb_client: "DynamoDBClient", dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contenders.fresh_tables(dynamodb_client) as tables:
        handler = loaded(contender, tables, dynamodb_endpoint, monkeypatch)
        handler(make_round("hot", 40).warm_up)
        left = {shape(item) for item in dynamodb_client.scan(TableName=tables.ledger)["Items"]}
    with contenders.fresh_tables(dynamodb_client) as tables:
        ledger.fill(dynamodb_endpoint, tables.ledger, 260)
        items = dynamodb_client.scan(TableName=tables.ledger)["Items"]
    assert len(left) == 1
    assert left < {shape(item) for item in items}
    slots = [int(item["n"]["N"]) for item in items if "n" in item]
    assert sorted(slots) == [30, 100]
    assert sum(slots) + len(items) - len(slots) == 260


def shape(item: Mapping[str, Mapping[str, Any]]) -> frozenset[tuple[str, str, int]]:
    """Names, types and lengths of an item's attributes; of keys in a slot only how long the names are."""
    known = {"id": 0, "n": 0, "expires_at": 0, "fingerprint": 32}
    return frozenset(
        (name, kind, known[name]) if name in known else (f"{len(name)} characters", kind, len(value))
        for name, content in item.items()
        for kind, value in content.items()
    )


def loaded(
    contender: str, tables: contenders.Tables, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> functions.Function:
    """The contender's handler in this process."""
    for name, value in contenders.environment(contender, tables, endpoint).items():
        monkeypatch.setenv(name, value)
    return contenders.load(contender, tables, endpoint)

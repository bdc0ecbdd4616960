"""What is left of a batch when some of it is known already."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surewrite import Boto3Transport, Client, Deadline, IdempotencyKey, Ledger, Transport
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer
from surewrite.testing import RejectedMessages, client_error
from tests.engine.house import Keys
from tests.faults.kill.queues import Message
from tests.models import MODELS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def _consumer(transport: Transport, names: Mapping[str, str], rejected: RejectedMessages) -> Consumer:
    writer = Client(Ledger(names["Ledger"]), transport=transport, tables=names)
    return Consumer(writer, Catalogue(*MODELS), rejected)


def _message(name: str, key: IdempotencyKey, group: str | None = None, **sections: Any) -> dict[str, Any]:
    body = {"op": "update", "collection": "books", "key": {"Author": "A", "Title": "T"}, "idempotency_key": key.key}
    return Message("q", name, json.dumps({**body, **sections}), group).record(1)


def _book(client: "DynamoDBClient", names: Mapping[str, str]) -> Mapping[str, Any]:
    return client.get_item(TableName=names["Books"], Key={"Author": {"S": "A"}, "Title": {"S": "T"}})["Item"]


def test_amounts_that_only_a_known_one_has_held_together(
    dynamodb_client: "DynamoDBClient", table_names: dict[str, str], keys: Keys
) -> None:
    """38 digits and a fraction have no exact sum; with the amount in between that has been applied they had one."""
    huge = 10**38 - 1
    rejected = RejectedMessages()
    consumer = _consumer(Boto3Transport(dynamodb_client), table_names, rejected)

    def process(**amounts: Any) -> None:
        records = [_message(name, keys(name), add={"Price": amount}) for name, amount in amounts.items()]
        assert not consumer.process(records, deadline=Deadline.after(10)).failures

    process(first=huge)
    process(back=-huge)
    process(again=huge, back=-huge, fraction=0.5)

    assert _book(dynamodb_client, table_names)["Price"] == {"N": str(huge)}
    assert rejected.keys == [keys("fraction").key]


def test_a_group_goes_no_further_than_its_first_failure(
    dynamodb_client: "DynamoDBClient", table_names: dict[str, str], keys: Keys
) -> None:
    """There would be time left for the later messages; they come again together with the one that failed."""
    calls = 0

    def denied_once(operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise client_error(operation, "AccessDeniedException")
        return Boto3Transport(dynamodb_client)(operation, request)

    consumer = _consumer(denied_once, table_names, RejectedMessages())
    records = [_message(name, keys(name), "group", set={"Category": name}) for name in "abcd"]
    assert consumer.process(records, deadline=Deadline.after(10)).failures == ["b", "c", "d"]
    assert _book(dynamodb_client, table_names)["Category"] == {"S": "a"}

    report = consumer.process(records, deadline=Deadline.after(10))
    assert (report.failures, report.applied, report.replayed) == ([], 3, 1)
    assert _book(dynamodb_client, table_names)["Category"] == {"S": "d"}

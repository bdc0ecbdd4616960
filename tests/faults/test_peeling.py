"""What is left of a batch when some of it is known already."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bookstore.models import MODELS
from surewrite import Boto3Transport, DynamoDB, Ledger, Writer
from surewrite.client import Deadline
from surewrite.commands import Catalogue
from surewrite.queue import Consumer, Rejection
from tests.faults.kill.queues import Message

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Rejected:
    def __init__(self) -> None:
        self.keys: list[str] = []

    def send(self, rejections: Sequence[Rejection]) -> list[Rejection]:
        self.keys += [rejection.key.key for rejection in rejections]
        return []


def test_amounts_that_only_a_known_one_has_held_together(
    dynamodb_client: "DynamoDBClient", table_names: dict[str, str]
) -> None:
    """38 digits and a fraction have no exact sum; with the amount in between that has been applied they had one."""
    huge = 10**38 - 1
    rejected = Rejected()
    writer = Writer(
        DynamoDB(Boto3Transport(dynamodb_client)), Ledger(table_names["Ledger"]), tables={"Books": table_names["Books"]}
    )
    consumer = Consumer(writer, Catalogue(*MODELS), rejected)

    def process(**amounts: Any) -> None:
        bodies = {
            key: {"op": "update", "collection": "books", "key": {"Author": "A", "Title": "T"}, "add": {"Price": amount}}
            for key, amount in amounts.items()
        }
        records = [
            Message("q", key, json.dumps({**body, "idempotency_key": key})).record(1) for key, body in bodies.items()
        ]
        assert not consumer.process(records, deadline=Deadline.after(10)).failures

    process(first=huge)
    process(back=-huge)
    process(again=huge, back=-huge, fraction=0.5)

    item = dynamodb_client.get_item(TableName=table_names["Books"], Key={"Author": {"S": "A"}, "Title": {"S": "T"}})
    assert item["Item"]["Price"] == {"N": str(huge)}
    assert rejected.keys == ["fraction"]

"""What one message of a batch raises is that message's alone."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Self

import pytest
from pydantic import model_validator

from surewrite import Boto3Transport, Client, Deadline, IdempotencyKey, Item, PartitionKey
from surewrite.requests import Catalogue
from surewrite.sqs import Consumer
from surewrite.testing import RejectedMessages, create_tables, sqs_record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Note(Item, table="Notes", collection="notes"):
    """A model of somebody who forgot that a text is no number."""

    id: PartitionKey[str]
    text: Any = None
    extra: Any = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.text is not None and self.text + 1 < 0:
            raise ValueError("too small")
        return self


class Tagged(Item, table="Tagged", collection="tagged"):
    id: PartitionKey[str]
    tags: Any = None


@pytest.fixture(params=[True, False], ids=["packed", "own"])
def client(dynamodb_client: DynamoDBClient, request: pytest.FixtureRequest) -> Client:
    names = create_tables(dynamodb_client, [Note, Tagged], f"{uuid.uuid4()}-")
    transport = Boto3Transport(dynamodb_client)
    return Client(names["Ledger"], transport=transport, tables=names, packing=request.param)


def update(message_id: str, collection: str, item: str, **sections: Any) -> dict[str, Any]:
    body = {"op": "update", "collection": collection, "key": {"id": item}, **sections}
    return sqs_record(json.dumps(body), message_id=message_id)


def test_a_validator_that_raises_anything(client: Client) -> None:
    copies = RejectedMessages()
    consumer = Consumer(client, Catalogue(Note), copies)
    records = [
        update("before", "notes", "a", set={"text": 1}),
        update("broken", "notes", "a", set={"text": "one"}),
        update("refused", "notes", "a", set={"text": -5}),
        update("after", "notes", "b", set={"text": 2}),
    ]
    report = consumer.process(records, deadline=Deadline.after(10))
    assert (report.applied, report.errors, copies.keys) == (2, {"broken": "TypeError"}, ["1700000000000-refused"])


def test_members_that_make_no_set_together(client: Client) -> None:
    copies = RejectedMessages()
    consumer = Consumer(client, Catalogue(Tagged), copies)
    records = [update(str(n), "tagged", "a", add={"tags": tags}) for n, tags in enumerate([["x"], ["y"], [1]])]
    report = consumer.process(
        [*records, update("other", "tagged", "b", add={"tags": [1]})], deadline=Deadline.after(10)
    )
    assert (report.applied, report.errors, copies.keys) == (3, {}, ["1700000000000-2"])


def test_a_redrive_beside_a_redelivery(client: Client) -> None:
    """The message that was rejected comes again in one batch with the copy of it that an operator has moved back."""
    copies = RejectedMessages()
    consumer = Consumer(client, Catalogue(Tagged), copies)
    again = update("first", "tagged", "a", set={"tags": 1})
    moved = {
        **again,
        "messageId": "moved",
        "messageAttributes": {"IdempotencyKey": {"stringValue": "1700000000000-first"}},
    }
    key = IdempotencyKey("queue:WritesQueue", "1700000000000-first")
    client.reject(key, "another deploy's", "InvalidItem: tags: too many", source="first")
    report = consumer.process([again, moved], deadline=Deadline.after(10))
    assert (report.applied, report.replayed, report.errors) == (1, 0, {})
    assert [rejection.reason for rejection in copies.rejections] == ["InvalidItem: tags: too many"]

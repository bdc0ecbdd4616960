"""What `surewrite doctor` finds, in tables and queues that are not as they have to be."""

import json
from typing import Any

import pytest

from surewrite import Boto3Transport, Client, GlobalIndex, Item, PartitionKey, SortKey
from surewrite.doctor import Expected, Finding, Worker, examine_ledger, examine_mappings, examine_queues, examine_table
from tests.engine.house import House
from tests.models import MODELS


class Backups:
    """The engine's client, where backups are `status`: it knows of none."""

    def __init__(self, client: Any, status: str) -> None:
        self._client, self._status = client, status

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_continuous_backups(self, **_: str) -> dict[str, Any]:
        recovery = {"PointInTimeRecoveryStatus": self._status}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}


def create(house: House, name: str, model: type[Item]) -> str:
    """The name of a table for the model, with its Time to Live."""
    physical = f"{house.names['Ledger']}-{name}"
    tables = {model.schema_.table: physical}
    Client("Ledger", transport=Boto3Transport(house.client), tables=tables).resource(model).create()
    return physical


def test_nothing_is_wrong_with_tables_of_the_models(house: House) -> None:
    specification = {"AttributeName": "expires_at", "Enabled": True}
    house.client.update_time_to_live(TableName=house.names["Ledger"], TimeToLiveSpecification=specification)  # type: ignore[arg-type]
    for model in MODELS:
        assert examine_table(house.client, house.names[model.schema_.table], model, recovery=False) == []
    assert examine_ledger(house.client, house.names["Ledger"], recovery=False) == []


class Seat(Item, table="Seats", indexes=[GlobalIndex("ByRow", "row", "number")], ttl="until"):
    hall: PartitionKey[str]
    number: SortKey[int]
    row: str | None = None
    until: int | None = None


class Chair(Item, table="Seats", indexes=[GlobalIndex("ByRow", "number")]):
    """The table's other model."""

    hall: PartitionKey[str]
    number: SortKey[str]


def problems(findings: list[Finding]) -> list[str]:
    assert all(one.remedy for one in findings)
    return [f"{one.resource}: {one.problem}" for one in findings]


def test_a_table_of_another_model(house: House) -> None:
    client = Backups(house.client, "DISABLED")
    assert problems(examine_table(client, create(house, "chairs", Chair), Seat)) == [
        "Seats: its key is hall (S) and number (S), the model's is hall (S) and number (N)",
        "Seats: the index ByRow has the key number, the model's has row, number",
        "Seats: Time to Live of until is off",
        "Seats: it can be deleted by one call",
        "Seats: it cannot be restored to a point in time",
    ]


def test_a_table_without_its_index_and_one_that_forgets(house: House) -> None:
    class Bare(Item, table="Seats", ttl="number"):
        hall: PartitionKey[str]
        number: SortKey[int]

    name = create(house, "bare", Bare)
    assert problems(examine_table(house.client, name, Seat, recovery=False)) == [
        "Seats: it has no index ByRow",
        "Seats: Time to Live is of number, not of until",
    ]

    class Kept(Item, table="Seats"):
        hall: PartitionKey[str]
        number: SortKey[int]

    assert problems(examine_table(house.client, name, Kept, recovery=False)) == [
        "Seats: items end with the time in number, which the model does not know of"
    ]


def test_a_table_that_is_not_there(house: House) -> None:
    assert problems(examine_table(house.client, "nowhere", Seat)) == ["Seats: there is no table nowhere"]
    assert problems(examine_ledger(house.client, "nowhere")) == ["Ledger: there is no table nowhere"]
    assert problems(examine_ledger(house.client, house.names["Books"], recovery=False)) == [
        "Ledger: its key is Author (S) and Title (S), the model's is id (S)",
        "Ledger: Time to Live of expires_at is off",
    ]


WEEK = 604_800
SOUND = {
    "writes": {
        "QueueArn": "arn:writes",
        "VisibilityTimeout": "360",
        "MessageRetentionPeriod": str(WEEK),
        "SqsManagedSseEnabled": "true",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": "arn:rejected", "maxReceiveCount": 5}),
    },
    "rejected": {"QueueArn": "arn:rejected", "MessageRetentionPeriod": str(2 * WEEK), "SqsManagedSseEnabled": "true"},
}


class Queues:
    """SQS, of whose queues `changes` are unlike `SOUND`."""

    def __init__(self, **changes: dict[str, str | None]) -> None:
        merged = {name: {**sound, **changes.get(name, {})} for name, sound in SOUND.items()}
        self.queues = {name: {key: value for key, value in one.items() if value} for name, one in merged.items()}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        assert AttributeNames == ["All"]
        return {"Attributes": self.queues[QueueUrl]}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"writes": {"VisibilityTimeout": "300"}}, "its visibility timeout is 300 s, the worker's timeout 60 s"),
        ({"writes": {"RedrivePolicy": None}}, "it has no redrive policy to a rejected queue"),
        (
            {"writes": {"RedrivePolicy": '{"deadLetterTargetArn": "arn:rejected", "maxReceiveCount": 1}'}},
            "a message is given up after 1 attempts",
        ),
        ({"writes": {"MessageRetentionPeriod": str(2 * WEEK)}}, "the rejected queue keeps a message for 14 days"),
        ({"rejected": {"SqsManagedSseEnabled": "false"}}, "its messages are not encrypted at rest"),
        ({"rejected": {"SqsManagedSseEnabled": "false", "KmsMasterKeyId": "arn:key"}}, None),
    ],
)
def test_queues(changes: dict[str, Any], problem: str | None) -> None:
    findings = examine_queues(
        Queues(**changes), {"Writes": "writes"}, {"Rejected": "rejected"}, Expected(timeout=60, retention_days=30)
    )
    assert [one.problem.startswith(problem or "") for one in findings] == ([True] if problem else [])


def test_a_ledger_that_forgets_before_the_queues_do() -> None:
    findings = examine_queues(
        Queues(), {"Writes": "writes"}, {"Rejected": "rejected"}, Expected(timeout=None, retention_days=20)
    )
    assert problems(findings) == [
        "Writes: a message may wait for 21 days in all, and the ledger forgets its key after 20 days"
    ]


MAPPING = {
    "UUID": "1-2",
    "FunctionArn": "arn:aws:lambda:eu-central-1:1:function:app-Worker:live",
    "State": "Enabled",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "ScalingConfig": {"MaximumConcurrency": 2},
}


class Functions:
    def __init__(self, *mappings: dict[str, Any]) -> None:
        self.mappings = mappings

    def list_event_source_mappings(self, *, EventSourceArn: str) -> dict[str, Any]:  # noqa: N803
        assert EventSourceArn == "arn:writes"
        return {"EventSourceMappings": list(self.mappings)}


@pytest.mark.parametrize(
    ("mappings", "problem"),
    [
        ([MAPPING], None),
        ([], "no mapping leads from it to the worker"),
        ([{**MAPPING, "FunctionArn": "arn:aws:lambda:eu-central-1:1:function:other"}], "no mapping leads from it"),
        ([{**MAPPING, "State": "Disabled"}], "its mapping is disabled"),
        ([{**MAPPING, "FunctionResponseTypes": []}], "a batch of which one message failed comes again whole"),
        ([{**MAPPING, "ScalingConfig": {}}], "any number of workers may read it"),
    ],
)
def test_mappings(mappings: list[dict[str, Any]], problem: str | None) -> None:
    worker = Worker("arn:aws:lambda:eu-central-1:1:function:app-Worker", 60, {})
    findings = examine_mappings(Functions(*mappings), {"Writes": "arn:writes"}, worker)
    assert [one.problem.startswith(problem or "") for one in findings] == ([True] if problem else [])

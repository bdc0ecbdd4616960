"""Creates the template's tables and queues on the engines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local import aws
from local.engines import Endpoints, EngineError
from local.template import Queue, Table, Template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Resources:
    """Where everything is: endpoints, physical table names and queue URLs by logical id."""

    dynamodb: str
    sqs: str
    tables: Mapping[str, str]
    queues: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """What `GET /_local/resources` returns."""
        return {
            "dynamodb": {"endpoint": self.dynamodb, "tables": dict(self.tables)},
            "sqs": {"endpoint": self.sqs, "queues": dict(self.queues)},
        }

    @classmethod
    def from_json(cls, value: Any) -> "Resources":
        dynamodb, sqs = value["dynamodb"], value["sqs"]
        return cls(dynamodb["endpoint"], sqs["endpoint"], dynamodb["tables"], sqs["queues"])

    @property
    def references(self) -> dict[str, str]:
        """What `!Ref` of each table and queue is."""
        return {**self.tables, **self.queues}

    def at(self, dynamodb: str, sqs: str) -> "Resources":
        """The same, where the endpoints have other URLs."""
        queues = {logical_id: url.replace(self.sqs, sqs, 1) for logical_id, url in self.queues.items()}
        return replace(self, dynamodb=dynamodb, sqs=sqs, queues=queues)


def create(template: Template, endpoints: Endpoints) -> Resources:
    """Creates what is not there yet. Raises EngineError when a kept table has another key."""
    tables = create_tables(aws.dynamodb_client(endpoints.dynamodb), template)
    queues = create_queues(aws.sqs_client(endpoints.sqs), template)
    return Resources(endpoints.dynamodb, endpoints.sqs, tables, queues)


def create_tables(client: "DynamoDBClient", template: Template, prefix: str = "") -> dict[str, str]:
    """Creates every table as `prefix` + logical id; returns the physical names by logical id."""
    names = {logical_id: prefix + logical_id for logical_id in template.tables}
    for logical_id, table in template.tables.items():
        _create_table(client, table, names[logical_id])
    return names


def _create_table(client: "DynamoDBClient", table: Table, name: str) -> None:
    properties = table.model_dump(
        by_alias=True,
        exclude_none=True,
        include={"key_schema", "attribute_definitions", "global_secondary_indexes", "local_secondary_indexes"},
    )
    try:
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **properties)
    except client.exceptions.ResourceInUseException:
        kept = client.describe_table(TableName=name)["Table"]
        if {element["AttributeName"] for element in kept["KeySchema"]} != set(table.key):
            raise EngineError(f"the kept table {name} has another key than the template: choose another DATA") from None
        if lacking := sorted(table.index_names - _index_names(kept)):
            reason = f"the kept table {name} lacks the index {lacking[0]} of the template"
            raise EngineError(f"{reason}: choose another DATA") from None
        return
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    time_to_live = table.time_to_live_specification
    if time_to_live is not None:
        specification = {"AttributeName": time_to_live.attribute_name, "Enabled": time_to_live.enabled}
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)  # type: ignore[arg-type]


def _index_names(description: Mapping[str, Any]) -> set[str]:
    kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    return {index["IndexName"] for kind in kinds for index in description.get(kind, ())}


def create_queues(client: "SQSClient", template: Template) -> dict[str, str]:
    """Creates every queue; returns the URLs by logical id."""
    return {
        logical_id: client.create_queue(QueueName=queue.name, Attributes=_attributes(queue))["QueueUrl"]  # type: ignore[arg-type]
        for logical_id, queue in _targets_first(template.queues)
    }


def _targets_first(queues: Mapping[str, Queue]) -> list[tuple[str, Queue]]:
    """A redrive policy may only name a queue that exists."""
    return sorted(queues.items(), key=lambda entry: entry[1].redrive_policy is not None)


def _attributes(queue: Queue) -> dict[str, str]:
    attributes = {
        "VisibilityTimeout": str(queue.visibility_timeout),
        "DelaySeconds": str(queue.delay_seconds),
        "MessageRetentionPeriod": str(queue.message_retention_period),
    }
    if queue.fifo_queue:
        attributes["FifoQueue"] = "true"
        attributes["ContentBasedDeduplication"] = str(queue.content_based_deduplication).lower()
    if queue.redrive_policy is not None:
        attributes["RedrivePolicy"] = json.dumps(queue.redrive_policy.model_dump(by_alias=True))
    return attributes

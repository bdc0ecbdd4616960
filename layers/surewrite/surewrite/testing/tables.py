"""Tables for a test, made from the models' schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..model.definition import table_definition
from ..model.item import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_tables(client: DynamoDBClient, models: Iterable[type[Item]], prefix: str = "") -> dict[str, str]:
    """An empty table for each model, and one for the ledger; returns the physical names by the logical ones."""
    names = {"Ledger": f"{prefix}Ledger"}
    create_ledger(client, names["Ledger"])
    for model in models:
        names[model.schema_.table] = prefix + model.schema_.table
        create_table(client, names[model.schema_.table], model)
    return names


def create_ledger(client: DynamoDBClient, name: str) -> None:
    """A ledger's table. Its records stay: it has no time to live."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def create_table(
    client: DynamoDBClient, name: str, model: type[Item], *, attributes: Mapping[str, str] | None = None, **options: Any
) -> None:
    """The model's table. `options` are CreateTable's own; the keys of indexes among them have types in `attributes`."""
    client.create_table(TableName=name, **table_definition(model.schema_, attributes=attributes, **options))

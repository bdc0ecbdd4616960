"""Tables for a test, made from the models' schemas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..model.item import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ROLES = ("HASH", "RANGE")


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
    _create(client, name, [("id", "S")])


def create_table(
    client: DynamoDBClient, name: str, model: type[Item], *, attributes: Sequence[Any] = (), **options: Any
) -> None:
    """The model's table; `attributes` and `options` are for indexes, as boto3 takes them."""
    _create(client, name, [(key.name, key.type) for key in model.schema_.key_attributes], attributes, **options)


def _create(
    client: DynamoDBClient, name: str, keys: Sequence[tuple[str, Any]], attributes: Sequence[Any] = (), **options: Any
) -> None:
    schema: Any = [{"AttributeName": key, "KeyType": role} for (key, _), role in zip(keys, _ROLES, strict=False)]
    named: Any = [{"AttributeName": key, "AttributeType": kind} for key, kind in keys]
    client.create_table(
        TableName=name,
        KeySchema=schema,
        AttributeDefinitions=[*named, *attributes],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )

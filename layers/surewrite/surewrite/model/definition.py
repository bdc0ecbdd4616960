"""A model's table as CreateTable takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .indexes import IndexKey
from .item import Schema

_ROLES = ("HASH", "RANGE")


def table_definition(
    schema: Schema,
    *,
    attributes: Mapping[str, str] | None = None,
    units: Mapping[str, int] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Keys, indexes and billing, without the table's name. `units` are ReadCapacityUnits and WriteCapacityUnits of the
    table and each global index, None means that they are billed by request. `options` are CreateTable's own; indexes
    among them are added to those of the model, with the types of their keys in `attributes`."""
    keys = [IndexKey(one.name, one.type) for one in schema.key_attributes]
    names = [key.name for key in keys]
    capacity = {} if units is None else {"ProvisionedThroughput": dict(units)}
    declared = schema.indexes.values()
    indexes = {
        "GlobalSecondaryIndexes": [{**one.definition(names), **capacity} for one in declared if not one.local],
        "LocalSecondaryIndexes": [one.definition(names) for one in declared if one.local],
    }
    all_indexes = {name: [*of_model, *options.pop(name, ())] for name, of_model in indexes.items()}
    types = {key.name: key.type for key in (*keys, *(key for index in declared for key in index.keys))}
    return {
        "KeySchema": _key_schema(names),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": type_} for name, type_ in {**types, **(attributes or {})}.items()
        ],
        "BillingMode": "PAY_PER_REQUEST" if units is None else "PROVISIONED",
        **capacity,
        **{name: listed for name, listed in all_indexes.items() if listed},
        **options,
    }


def _key_schema(names: list[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": role} for name, role in zip(names, _ROLES, strict=False)]

"""Tables: they have the keys, the indexes and the Time to Live of their models, and can be recovered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..model.item import Item
from .finding import Finding

LEDGER_KEY = {"id": "S"}
LEDGER_TTL = "expires_at"


def examine_table(dynamodb: Any, name: str, model: type[Item], *, recovery: bool = True) -> list[Finding]:
    """Of the table `name` in which the model's items are. `dynamodb` is boto3's client. With `recovery` it is to be
    protected from deletion and to be restorable, which an engine on a laptop is not."""
    schema = model.schema_
    description = _describe(dynamodb, name)
    if description is None:
        return [_missing(schema.table, name)]
    wanted = {key.name: key.type for key in schema.key_attributes}
    findings = _key(schema.table, description, wanted)
    findings += _indexes(description, model)
    findings += _time_to_live(dynamodb, schema.table, name, schema.ttl)
    return [*findings, *(_recovery(dynamodb, schema.table, name, description) if recovery else ())]


def examine_ledger(dynamodb: Any, name: str, logical_id: str = "Ledger", *, recovery: bool = True) -> list[Finding]:
    """Of the ledger's table."""
    description = _describe(dynamodb, name)
    if description is None:
        return [_missing(logical_id, name)]
    findings = _key(logical_id, description, LEDGER_KEY)
    findings += _time_to_live(dynamodb, logical_id, name, LEDGER_TTL)
    return [*findings, *(_recovery(dynamodb, logical_id, name, description) if recovery else ())]


def _describe(dynamodb: Any, name: str) -> Mapping[str, Any] | None:
    try:
        description: Mapping[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    return description


def _missing(resource: str, name: str) -> Finding:
    return Finding(resource, f"there is no table {name}", "deploy the stack, or name the table in its variable")


def _key(resource: str, description: Mapping[str, Any], wanted: Mapping[str, str]) -> list[Finding]:
    found = _types(description, description["KeySchema"])
    if found == wanted:
        return []
    remedy = "a table keeps its key: make a new one for the model, and load the items into it"
    return [Finding(resource, f"its key is {_shown(found)}, the model's is {_shown(wanted)}", remedy)]


def _types(description: Mapping[str, Any], schema: Any) -> dict[str, str]:
    types = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    in_order = sorted(schema, key=lambda one: str(one["KeyType"]))
    return {one["AttributeName"]: types[one["AttributeName"]] for one in in_order}


def _shown(key: Mapping[str, str]) -> str:
    return " and ".join(f"{name} ({kind})" for name, kind in key.items())


def _indexes(description: Mapping[str, Any], model: type[Item]) -> list[Finding]:
    kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    found = {one["IndexName"]: one for kind in kinds for one in description.get(kind, ())}
    findings = []
    for name, index in model.schema_.indexes.items():
        if name not in found:
            problem, remedy = f"it has no index {name}", "add it to the table, or take it from the model"
            findings.append(Finding(model.schema_.table, problem, remedy))
            continue
        keys = list(_types(description, found[name]["KeySchema"]))
        wanted = [key.name for key in index.keys]
        if keys != wanted:
            problem = f"the index {name} has the key {', '.join(keys)}, the model's has {', '.join(wanted)}"
            findings.append(Finding(model.schema_.table, problem, "declare it as it is, or make another index"))
    return findings


def _time_to_live(dynamodb: Any, resource: str, name: str, wanted: str | None) -> list[Finding]:
    description = dynamodb.describe_time_to_live(TableName=name).get("TimeToLiveDescription", {})
    enabled = description.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    found = description.get("AttributeName") if enabled else None
    if found == wanted:
        return []
    if wanted is None:
        problem = f"items end with the time in {found}, which the model does not know of"
        return [Finding(resource, problem, f'say ttl="{found}" in the model, or turn Time to Live off')]
    problem = f"Time to Live of {wanted} is off" if found is None else f"Time to Live is of {found}, not of {wanted}"
    return [Finding(resource, problem, f"turn it on for {wanted}: what has expired is kept, and paid, for ever")]


def _recovery(dynamodb: Any, resource: str, name: str, description: Mapping[str, Any]) -> Iterator[Finding]:
    if not description.get("DeletionProtectionEnabled", False):
        yield Finding(
            resource, "it can be deleted by one call", "turn deletion protection on (DeletionProtection=true)"
        )
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        yield Finding(resource, "it cannot be restored to a point in time", "turn point-in-time recovery on")

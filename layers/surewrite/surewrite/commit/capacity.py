"""The capacity that a request has consumed, over all calls that it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def by_table(consumed: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """ConsumedCapacity of every call, summed by table: `{"Books": {"CapacityUnits": 2.0}}`."""
    tables: dict[str, dict[str, Any]] = {}
    for one in consumed:
        tables[one["TableName"]] = _sum(tables.get(one["TableName"], {}), one)
    return tables


def _sum(total: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Units are added, within indexes as well; the table's name is no unit."""
    added = dict(total)
    for name, value in one.items():
        if isinstance(value, Mapping):
            added[name] = _sum(total.get(name, {}), value)
        elif not isinstance(value, str):
            added[name] = total.get(name, 0) + value
    return added

"""What calls have consumed: by the request that they were made for, and within a measure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidRequest

_LEVELS = ("NONE", "TOTAL", "INDEXES")  # each tells all that the one before does
_READS = frozenset(["GetItem", "BatchGetItem", "Query", "Scan"])
_WRITES = frozenset(["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"])


@dataclass
class Usage:
    """What the calls within a measure have consumed so far."""

    level: str
    metrics: bool
    consumed: list[Mapping[str, Any]] = field(default_factory=list)
    item_collections: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """DynamoDB's ItemCollectionMetrics, by table."""

    @property
    def capacity(self) -> dict[str, dict[str, Any]]:
        """ConsumedCapacity summed by table: `{"Books": {"CapacityUnits": 2.0}}`."""
        return by_table(self.consumed)

    def note(self, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Keeps what the response to a call says of it."""
        self.consumed.extend(consumed_in(response))
        found = response.get("ItemCollectionMetrics")
        if found:
            of_tables = found if "TableName" not in request else {request["TableName"]: [found]}
            for table, metrics in of_tables.items():
                self.item_collections.setdefault(table, []).extend(metrics)


_measures: ContextVar[tuple[Usage, ...]] = ContextVar("measures", default=())


@contextmanager
def measure(level: str | None = "TOTAL", *, item_collections: bool = False) -> Iterator[Usage]:
    """Keeps what all requests consume that begin within it, in this thread or task; one within another tells both."""
    usage = Usage(checked_level(level) or "NONE", item_collections)
    token = _measures.set((*_measures.get(), usage))
    try:
        yield usage
    finally:
        _measures.reset(token)


def measures() -> tuple[Usage, ...]:
    """Those that a request begins in."""
    return _measures.get()


def checked_level(level: str | None) -> str | None:
    """A ReturnConsumedCapacity. InvalidRequest for another text."""
    if level is not None and level not in _LEVELS:
        raise InvalidRequest.at(f"one of {', '.join(_LEVELS)} is needed", "return_consumed_capacity")
    return level


def options(operation: str, level: str | None, usages: Sequence[Usage]) -> dict[str, str]:
    """The parameters of a call that ask for what a request and its measures are to be told."""
    if operation not in _READS | _WRITES:
        return {}
    wanted = max((level or "NONE", *(usage.level for usage in usages)), key=_LEVELS.index)
    asked = {} if wanted == "NONE" else {"ReturnConsumedCapacity": wanted}
    if operation in _WRITES and any(usage.metrics for usage in usages):
        asked["ReturnItemCollectionMetrics"] = "SIZE"
    return asked


def consumed_in(response: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The ConsumedCapacity of a response, one for each table."""
    capacity = response.get("ConsumedCapacity") or ()
    return (capacity,) if isinstance(capacity, Mapping) else capacity


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

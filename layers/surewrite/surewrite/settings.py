"""A function's configuration, from the variables that its template sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from .commit.ledger import DEFAULT_RETENTION_DAYS, DEFAULT_SLOT_MS
from .errors import ConfigurationError
from .model.item import Item


def table_variable(table: str) -> str:
    """The variable that names a table: `ProductCatalog` -> `PRODUCT_CATALOG_TABLE`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", table).upper() + "_TABLE"


@dataclass(frozen=True)
class Settings:
    """Physical table names by the models' logical ones, and the ledger: its name, how long it remembers a key, and
    whether keys that carry a time share records, each of them for `slot_ms` milliseconds (docs/protocol.md)."""

    tables: Mapping[str, str]
    ledger: str
    retention_days: float
    packing: bool
    slot_ms: int

    @classmethod
    def read(cls, variables: Mapping[str, str], models: Iterable[type[Item]], *others: str) -> Self:
        """From `os.environ`, or any mapping; ConfigurationError names every variable that is missing, `others` that the
        function needs included."""
        names = {model.schema_.table: table_variable(model.schema_.table) for model in models}
        require(variables, *names.values(), "LEDGER_TABLE", *others)
        return cls(
            {table: variables[name] for table, name in names.items()},
            variables["LEDGER_TABLE"],
            _retention_days(variables.get("LEDGER_RETENTION_DAYS") or str(DEFAULT_RETENTION_DAYS)),
            _packing(variables.get("LEDGER_PACKING") or "on"),
            _slot_ms(variables.get("LEDGER_SLOT_MS") or str(DEFAULT_SLOT_MS)),
        )


def _retention_days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days < 36_525:
        raise ConfigurationError("LEDGER_RETENTION_DAYS: a number of days is needed")
    return days


def _packing(text: str) -> bool:
    if text not in ("on", "off"):
        raise ConfigurationError("LEDGER_PACKING: on or off is needed")
    return text == "on"


def _slot_ms(text: str) -> int:
    if not re.fullmatch("[0-9]{1,7}", text) or not 1 <= int(text) <= 3_600_000:
        raise ConfigurationError("LEDGER_SLOT_MS: a whole number of milliseconds from 1 to 3,600,000 is needed")
    return int(text)


def queues(text: str) -> dict[str, str]:
    """The physical names of queues by their logical ones, from `WritesQueue=app-WritesQueue-1A2B Other=…`."""
    pairs = [pair.partition("=") for pair in text.split()]
    if not all(logical and physical for logical, _, physical in pairs):
        raise ConfigurationError("QUEUES: a list of logical=physical names is needed, separated by spaces")
    return {logical: physical for logical, _, physical in pairs}


def require(variables: Mapping[str, str], *names: str) -> None:
    """ConfigurationError if any of the variables is missing or empty."""
    missing = [name for name in names if not variables.get(name)]
    if missing:
        raise ConfigurationError(f"missing from the environment: {', '.join(missing)}")

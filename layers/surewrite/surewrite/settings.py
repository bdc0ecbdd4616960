"""A function's configuration, from the variables that its template sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from .commit.ledger import DEFAULT_RETENTION_DAYS
from .errors import ConfigurationError
from .model.item import Item


def table_variable(table: str) -> str:
    """The variable that names a table: `ProductCatalog` -> `PRODUCT_CATALOG_TABLE`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", table).upper() + "_TABLE"


@dataclass(frozen=True)
class Settings:
    """Physical table names by the models' logical ones, the ledger's name, and how long it remembers a key."""

    tables: Mapping[str, str]
    ledger: str
    retention_days: float

    @classmethod
    def read(cls, variables: Mapping[str, str], models: Iterable[type[Item]], *others: str) -> Self:
        """From `os.environ`, or any mapping; ConfigurationError names every variable that is missing, `others` that the
        function needs included."""
        names = {model.schema_.table: table_variable(model.schema_.table) for model in models}
        require(variables, *names.values(), "LEDGER_TABLE", *others)
        days = variables.get("LEDGER_RETENTION_DAYS") or str(DEFAULT_RETENTION_DAYS)
        try:
            retention = float(days)
        except ValueError:
            retention = 0.0
        if not 0 < retention < 36_525:
            raise ConfigurationError("LEDGER_RETENTION_DAYS: a number of days is needed")
        return cls({table: variables[name] for table, name in names.items()}, variables["LEDGER_TABLE"], retention)


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

"""A function's variables become its settings, or one error that names the variable."""

import pytest

from surewrite.errors import ConfigurationError
from surewrite.settings import Settings, queues, table_variable
from tests.models import Book, Product

NEEDED = {"BOOKS_TABLE": "app-Books-1", "PRODUCT_CATALOG_TABLE": "app-Products-1", "LEDGER_TABLE": "app-Ledger-1"}


def read(**variables: str) -> Settings:
    return Settings.read({**NEEDED, **variables}, [Book, Product])


def test_what_is_not_said_has_a_default() -> None:
    tables = {"Books": "app-Books-1", "ProductCatalog": "app-Products-1"}
    assert read() == Settings(tables, "app-Ledger-1", retention_days=30, packing=True, slot_ms=100)
    empty = {"LEDGER_RETENTION_DAYS": "", "LEDGER_PACKING": "", "LEDGER_SLOT_MS": ""}
    assert read(**empty) == read()


@pytest.mark.parametrize(("text", "packing"), [("on", True), ("off", False)])
def test_packing(text: str, packing: bool) -> None:
    assert read(LEDGER_PACKING=text).packing is packing


@pytest.mark.parametrize("milliseconds", [1, 10, 3_600_000])
def test_the_width_of_a_slot(milliseconds: int) -> None:
    assert read(LEDGER_SLOT_MS=str(milliseconds)).slot_ms == milliseconds


@pytest.mark.parametrize("days", ["0.5", "400"])
def test_the_retention(days: str) -> None:
    assert read(LEDGER_RETENTION_DAYS=days).retention_days == float(days)


DAYS, SWITCH = "a number of days is needed", "on or off is needed"
MILLISECONDS = "a whole number of milliseconds from 1 to 3,600,000 is needed"
REFUSED = [
    *(("LEDGER_RETENTION_DAYS", text, DAYS) for text in ("0", "-1", "soon", "nan", "inf", "36525")),
    *(("LEDGER_PACKING", text, SWITCH) for text in ("yes", "true", "On", "1", " on")),
    *(
        ("LEDGER_SLOT_MS", text, MILLISECONDS)
        for text in ("0", "-1", "1.5", "1e2", "3600001", "1_0", "\u0661", " 1", "9" * 99)
    ),
]


@pytest.mark.parametrize(("variable", "text", "needed"), REFUSED)
def test_what_is_refused(variable: str, text: str, needed: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**{variable: text})
    assert str(caught.value) == f"{variable}: {needed}"


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.read({"BOOKS_TABLE": "b"}, [Book, Product], "QUEUES")
    assert str(caught.value) == "missing from the environment: PRODUCT_CATALOG_TABLE, LEDGER_TABLE, QUEUES"


def test_names() -> None:
    assert table_variable("ProductCatalog") == "PRODUCT_CATALOG_TABLE"
    assert queues("A=app-A-1  B=app-B-1.fifo") == {"A": "app-A-1", "B": "app-B-1.fifo"}

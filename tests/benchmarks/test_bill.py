"""The bill in docs/costs.md is the model's, and what it takes of others was measured."""

import re

import pytest

from benchmarks import bill
from local.engines import ROOT


def test_the_table_of_the_document() -> None:
    assert bill.table() in (ROOT / "docs" / "costs.md").read_text(), "python -m benchmarks.bill"


def measured(contender: str, messages: str) -> float:
    """Write units a message on the bare engine."""
    results = (ROOT / "benchmarks" / "results.md").read_text()
    row = re.search(
        rf"^\| {messages}, 0% duplicates \| {contender} \| [\d,]+ \| [\d.]+ \| ([\d.]+) ", results, re.MULTILINE
    )
    assert row is not None
    return float(row[1])


@pytest.mark.parametrize("messages", ["hot counter", "distinct items"])
def test_the_others_cost_what_was_measured(messages: str) -> None:
    assert measured("Powertools recipe", messages) == bill.RECIPE
    assert measured("plain UpdateItem", messages) == bill.PLAIN


def test_the_bill_of_one_worker_is_about_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bill, "WORKERS", 1)
    assert bill.counter_units(1000) == pytest.approx(measured("surewrite", "hot counter"), abs=0.01)
    assert bill.item_units(1000) == pytest.approx(measured("surewrite", "distinct items"), abs=0.05)

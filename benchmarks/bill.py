"""What a month costs: `python -m benchmarks.bill` prints the table of docs/costs.md.

The ledger's write units are those of `benchmarks.model`, the items' are DynamoDB's prices; the recipe and a plain
UpdateItem cost what `benchmarks/results.md` has measured of them: three units, and one.
"""

from collections import Counter
from collections.abc import Sequence

from benchmarks.model import MAX_CLAIMS, batches, ledger_units
from benchmarks.prices import TRANSACTED

RATES = (1, 10, 100, 1_000, 5_000)
"""Messages a second, all month long."""

WORKERS = 2
"""What shares the queue: the template's WritesConcurrency."""

SLOT_MS = 100
USD_A_MILLION = 0.625
"""Write request units on demand, Standard table class, us-east-1 (aws.amazon.com/dynamodb/pricing/on-demand, 2026)."""

RECIPE, PLAIN = 3.0, 1.0
"""Write units a message of Powertools' recipe and of a plain UpdateItem."""

_MONTH = 30 * 86_400
_HEAD = (
    "messages a second",
    "millions a month",
    "surewrite, one counter",
    "surewrite, an item each",
    "Powertools recipe",
    "plain UpdateItem",
)


def counter_units(rate: float) -> float:
    """Write units a message where all messages add to one item: the ledger's, and two for each transaction."""
    count, dealt = batches(rate, WORKERS)
    items = sum(TRANSACTED * _transactions(batch) for batch in dealt)
    return (ledger_units(dealt, SLOT_MS) + items) / count


def item_units(rate: float) -> float:
    """Write units a message where each has an item of its own, of up to 1 KB."""
    count, dealt = batches(rate, WORKERS)
    return ledger_units(dealt, SLOT_MS) / count + TRANSACTED


def table() -> str:
    """The table in Markdown."""
    rows = [_HEAD, ("--:",) * len(_HEAD)]
    for rate in RATES:
        count = rate * _MONTH
        costs = [_cost(count, units) for units in (counter_units(rate), item_units(rate), RECIPE, PLAIN)]
        rows.append((f"{rate:,}", f"{count / 1_000_000:,.1f}", *costs))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _transactions(batch: Sequence[int]) -> int:
    """How many it takes to claim a batch's keys."""
    slots = Counter(time // SLOT_MS for time in batch)
    return max(-(-keys // MAX_CLAIMS) for keys in slots.values())


def _cost(messages: int, units: float) -> str:
    dollars = messages * units * USD_A_MILLION / 1_000_000
    return f"${dollars:,.0f} ({units:.2f})" if dollars >= 10 else f"${dollars:.2f} ({units:.2f})"


if __name__ == "__main__":
    print(table(), end="")

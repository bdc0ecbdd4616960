"""Results as tables: plain text for the terminal, Markdown for the repository."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from benchmarks import coldstart, proxy
from benchmarks.contenders import CONTENDERS, SUREWRITE
from benchmarks.messages import SCENARIOS
from benchmarks.options import Options
from benchmarks.results import BARE, REAL, Medians, Results, Size
from benchmarks.targets import targets
from local import engines

PLOT = "results.svg"

Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """`text` columns are aligned to the left, the figures that follow to the right."""

    title: str
    head: Row
    rows: Sequence[Row]
    text: int = 1


@dataclass(frozen=True)
class Facts:
    """When and where a run was made."""

    date: str
    versions: str
    cores: int
    seconds: float
    options: Options

    @classmethod
    def now(cls, options: Options, seconds: float) -> "Facts":
        binary = engines.find_dynoxide()
        assert binary is not None
        engine = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        packages = ("boto3", "aws-lambda-powertools", "pydantic")
        versions = [f"Python {platform.python_version()}", engine.stdout.strip().replace("dynoxide", "Dynoxide")]
        versions += [f"{name} {version(name)}" for name in packages]
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        return cls(time.strftime("%Y-%m-%d"), ", ".join(versions), cores, seconds, options)

    def __str__(self) -> str:
        return f"{self.date}, {self.versions}, {self.cores} cores, {self.seconds / 60:.0f} min"


def tables(results: Results, facts: Facts) -> list[Table]:
    """Everything that was measured, in the order in which one wants to know it."""
    options = facts.options
    found = [
        _targets(results),
        _comparison(results, BARE, options.rounds),
        _comparison(results, REAL, options.slow_rounds),
        _sharing(results, options),
        _scaling(results, options.rounds),
        _starts(results, options.starts),
    ]
    return [table for table in found if table.rows]


def _targets(results: Results) -> Table:
    rows = [(t.what, t.wanted, t.measured, "reached" if t.reached else "NOT reached") for t in targets(results)]
    return Table("Targets, on the bare engine", ("", "to reach", "measured", ""), rows)


_FIGURES = ("messages/s", "round trips", "write units", "+ refused ≤", "CPU µs", "peak MiB", "too many")


def _comparison(results: Results, network: str, rounds: int) -> Table:
    cases = [case for case in results.cases if case.network == network]
    rows = [
        (f"{SCENARIOS[case.scenario]}, {case.duplicates:.0%} duplicates", CONTENDERS[contender], *_figures(medians))
        for case in cases
        for contender, medians in results.medians(case).items()
    ]
    head = ("messages", "contender", *_FIGURES)
    sizes = " and ".join(f"{count:,}" for count in sorted({case.messages for case in cases}))
    return Table(f"{network.capitalize()}: batches of {sizes}, {_medians(rounds)}", head, rows, text=2)


def _figures(medians: Medians) -> Row:
    return (
        f"{medians.rate:,.0f}",
        f"{medians.round_trips:.3f}",
        f"{medians.write_units:.3f}",
        f"{medians.refused_units:.3f}",
        f"{medians.cpu * 1e6:,.0f}",
        f"{medians.peak:.1f}",
        f"{medians.excess:.0f}",
    )


def _sharing(results: Results, options: Options) -> Table:
    rows = [
        (
            f"{SCENARIOS[shared.scenario]}, {shared.duplicates:.0%} duplicates",
            CONTENDERS[contender],
            f"{shared.workers}",
            f"{medians.rate:,.0f}",
            f"{medians.write_units:.3f}",
            f"{medians.refused_units:.3f}",
            f"{medians.refused:.0f}",
            f"{medians.conflicts:.0f}",
            f"{medians.cpu * 1e6:,.0f}",
        )
        for shared in results.shared
        for contender, medians in results.medians(shared).items()
    ]
    head = (
        "messages",
        "contender",
        "workers",
        "messages/s",
        "write units",
        "+ refused ≤",
        "refused",
        "conflicts",
        "CPU µs",
    )
    batches = f"batches of {options.messages:,} of {options.rate:,.0f} messages/s"
    return Table(f"Workers on one queue, bare engine: {batches}, {_medians(options.rounds)}", head, rows, text=2)


def _scaling(results: Results, rounds: int) -> Table:
    sizes = {size: Medians.of(samples) for size, samples in results.sizes.items()}
    counts = sorted({size.messages for size in sizes})
    ledgers = sorted({size.ledger for size in sizes})
    rows = []
    for scenario in dict.fromkeys(size.scenario for size in sizes):
        for keys in ledgers:
            row = [sizes[Size(scenario, count, keys)] for count in counts]
            name = f"{keys:,} keys" if keys else "empty"
            rates = [f"{medians.rate:,.0f}" for medians in row]
            rows.append((SCENARIOS[scenario], name, *rates, *(f"{medians.peak:.0f}" for medians in row)))
    head = ("messages", "ledger", *(f"{n:,}: msg/s" for n in counts), *(f"{n:,}: MiB" for n in counts))
    return Table(f"{CONTENDERS[SUREWRITE]} by batch size and ledger, bare engine, {_medians(rounds)}", head, rows, 2)


def _starts(results: Results, starts: int) -> Table:
    rows = [
        (name, f"{results.start(name) * 1000:.0f}", f"{results.start(name) / results.start(coldstart.LEAN):.2f} x")
        for name in results.starts
    ]
    return Table(f"Cold start: import and initialisation, {_medians(starts)}", ("handler", "ms", "lean"), rows)


def _medians(rounds: int) -> str:
    return f"medians of {rounds}" if rounds > 1 else "measured once"


# --- output ----------------------------------------------------------------------------------------------------------


_QUICK = "A quick run: it shows that everything works, and says nothing about speed."


def terminal(results: Results, facts: Facts) -> str:
    note = [_QUICK] if facts.options.quick else []
    return "\n\n".join([str(facts), *note, *(_plain(table) for table in tables(results, facts))]) + "\n"


def _plain(table: Table) -> str:
    grid = [table.head, *table.rows]
    widths = [max(len(row[column]) for row in grid) for column in range(len(table.head))]
    lines = []
    for row in grid:
        cells = [
            cell.ljust(width) if column < table.text else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([table.title, "-" * len(table.title), *lines])


_EXPLANATION = f"""\
All figures are medians. *messages/s* is a batch from the handler's call to its answer, deliveries again included;
*round trips*, *write units* and *CPU* of the worker's process are per message. Write units are the engine's
ConsumedCapacity: 1 for each KB begun of an item, in a transaction 2. Of a refused request (a condition that failed) the
response does not say how many, and DynamoDB's documentation not whether each action of a cancelled transaction counts:
*+ refused* is the most that it can be, with every action billed by the item that was there. *Peak* is the greatest
resident memory of the process, from the event's arrival as text, above what it holds before its first event. *Too many*
is how much too high the counters ended.

Messages are sent at random moments, {{rate:,.0f}} a second, under keys that are UUIDs of version 7: so a batch of
{{rate:,.0f}} is a second's traffic. The keys of 100 ms share a slot of the ledger, and a claim of any number of them
costs 2 write units for each KB of the slot; with packing off each key costs 2. A write to an item costs 2, however many
messages of the transaction it combines. The recipe's three calls cost 3.

Of the duplicates one half repeats a key of the same batch, the other half one of the batch before; where workers share
a queue, one half comes a moment after the first, the other half seconds later. There the queue hands out what it holds
to all workers at random, batch by batch, to whichever is free, as SQS does: so they meet in the same slots. Messages/s
are those of all workers together, on the cores that they share with the engine. The engine commits one transaction
after the other: conflicts, which DynamoDB has besides, are not among what it shows.

The latencies are {proxy.SINGLE * 1000:.1f} ms for single reads and writes, and for transactions \
{proxy.TRANSACTION * 1000:.0f} ms + {proxy.ACTION * 1000:.2f} ms per action. Every contender
runs in processes of its own, on fresh tables, with the same messages; it ends with the counters that it promises, or
the run fails: the distinct keys, and for a plain UpdateItem every message. Of the keys of a full ledger one half has
records of its own, the other half shares slots, 100 in each.
"""


def markdown(results: Results, facts: Facts) -> str:
    parts = [
        "# Benchmarks",
        f"`make bench`: {facts}.",
        *([_QUICK] if facts.options.quick else []),
        *([f"![Messages per second of the contenders]({PLOT})"] if results.cases else []),
        *(_pipes(table) for table in tables(results, facts)),
        "## How to read this",
        _EXPLANATION.format(rate=facts.options.rate),
    ]
    return "\n\n".join(parts)


def _pipes(table: Table) -> str:
    rules = [":--" if column < table.text else "--:" for column in range(len(table.head))]
    lines = ["| " + " | ".join(row) + " |" for row in (table.head, rules, *table.rows)]
    return "\n".join([f"## {table.title}", "", *lines])

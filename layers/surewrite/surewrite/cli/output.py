"""What the commands print: results on stdout, all else on stderr, so that stdout can be piped on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table


def lines(values: Iterable[Mapping[str, Any]]) -> None:
    """JSON lines."""
    for value in values:
        print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """A table; a column whose name begins with `#` is a number."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(
            column.removeprefix("#"), justify="right" if column.startswith("#") else "left", overflow="fold"
        )
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(markup=False, highlight=False).print(shown)


def facts(values: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: a JSON line, or a line for each fact that there is."""
    if as_json:
        lines([values])
        return
    shown = Table.grid(padding=(0, 2))
    for name, value in values.items():
        if value is not None and value != {}:
            shown.add_row(name.replace("_", " "), str(value))
    Console(markup=False, highlight=False).print(shown)


def note(text: str) -> None:
    """A line for the person."""
    print(text, file=sys.stderr, flush=True)


def stderr() -> Console:
    return Console(stderr=True)


def progress(what: str, total: int | None) -> Progress:
    """A bar on stderr, with the rate and the time that is left."""
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=stderr(),
        transient=True,
    )
    bar.add_task(what, total=total, rate="")
    return bar


def moment(milliseconds: int | None) -> str:
    """`2026-01-01 12:00:00Z`, empty for None."""
    return "" if milliseconds is None else f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%SZ}"

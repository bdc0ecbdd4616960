"""`surewrite load`: the items of a file into a table, once."""

from __future__ import annotations

import gc
import json
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TextIO

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..transfer import Load, Loaded, Source, format_of, read_rows
from ..transfer.formats import Row
from ..transfer.pace import Pace
from . import output
from .deployment import CommandError, Deployment
from .options import DEFAULT_MODELS, AsJson, Models, Stack

Format = Annotated[
    Literal["jsonl", "csv", "dynamodb"] | None,
    typer.Option("--format", "-f", help="By default what the file's name and its first line say."),
]
Collection = Annotated[str, typer.Option("--collection", "-c", help="The collection whose items these are.")]


def load(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines, CSV or a DynamoDB export; - for stdin.")],
    collection: Collection,
    format: Format = None,
    name: Annotated[
        str | None,
        typer.Option(help="What the load is known by, in the place of what is in the file. For stdin."),
    ] = None,
    bad: Annotated[
        str | None, typer.Option(help="Where lines go that are not written. Default: FILE.bad.jsonl.")
    ] = None,
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
    as_json: AsJson = False,
) -> None:
    """Writes every item of a file once. If it is killed, the same call goes on. Exit code 1: some lines are bad."""
    tune()
    deployment = Deployment.of(stack, models)
    model = deployment.model(collection)
    source = _source(file)
    identity = name or source.digest()
    if identity is None:
        raise CommandError("stdin has nothing that it could be known by: give the load a --name")
    lines = source.lines()
    try:
        first = next(lines, "")
        chosen = format or format_of(file, first)
        pace = Pace()
        with _Bad(bad or ("stdin" if file == "-" else file) + ".bad.jsonl") as kept, _Bar(source, pace) as bar:
            deployment.db.session.sleep = pace.sleep
            loading = Load(deployment.db, model, f"{chosen}:{identity}", pace=pace, bad=kept.keep, report=bar.report)
            loaded = loading.run(read_rows(chain([first], lines), chosen, model))
    except UnicodeDecodeError:
        raise CommandError(f"{file}: this is no text in UTF-8") from None
    facts: dict[str, Any] = {"written": loaded.written, "known": loaded.known, "bad": loaded.bad}
    facts |= {"seconds": round(bar.seconds, 1), "bad_lines": kept.path if loaded.bad else None}
    output.facts(facts, as_json=as_json)
    if loaded.bad:
        raise typer.Exit(1)


def tune() -> None:
    """One thread computes while others wait for DynamoDB: they get their turn sooner than every 5 ms, and the load is
    half as fast again. What a block allocates has no circles, so that there is little sense in looking for garbage."""
    sys.setswitchinterval(0.001)
    gc.set_threshold(200_000, 20, 100)


def _source(file: str) -> Source:
    try:
        return Source(file)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None


class _Bad:
    """The file of lines that are not written: JSON lines with the number, the reason and the line. There is none
    without such lines."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        Path(self.path).unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, row: Row) -> None:
        if self._file is None:
            self._file = Path(self.path).open("w", encoding="utf-8")  # noqa: SIM115 - closed at the end of the load
        facts = {"line": row.line, "reason": row.problem, "text": row.text}
        self._file.write(json.dumps(facts, ensure_ascii=False) + "\n")


class _Bar:
    """The progress by bytes of the file, with the rate and the time that is left."""

    def __init__(self, source: Source, pace: Pace) -> None:
        self._source, self._pace, self._begun = source, pace, time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[lines]:,} lines"),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TimeRemainingColumn(),
            console=output.stderr(),
            transient=True,
        )
        self._task = self._bar.add_task("loading", total=source.size, lines=0, rate=0.0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def report(self, loaded: Loaded) -> None:
        slowed = "loading" if not self._pace.waits else f"loading, slowed {self._pace.waits:,} times"
        rate = loaded.rows / max(0.001, self.seconds)
        self._bar.update(self._task, completed=self._source.read, description=slowed, lines=loaded.rows, rate=rate)

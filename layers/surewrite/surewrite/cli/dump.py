"""`surewrite dump`: the items of a table as lines."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from ..transfer import item_line, stored_images
from . import output
from .deployment import CommandError, Deployment
from .load import Collection
from .options import DEFAULT_MODELS, Models, Stack


def dump(
    collection: Collection,
    to: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="A file; - for stdout.")] = "-",
    format: Annotated[Literal["jsonl", "dynamodb"], typer.Option("--format", "-f")] = "jsonl",
    segments: Annotated[int, typer.Option(min=1, max=100, help="How many threads scan.")] = 4,
    consistent: Annotated[bool, typer.Option("--consistent", help="Strong reads, which cost twice as much.")] = False,
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
) -> None:
    """Every item of a collection, a line of JSON each, as `surewrite load` reads it. It scans the whole table."""
    deployment = Deployment.of(stack, models)
    model = deployment.model(collection)
    client = deployment.db
    total = client.resource(model).item_count or None  # DynamoDB counts every six hours: a measure
    begun, count = time.monotonic(), 0
    with _opened(to) as file, output.progress(f"{collection} read", total) as bar:
        (task,) = bar.task_ids
        for image in stored_images(client, model, segments=segments, consistent=consistent):
            file.write(item_line(image, format) + "\n")
            count += 1
            if count % 1000 == 0:
                bar.update(task, completed=count, rate=f"{count / (time.monotonic() - begun):,.0f}/s")
    output.note(f"{count:,} items")


def _opened(to: str) -> nullcontext[TextIO] | TextIO:
    if to == "-":
        return nullcontext(sys.stdout)
    try:
        return Path(to).open("w", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{to}: {error.strerror}") from None

"""Options that the commands share."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_MODELS = "bookstore.models:MODELS"

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        envvar="SUREWRITE_STACK",
        metavar="NAME|URL",
        help="The stack's name in CloudFormation, or the URL of `make serve`. Without it: a function's variables.",
    ),
]
Models = Annotated[
    str, typer.Option("--models", envvar="SUREWRITE_MODELS", metavar="MODULE:NAME", help="Where the models are.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout: one object in each line.")]

"""`surewrite key`: what became of an idempotency key."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..commit.idempotency_key import QUEUE_SCOPE, IdempotencyKey
from ..commit.records import Record
from ..operations import Operation
from . import output
from .deployment import QUEUES, Deployment
from .options import DEFAULT_MODELS, AsJson, Models, Stack

app = typer.Typer(help="What the ledger holds of a key.", no_args_is_help=True)


@app.callback()
def _key() -> None:
    """Makes `show` a command of its own."""


@app.command()
def show(
    key: Annotated[str, typer.Argument(metavar="KEY")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="Whose key it is: queue:WritesQueue, jwt:<iss> <sub>, iam:<arn>. Default: queues, anonymous."
        ),
    ] = None,
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
    as_json: AsJson = False,
) -> None:
    """Applied, rejected or pending, with its outcome and when the ledger forgets it. Exit code 1: nothing is known."""
    deployment = Deployment.of(stack, models)
    scopes = scope or [*(QUEUE_SCOPE + queue for queue in QUEUES), "anonymous"]
    found = [(one, deployment.db.find(IdempotencyKey(one, key))) for one in scopes]
    known = [(one, record) for one, record in found if record is not None]
    for one, record in known:
        output.facts({"key": key, "scope": one, **_facts(record)}, as_json=as_json)
    if not known:
        if as_json:
            output.lines([{"key": key, "status": None, "scopes": scopes}])
        output.note(f"nothing: not applied within the ledger's retention, under the scopes {', '.join(scopes)}")
        raise typer.Exit(1)


def _facts(record: Record) -> dict[str, Any]:
    operation = Operation.of(record)
    since = record.pending_since
    return {
        "status": operation.status,
        "reason": operation.reason,
        "pending_since": output.moment(since * 1000) if since is not None else None,
        "outcome": record.outcome,
        "shares_record": record.packed,
        "expires_at": output.moment(record.expires_at * 1000),
    }

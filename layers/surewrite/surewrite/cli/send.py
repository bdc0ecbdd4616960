"""`surewrite send`: a message, from the shell."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from ..commit.idempotency_key import IdempotencyKey, new_key
from ..errors import InvalidRequest, Problem
from ..messages import parse_message
from ..model.json import loads
from ..requests import Catalogue
from ..sqs.records import KEY_ATTRIBUTE
from . import output
from .deployment import CommandError, Deployment
from .options import DEFAULT_MODELS, AsJson, Models, Stack


def send(
    body: Annotated[str, typer.Argument(metavar="JSON", help="The message; - reads it from stdin.")],
    queue: Annotated[
        str, typer.Option("--queue", "-q", help="WritesQueue or OrderedWritesQueue, or a URL.")
    ] = "WritesQueue",
    key: Annotated[
        str | None, typer.Option("--key", "-k", help="The idempotency key; a fresh UUIDv7 by default.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", "-g", help="The message group, which a FIFO queue needs.")
    ] = None,
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
    as_json: AsJson = False,
) -> None:
    """Sends a message after checking it against the models. Sent again under the same --key it is applied once."""
    deployment = Deployment.of(stack, models)
    text = sys.stdin.read() if body == "-" else body
    own = _check(text, deployment)
    if own is not None and key is not None:
        raise CommandError("the message has an idempotency_key: leave --key out")
    used = own or key or new_key()
    IdempotencyKey("", used)
    url = queue if "/" in queue else deployment.name(queue)
    if url.endswith(".fifo") and group is None:
        raise CommandError("a FIFO queue needs a --group")
    request: dict[str, Any] = {"QueueUrl": url, "MessageBody": text}
    if own is None:
        request["MessageAttributes"] = {KEY_ATTRIBUTE: {"DataType": "String", "StringValue": used}}
    if group is not None:
        request["MessageGroupId"] = group
    if url.endswith(".fifo"):
        request["MessageDeduplicationId"] = new_key()
    message_id = deployment.sqs.send_message(**request)["MessageId"]
    output.facts({"key": used, "message_id": message_id, "queue": url.rsplit("/", 1)[-1]}, as_json=as_json)


def _check(text: str, deployment: Deployment) -> str | None:
    """Its own idempotency key, if it has one. InvalidRequest says what the worker would reject it for."""
    value = loads(text)
    if not isinstance(value, dict):
        raise InvalidRequest(Problem((), "an object is needed"))
    parse_message(value).to_write(Catalogue(*deployment.models))
    own = value.get("idempotency_key")
    return own if isinstance(own, str) else None

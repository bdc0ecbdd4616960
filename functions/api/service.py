"""What every route uses: the client, the request that is being answered, and the commit of one write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.config import Config

import callers
import inputs
import preconditions
import problems
import responses
from bookstore.models import MODELS
from event import Event, Resolver
from surewrite import Client, Deadline, IdempotencyKey, Operations, Outcome, errors
from surewrite.expressions.evaluate import ReturnValues
from surewrite.model.json import loads
from surewrite.model.wire import Image
from surewrite.reader import Reader
from surewrite.requests import Catalogue
from surewrite.writes import AnyWrite, Write

logger = Logger()
metrics = EphemeralMetrics()
app = Resolver(json_body_deserializer=loads)

db = Client.from_env(MODELS, also=("OPERATIONS_QUEUE_URL", "CURSOR_KEY"))
catalogue = Catalogue(*MODELS)
reader = Reader(db, os.environ["CURSOR_KEY"])


def _sqs_client() -> Any:
    """Made for the first asynchronous request. Its attempts end before the function does."""
    retries: Any = {"total_max_attempts": 2, "mode": "standard"}
    return boto3.client("sqs", config=Config(connect_timeout=1, read_timeout=2, retries=retries))


operations = Operations(db, os.environ["OPERATIONS_QUEUE_URL"], _sqs_client)


def request() -> Event:
    current = app.current_event
    assert isinstance(current, Event)
    return current


def deadline() -> Deadline:
    return Deadline.of_lambda(app.lambda_context)


def count(metric: str) -> None:
    metrics.add_metric(metric, MetricUnit.Count, 1)


def commit(write: Write, message: Image, *, created: HTTPStatus = HTTPStatus.OK, empty: bool = True) -> Response[str]:
    """Commits the write under the key of its request, or has it committed where the client prefers that and has a key.

    `message` is what the write is in a queue, besides what all have in common. `created` is the status for a new item;
    without `empty`, no attributes mean no body.
    """
    key = callers.idempotency_key(request())
    try:
        with counted():
            if key is None or not preconditions.prefers_async(request().headers):
                done = db.commit(write, key, deadline=deadline())
            elif (known := submit(write, _whole(message, write), key)) is not None:
                done = known
            else:
                return responses.accepted(key)
    except errors.ConditionFailed as error:
        return refused(error, creating=write.absent)
    except errors.ResponseLost as lost:
        count("Applied")
        return responses.outcome(Outcome(version=lost.version), shown=False)
    count("Replayed" if done.replayed else "Applied")
    shown = write.return_values != "NONE" and (empty or done.attributes is not None)
    return responses.outcome(done, shown=shown, status=created if done.created else HTTPStatus.OK)


def refused(error: errors.SurewriteError, *, creating: bool = False) -> Response[str]:
    """The problem that an error is, with what the request wants to see of it."""
    asked = request().query_string_parameters.get("return_values_on_condition_check_failure")
    return problems.of_error(error, creating=creating, shows_item=asked != "NONE")


def submit(write: AnyWrite, message: Image, key: IdempotencyKey) -> Outcome | None:
    """Has the write committed by the worker; its outcome if it was applied before."""
    outcome = operations.submit(write, message, key, deadline=deadline())
    if outcome is None:
        count("Accepted")
    return outcome


@contextmanager
def counted() -> Iterator[None]:
    """Counts what is refused and what may be sent again."""
    try:
        yield
    except (errors.CallFailed, errors.ResponseLost):
        raise
    except errors.SurewriteError as error:
        if isinstance(error, errors.NotQueued):
            logger.error("request not queued", operation="SendMessage", code=error.code)
        count("Retried" if isinstance(error, errors.Retryable) else "Rejected")
        raise


def _whole(message: Image, write: Write) -> Image:
    """The message with its collection, with what its headers demand, and with the return values of its request."""
    return {
        **message,
        "collection": write.model.schema_.collection,
        **preconditions.members(request().headers),
        "return_values": write.return_values,
    }


def query() -> inputs.WriteQuery:
    """The parameters of a write; a PUT takes its condition there."""
    return (inputs.PutQuery if request().http_method == "PUT" else inputs.WriteQuery).of(request())


def return_values(asked: ReturnValues | None, *, default: ReturnValues) -> ReturnValues:
    """The ReturnValues of a write: as asked for in its body or its query, else by preference."""
    named = query().return_values
    if asked is not None and named is not None:
        raise errors.InvalidRequest.at("stands in the body as well", "return_values")
    if (wanted := asked or named) is not None:
        return wanted
    return "NONE" if preconditions.prefers_minimal(request().headers) else default

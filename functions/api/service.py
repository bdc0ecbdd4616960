"""What every route uses: the client, the request that is being answered, and the commit of one write."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

import callers
import preconditions
import problems
import responses
from bookstore.models import MODELS
from event import Event, Resolver
from surewrite import Client, Deadline, Outcome, errors
from surewrite.expressions.evaluate import ReturnValues
from surewrite.model.json import loads
from surewrite.requests import Catalogue
from surewrite.writes import Write

logger = Logger()
metrics = EphemeralMetrics()
app = Resolver(json_body_deserializer=loads)

db = Client.from_env(MODELS)
catalogue = Catalogue(*MODELS)


def request() -> Event:
    current = app.current_event
    assert isinstance(current, Event)
    return current


def deadline() -> Deadline:
    return Deadline.of_lambda(app.lambda_context)


def count(metric: str) -> None:
    metrics.add_metric(metric, MetricUnit.Count, 1)


def commit(write: Write, *, created: HTTPStatus = HTTPStatus.OK, empty: bool = True) -> Response[str]:
    """Commits the write under the key of its request. `created` is the status for a new item; without `empty`, no
    attributes mean no body."""
    key = callers.idempotency_key(request())
    try:
        done = db.commit(write, key, deadline=deadline())
    except errors.ConditionFailed as error:
        count("Rejected")
        return problems.of_error(error, creating=write.absent)
    except errors.ResponseLost as lost:
        count("Applied")
        return responses.outcome(Outcome(version=lost.version), shown=False)
    except errors.CallFailed:
        raise
    except errors.SurewriteError as error:
        count("Retried" if isinstance(error, errors.Retryable) else "Rejected")
        raise
    count("Replayed" if done.replayed else "Applied")
    shown = write.return_values != "NONE" and (empty or done.attributes is not None)
    return responses.outcome(done, shown=shown, status=created if done.created else HTTPStatus.OK)


def return_values(asked: ReturnValues | None, *, default: ReturnValues) -> ReturnValues:
    """The ReturnValues of a write: as asked for, else by preference."""
    if asked is not None:
        return asked
    return "NONE" if preconditions.prefers_minimal(request().headers) else default

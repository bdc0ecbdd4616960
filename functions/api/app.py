"""HTTP request -> one write, or a read, of one item.

The way of a request: `handler` hands its event to a route; `inputs` reads path, query and body, `preconditions` and
`callers` the headers; the route makes one `Write` of them, which `commit` commits. `responses` is what became of it,
`problems` what was wrong.
"""

from __future__ import annotations

import base64
import traceback
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

import callers
import inputs
import preconditions
import problems
import responses
from bookstore.models import MODELS
from event import Event, Resolver, UnexpectedEvent, check
from surewrite import Client, Deadline, Outcome, attr, errors
from surewrite.expressions.evaluate import ReturnValues
from surewrite.expressions.merge_patch import merge_actions
from surewrite.model.item import VERSION, Item
from surewrite.model.json import loads
from surewrite.model.wire import Image
from surewrite.requests import Body, Catalogue, UpdateBody, parse_item, problems_of
from surewrite.writes import Write

logger = Logger()
metrics = EphemeralMetrics()
app = Resolver(json_body_deserializer=loads)

db = Client.from_env(MODELS)
catalogue = Catalogue(*MODELS)

ITEM, SORTED_ITEM = "/<collection>/<partition>", "/<collection>/<partition>/<sort>"
COUNTER, SORTED_COUNTER = f"{ITEM}/counters/<attribute>", f"{SORTED_ITEM}/counters/<attribute>"


@app.route(ITEM, method=["GET", "HEAD"])
@app.route(SORTED_ITEM, method=["GET", "HEAD"])
def read_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """200 with the item, 304 where the client has this version, 404 where there is none."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    query = inputs.ReadQuery.of(request())
    image = db.table(model).image(key, consistent=query.consistent, fields=query.fields, deadline=deadline())
    if image is None:
        return problems.problem(HTTPStatus.NOT_FOUND, "there is no such item")
    version = image.get(VERSION)
    if version is not None and preconditions.is_current(request().headers, version):
        return responses.not_modified(version)
    return responses.item(model.schema_.visible(image) or {}, version)


@app.put(ITEM)
@app.put(SORTED_ITEM)
def put_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """201 where an item was created, 200 where one was replaced."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    returned = return_values(inputs.WriteQuery.of(request()).return_values, default="ALL_NEW")
    body = inputs.json_object(request())
    item = parse_item(model, {**body, **named_key(model, key, body)})
    write = Write.put(item, return_values=returned, **preconditions.of_write(request().headers, model))
    return commit(write, created=HTTPStatus.CREATED if returned == "ALL_NEW" else HTTPStatus.OK)


@app.patch(ITEM)
@app.patch(SORTED_ITEM)
def update_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """200 with what `return_values` shows, by default the whole new item."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    inputs.Query.of(request())  # takes no parameters
    body = inputs.json_object(request())
    demanded = preconditions.of_write(request().headers, model)
    if inputs.media_type(request()) == inputs.MERGE_PATCH:
        returned = return_values(None, default="ALL_NEW")
        return commit(Write.update(model, key, merge_actions(model, body), return_values=returned, **demanded))
    update = UpdateBody.model_validate(body)
    returned = return_values(update.return_values, default="ALL_NEW")
    return commit(update.bind(model, key, return_values=returned, **demanded))


@app.post(COUNTER)
@app.post(SORTED_COUNTER)
def increase_counter(collection: str, partition: str, attribute: str, sort: str | None = None) -> Response[str]:
    """200 with the counter's new value."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    inputs.Query.of(request())  # takes no parameters
    body = inputs.CounterBody.model_validate(inputs.json_object(request(), empty={}))
    # without a label: the request has no section that an error could point to
    action = replace(attr(inputs.attribute(attribute)).add(body.by), label="")
    returned = return_values(body.return_values, default="UPDATED_NEW")
    demanded = preconditions.of_write(request().headers, model, body.condition(model))
    return commit(Write.update(model, key, {action}, return_values=returned, **demanded))


@app.delete(ITEM)
@app.delete(SORTED_ITEM)
def delete_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """200 with the item that was deleted, 204 where there was none, or where nothing is to be shown."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    query = inputs.WriteQuery.of(request())
    body = Body.model_validate(inputs.json_object(request(), empty={}))
    returned = return_values(body.return_values or query.return_values, default="ALL_OLD")
    demanded = preconditions.of_write(request().headers, model, body.condition(model))
    return commit(Write.delete(model, key, return_values=returned, **demanded), empty=False)


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


def named_key(model: type[Item], key: Image, body: Image) -> Image:
    """The key of the path as the body spells it; a body that names another one is refused."""
    named = {name: base64.b64encode(part).decode() if isinstance(part, bytes) else part for name, part in key.items()}
    for name, part in named.items():
        if name in body and body[name] != part:
            raise errors.InvalidItem(errors.Problem((name,), "differs from the key in the URL"))
    return named


def request() -> Event:
    current = app.current_event
    assert isinstance(current, Event)
    return current


def deadline() -> Deadline:
    return Deadline.of_lambda(app.lambda_context)


def count(metric: str) -> None:
    metrics.add_metric(metric, MetricUnit.Count, 1)


@app.exception_handler(errors.SurewriteError)
def refuse(error: errors.SurewriteError) -> Response[str]:
    return problems.of_error(error)


@app.exception_handler(ValidationError)
def refuse_member(error: ValidationError) -> Response[str]:
    return problems.of_error(errors.InvalidRequest(*problems_of(error)))


@app.exception_handler(inputs.UnsupportedMediaType)
def refuse_media_type(_: inputs.UnsupportedMediaType) -> Response[str]:
    return problems.problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be JSON")


@app.exception_handler(NotFoundError)
def refuse_path(_: NotFoundError) -> Response[str]:
    """404, 405 where the path takes other methods, and those methods for OPTIONS."""
    methods = allowed_methods(request().path.split("/")[1:])
    if not methods:
        return problems.problem(HTTPStatus.NOT_FOUND, "there is nothing at this path")
    allow = {"Allow": ", ".join(methods)}
    if request().http_method == "OPTIONS":
        return Response(HTTPStatus.NO_CONTENT, headers=allow, body="")
    return problems.problem(
        HTTPStatus.METHOD_NOT_ALLOWED, f"the methods of this path are {allow['Allow']}", headers=allow
    )


def allowed_methods(segments: list[str]) -> tuple[str, ...]:
    if segments[-2:-1] == ["counters"] and len(segments) in (4, 5):
        return "POST", "OPTIONS"
    return ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS") if len(segments) in (2, 3) and all(segments) else ()


@app.exception_handler([Exception, errors.ConfigurationError, errors.CallFailed])
def fail(error: Exception) -> Response[str]:
    """A failure of ours. A foreign message may hold what a user sent, so it is not logged; its type and place are."""
    known: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, errors.ConfigurationError | UnexpectedEvent):
        known["reason"] = str(error)
    else:
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        known["places"] = [f"{one.filename}:{one.lineno} {one.name}" for one in frames]
    if isinstance(error, errors.CallFailed):
        known |= {"code": error.code, "operation": error.operation}
    logger.error("request failed", **known)
    count("Failed")
    return problems.problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the request failed; its id is in the logs")


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's event, payload format 2.0, to its response."""
    try:
        check(event)
        response = app.resolve(event, context)
        method = event["requestContext"]["http"]["method"]
        logger.info("request done", method=method, status=response["statusCode"])
    except UnexpectedEvent as error:
        failed = fail(error)
        response = {"statusCode": int(failed.status_code), "headers": failed.headers, "body": failed.body}
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
    return response

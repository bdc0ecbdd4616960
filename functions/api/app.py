"""HTTP request -> one command -> one write, or a read."""

from __future__ import annotations

import base64
import os
import traceback
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BeforeValidator, ValidationError

import gateway
import responses
from bookstore.models import MODELS
from surewrite import attr, errors
from surewrite.commit.transport import Boto3Transport, Deadline, boto3_client
from surewrite.expressions.evaluate import ReturnValues
from surewrite.expressions.merge_patch import merge_actions
from surewrite.expressions.placeholders import all_of
from surewrite.model.item import VERSION, Item
from surewrite.model.json import loads
from surewrite.model.wire import Image
from surewrite.requests import Body as RequestBody
from surewrite.requests import Catalogue, UpdateBody, parse_item, problems_of
from surewrite.settings import Settings
from surewrite.table import Table
from surewrite.writes import Write

logger = Logger()
metrics = EphemeralMetrics()
app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=loads)

writer = Settings.read(os.environ, MODELS).writer(Boto3Transport(boto3_client()))
catalogue = Catalogue(*MODELS)

Segment = Annotated[str, Path(min_length=1), BeforeValidator(unquote)]
Flag = Annotated[bool, Query(), BeforeValidator(lambda value: True if value == "" else value)]
Fields = Annotated[list[str] | None, Query()]
Returns = Annotated[ReturnValues | None, Query()]
JSONObject = Annotated[dict[str, Any], Body()]


def a_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is needed")
    return value


class CounterBody(RequestBody):
    """What a counter is to be increased by; a negative number decreases it."""

    by: Annotated[Any, BeforeValidator(a_number)] = 1


@app.get("/<collection>/<partition>")
def get_item(collection: Segment, partition: Segment, consistent: Flag = False, fields: Fields = None) -> Response[str]:
    return read(collection, (partition,), consistent, fields)


@app.get("/<collection>/<partition>/<sort>")
def get_sorted_item(
    collection: Segment, partition: Segment, sort: Segment, consistent: Flag = False, fields: Fields = None
) -> Response[str]:
    return read(collection, (partition, sort), consistent, fields)


@app.put("/<collection>/<partition>")
def put_item(collection: Segment, partition: Segment, body: JSONObject, return_values: Returns = None) -> Response[str]:
    return put(collection, (partition,), body, return_values)


@app.put("/<collection>/<partition>/<sort>")
def put_sorted_item(
    collection: Segment, partition: Segment, sort: Segment, body: JSONObject, return_values: Returns = None
) -> Response[str]:
    return put(collection, (partition, sort), body, return_values)


@app.patch("/<collection>/<partition>")
def update_item(collection: Segment, partition: Segment, body: JSONObject) -> Response[str]:
    return update(collection, (partition,), body)


@app.patch("/<collection>/<partition>/<sort>")
def update_sorted_item(collection: Segment, partition: Segment, sort: Segment, body: JSONObject) -> Response[str]:
    return update(collection, (partition, sort), body)


@app.post("/<collection>/<partition>/counters/<attribute>")
def count(
    collection: Segment, partition: Segment, attribute: Segment, body: Annotated[CounterBody, Body()]
) -> Response[str]:
    return increase(collection, (partition,), attribute, body)


@app.post("/<collection>/<partition>/<sort>/counters/<attribute>")
def count_sorted(
    collection: Segment, partition: Segment, sort: Segment, attribute: Segment, body: Annotated[CounterBody, Body()]
) -> Response[str]:
    return increase(collection, (partition, sort), attribute, body)


@app.delete("/<collection>/<partition>")
def delete_item(
    collection: Segment, partition: Segment, body: Annotated[RequestBody, Body()], return_values: Returns = None
) -> Response[str]:
    return delete(collection, (partition,), body, return_values)


@app.delete("/<collection>/<partition>/<sort>")
def delete_sorted_item(
    collection: Segment,
    partition: Segment,
    sort: Segment,
    body: Annotated[RequestBody, Body()],
    return_values: Returns = None,
) -> Response[str]:
    return delete(collection, (partition, sort), body, return_values)


def read(collection: str, key: tuple[str, ...], consistent: bool, fields: list[str] | None) -> Response[str]:
    """200 with the item, 304 where the client has this version, 404 where there is none."""
    model = catalogue[collection]
    paths = None if fields is None else [path for text in fields for path in text.split(",") if path]
    table = Table(model, writer)
    image = table.image(model.schema_.parse_key(key), consistent=consistent, fields=paths, deadline=deadline())
    if image is None:
        return responses.problem(HTTPStatus.NOT_FOUND, "there is no such item")
    version = image.get(VERSION)
    if version is not None and gateway.has_version(headers(), version):
        return Response(HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{version}"'}, body="")
    return responses.item(model.schema_.visible(image), version)


def put(collection: str, key: tuple[str, ...], body: Image, returns: ReturnValues | None) -> Response[str]:
    """201 where an item was created, 200 where one was replaced."""
    model = catalogue[collection]
    item = parse_item(model, {**body, **named_key(model, key, body)})
    returns = shown(returns, "ALL_NEW")
    write = Write.put(item, return_values=returns, when=condition(model), **gateway.preconditions(model, headers()))
    return commit(write, created=HTTPStatus.CREATED if returns == "ALL_NEW" else HTTPStatus.OK)


def update(collection: str, key: tuple[str, ...], body: Image) -> Response[str]:
    """200 with what `return_values` shows, by default the whole new item."""
    model = catalogue[collection]
    options = gateway.preconditions(model, headers())
    if gateway.is_merge_patch(headers()):
        actions, when, returns = merge_actions(model, body), None, shown(None, "ALL_NEW")
    else:
        request = UpdateBody.model_validate(body)
        actions, when = request.actions(model), request.condition(model)
        returns = shown(request.return_values, "ALL_NEW")
    write = Write.update(
        model, model.schema_.parse_key(key), actions, all_of([when, condition(model)]), return_values=returns, **options
    )
    return commit(write)


def increase(collection: str, key: tuple[str, ...], attribute: str, body: CounterBody) -> Response[str]:
    """200 with the counter's new value."""
    model = catalogue[collection]
    when = all_of([body.condition(model), condition(model)])
    options = gateway.preconditions(model, headers())
    returns = shown(body.return_values, "UPDATED_NEW")
    counter = {replace(attr(attribute).add(body.by), label="")}  # the request has no section to point to
    return commit(Write.update(model, model.schema_.parse_key(key), counter, when, return_values=returns, **options))


def delete(collection: str, key: tuple[str, ...], body: RequestBody, returns: ReturnValues | None) -> Response[str]:
    """200 with the item that was deleted, 204 where there was none, or where nothing is to be shown."""
    model = catalogue[collection]
    when = all_of([body.condition(model), condition(model)])
    options = gateway.preconditions(model, headers())
    returns = shown(body.return_values or returns, "ALL_OLD")
    write = Write.delete(model, model.schema_.parse_key(key), when=when, return_values=returns, **options)
    return commit(write, empty=False)


def commit(write: Write, *, created: HTTPStatus = HTTPStatus.OK, empty: bool = True) -> Response[str]:
    """Commits and answers. `created` is the status for a new item; without `empty`, no attributes mean no body."""
    key = gateway.idempotency_key(app.current_event.raw_event, headers())
    try:
        done = writer.commit(write, key, deadline=deadline())
    except errors.ConditionFailed as error:
        metrics.add_metric("Rejected", MetricUnit.Count, 1)
        return responses.failure(error, creating=write.absent)
    except errors.SurewriteError as error:
        metrics.add_metric("Retried" if isinstance(error, errors.Retryable) else "Rejected", MetricUnit.Count, 1)
        raise
    metrics.add_metric("Replayed" if done.replayed else "Applied", MetricUnit.Count, 1)
    visible = write.return_values != "NONE" and (empty or done.attributes is not None)
    return responses.outcome(done, shown=visible, status=created if done.created else HTTPStatus.OK)


def headers() -> dict[str, str]:
    """The request's headers, in lower case."""
    lower: dict[str, str] = app.current_event.raw_event["headers"]
    return lower


def deadline() -> Deadline:
    return Deadline.of_lambda(app.lambda_context)


def condition(model: type[Item]) -> Any:
    """What the headers demand besides a version."""
    return gateway.must_exist(model, headers())


def shown(asked: ReturnValues | None, default: ReturnValues) -> ReturnValues:
    """The ReturnValues of a write: as asked for, else by preference."""
    if asked is not None:
        return asked
    return "NONE" if gateway.prefers_minimal(headers()) else default


def named_key(model: type[Item], key: tuple[str, ...], body: Image) -> Image:
    """The URL's key as the body spells it; a body that names another one is refused."""
    named = {}
    for name, value in model.schema_.parse_key(key).items():
        named[name] = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        if name in body and body[name] != named[name]:
            raise errors.InvalidItem(errors.Problem((name,), "differs from the key in the URL"))
    return named


@app.exception_handler(errors.SurewriteError)
def refuse(error: errors.SurewriteError) -> Response[str]:
    return responses.failure(error)


@app.exception_handler(ValidationError)
def refuse_body(error: ValidationError) -> Response[str]:
    return responses.failure(errors.InvalidRequest(*problems_of(error)))


@app.exception_handler(RequestValidationError)
def refuse_request(error: RequestValidationError) -> Response[str]:
    """Powertools leads each location by where it was: `body`, `query`, `path`."""
    found = (errors.Problem(tuple(one["loc"][1:]), one["msg"]) for one in error.errors())
    return responses.failure(errors.InvalidRequest(*found))


@app.exception_handler(NotFoundError)
def refuse_path(_: NotFoundError) -> Response[str]:
    allowed = allowed_methods(app.current_event.path.split("/")[1:])
    if allowed and app.current_event.http_method not in allowed:
        return responses.problem(
            HTTPStatus.METHOD_NOT_ALLOWED, f"there are {', '.join(allowed)}", headers={"Allow": ", ".join(allowed)}
        )
    return responses.problem(HTTPStatus.NOT_FOUND, "there is nothing at this path")


def allowed_methods(segments: list[str]) -> tuple[str, ...]:
    if segments[-2:-1] == ["counters"] and len(segments) in (4, 5):
        return ("POST",)
    return ("GET", "PUT", "PATCH", "DELETE") if len(segments) in (2, 3) and all(segments) else ()


@app.exception_handler(Exception)
def fail(error: Exception) -> Response[str]:
    """What nobody foresaw. Its message may hold what a user sent, so only its type and its place are logged."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    logger.error("request failed", error=type(error).__name__, places=places)
    return responses.problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the request failed; its id is in the logs")


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's event, payload format 2.0, to its response."""
    try:
        response = app.resolve(gateway.normalized(event), context)
    except gateway.UnsupportedMediaType:
        response = gateway.raw(responses.problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be JSON"))
    except errors.SurewriteError as error:
        response = gateway.raw(responses.failure(error))
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
    logger.info("request done", method=event["requestContext"]["http"]["method"], status=response["statusCode"])
    return response

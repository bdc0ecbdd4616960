"""HTTP request -> exactly-once writes, or a read.

The way of a request: `handler` hands its event to a route (`items`, `several`, `queries`, `operations`); `inputs` reads
path, query and body, `preconditions` and `callers` the headers; the route makes one `Write` of them, which `service`
commits. `responses` is what became of it, `problems` what was wrong.
"""

from __future__ import annotations

import gc

gc.disable()  # while everything is imported: nothing of it is garbage, and the searches take an eighth of a cold start

import traceback
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

import docs
import inputs
import items
import operations
import problems
import queries
import several
from event import UnexpectedEvent, check
from metering import metered
from service import app, count, logger, metrics, refused, request
from service import db as db  # what a test or a debugger looks for here
from surewrite import errors
from surewrite.requests import problems_of

app.use([metered])
app.include_router(docs.router)
app.include_router(several.router)
app.include_router(queries.router)
app.include_router(operations.router)  # before those of items, whose paths are of the same form
app.include_router(items.router)


@app.exception_handler(errors.SurewriteError)
def refuse(error: errors.SurewriteError) -> Response[str]:
    return refused(error)


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
    if "/" + "/".join(segments) in (docs.DOCUMENT, docs.PAGE):
        return "GET", "HEAD", "OPTIONS"
    if "/" + "/".join(segments) in (several.TRANSACTIONS, several.BATCH_WRITE):
        return several.METHODS
    if "/" + "/".join(segments) == queries.BATCH_GET:
        return queries.METHODS
    if segments[:-1] == ["operations"]:
        return operations.METHODS
    if segments[-2:-1] == ["counters"] and len(segments) in (4, 5):
        return "POST", "OPTIONS"
    if len(segments) == 1 and segments[0]:
        return "GET", "HEAD", "OPTIONS"
    of_item = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
    if len(segments) == 2 and segments[1] == "query":  # an item may have this key
        return "POST", *of_item
    return of_item if len(segments) in (2, 3) and all(segments) else ()


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


gc.freeze()  # what was imported is searched no more
gc.enable()


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

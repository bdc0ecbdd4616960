"""Problem details (RFC 9457) for everything that can go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from surewrite import errors
from surewrite.model.json import dumps

MEDIA_TYPE = "application/problem+json"

# RFC 9110's phrases. Python's own (HTTPStatus.phrase) were reworded between its versions.
_TITLES = {
    HTTPStatus.BAD_REQUEST: "Bad Request",
    HTTPStatus.NOT_FOUND: "Not Found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method Not Allowed",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.PRECONDITION_FAILED: "Precondition Failed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Unsupported Media Type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
    HTTPStatus.TOO_MANY_REQUESTS: "Too Many Requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal Server Error",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Unavailable",
}

_STATUSES: tuple[tuple[type[errors.SurewriteError], HTTPStatus], ...] = (
    (errors.ItemTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.MessageTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.InvalidItem, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidUpdate, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidRequest, HTTPStatus.BAD_REQUEST),
    (errors.UnknownCollection, HTTPStatus.NOT_FOUND),
    (errors.KeyReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.ConditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (errors.Throttled, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.Retryable, HTTPStatus.SERVICE_UNAVAILABLE),
)

# a request may have a hundred thousand mistakes, a response only so many bytes
_SHOWN = 50


def problem(
    status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> Response[str]:
    """A problem details object. `members` extend it."""
    body = {"type": "about:blank", "title": _TITLES[status], "status": int(status), "detail": detail, **members}
    return Response(status, content_type=MEDIA_TYPE, headers=dict(headers or {}), body=dumps(body))


def of_error(
    error: errors.SurewriteError, *, creating: bool = False, shows_item: bool = True, **members: Any
) -> Response[str]:
    """The problem that an error of the library is; `creating` says that the request demanded that nothing exists,
    `shows_item` that an unmet condition brings the item. `members` extend what may be sent again."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, errors.InvalidRequest):
        return _of_invalid(status, error)
    if isinstance(error, errors.ConditionFailed):
        item = {"item": error.image} if shows_item else {}
        if creating and error.image is not None:
            return problem(HTTPStatus.CONFLICT, "the item exists already", **item)
        where = errors.Problem(error.location, error.reason)
        if error.location:
            members = {"errors": [{"pointer": where.pointer, "detail": error.reason}]}
        return problem(status, str(error), **item, **members)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, errors.Retryable) else {}
    return problem(status, str(error)[:2000], headers=headers, **members)


def _of_invalid(status: HTTPStatus, error: errors.InvalidRequest) -> Response[str]:
    shown = error.problems[:_SHOWN]
    detail = "; ".join(str(one)[:500] for one in shown)
    if len(error.problems) > _SHOWN:
        detail += f"; and {len(error.problems) - _SHOWN} more"
    pointed = [{"pointer": one.pointer[:500], "detail": one.reason[:500]} for one in shown]
    return problem(status, detail, errors=pointed)

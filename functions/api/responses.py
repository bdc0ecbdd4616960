"""Answers: items with their ETag, and problems (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from surewrite import errors
from surewrite.commit import transport as client
from surewrite.commit.ledger import Outcome
from surewrite.model.json import dumps

JSON = "application/json"
PROBLEM = "application/problem+json"

# a request may have a hundred thousand mistakes, a response only so many bytes
_SHOWN = 50

_STATUSES: tuple[tuple[type[errors.SurewriteError], HTTPStatus], ...] = (
    (errors.ItemTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.InvalidItem, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidUpdate, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidRequest, HTTPStatus.BAD_REQUEST),
    (errors.UnknownCollection, HTTPStatus.NOT_FOUND),
    (errors.KeyReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.ConditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (client.Refused, HTTPStatus.BAD_REQUEST),
    (errors.Throttled, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.Retryable, HTTPStatus.SERVICE_UNAVAILABLE),
)


def item(
    attributes: Mapping[str, Any] | None,
    version: str | None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """The attributes as JSON; nothing at all where there are none to show."""
    tagged = dict(headers or {})
    if version is not None:
        tagged["ETag"] = f'"{version}"'
    if attributes is None:
        return Response(HTTPStatus.NO_CONTENT, headers=tagged, body="")
    return Response(status, content_type=JSON, headers=tagged, body=dumps(attributes))


def outcome(done: Outcome, *, shown: bool, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    """What became of a write. `shown` says that the client asked to see attributes: then there is a body, if empty."""
    headers = {}
    if done.replayed:
        headers["Idempotency-Replayed"] = "current" if done.current else "true"
    if not shown:
        return item(None, None, headers=headers)
    return item(done.attributes or {}, done.version, status=status, headers=headers)


def problem(
    status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> Response[str]:
    """A problem details object. `members` extend it."""
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail, **members}
    return Response(status, content_type=PROBLEM, headers=dict(headers or {}), body=dumps(body))


def failure(error: errors.SurewriteError, *, creating: bool = False) -> Response[str]:
    """The problem that an error of the library is; `creating` says that the request demanded that nothing exists."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    members: dict[str, Any] = {}
    headers: dict[str, str] = {}
    detail = str(error)[:2000]
    if isinstance(error, errors.InvalidRequest):
        shown = error.problems[:_SHOWN]
        members["errors"] = [{"pointer": one.pointer[:500], "detail": one.reason[:500]} for one in shown]
        detail = "; ".join(str(one)[:500] for one in shown)
        if len(error.problems) > _SHOWN:
            detail += f"; and {len(error.problems) - _SHOWN} more"
    if isinstance(error, errors.ConditionFailed):
        members["item"] = error.image
        if creating and error.image is not None:
            return problem(HTTPStatus.CONFLICT, "the item exists already", **members)
    if isinstance(error, errors.Retryable):
        headers["Retry-After"] = str(error.retry_after)
    return problem(status, detail, headers=headers, **members)

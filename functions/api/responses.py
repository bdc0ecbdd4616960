"""Items with their ETag, and what became of a write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response

from surewrite import IdempotencyKey, Operation, Outcome
from surewrite.model.json import dumps

JSON = "application/json"
NOT_STORED = {"Cache-Control": "no-store"}
_POLL_SECONDS = 1


def item(
    attributes: Mapping[str, Any],
    version: str | None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """The attributes as JSON."""
    return json(dumps(attributes), status=status, headers={**(headers or {}), **_etag(version)})


def json(text: str, *, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response[str]:
    return Response(status, content_type=JSON, headers=dict(headers or {}), body=text)


def not_modified(version: str) -> Response[str]:
    return Response(HTTPStatus.NOT_MODIFIED, headers=_etag(version), body="")


def outcome(done: Outcome, *, shown: bool, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    """What became of a write. `shown` says that the client asked to see attributes: then there is a body, if empty."""
    headers = replayed(done)
    if not shown:
        return Response(HTTPStatus.NO_CONTENT, headers=headers, body="")
    return item(done.attributes or {}, done.version, status=status, headers=headers)


def replayed(done: Outcome) -> dict[str, str]:
    """The header that marks a replay."""
    return {"Idempotency-Replayed": "current" if done.current else "true"} if done.replayed else {}


def accepted(key: IdempotencyKey) -> Response[str]:
    """202: the write is queued, and its operation tells what becomes of it."""
    headers = {
        "Location": f"/operations/{quote(key.key, safe='')}",
        "Preference-Applied": "respond-async",
        "Retry-After": str(_POLL_SECONDS),
    }
    return Response(HTTPStatus.ACCEPTED, content_type=JSON, headers=headers, body=dumps({"status": "pending"}))


def operation(found: Operation) -> Response[str]:
    """What has become of an operation, without what does not apply to it."""
    headers = dict(NOT_STORED)
    body: dict[str, Any] = {"status": found.status}
    if found.status == "pending":
        headers["Retry-After"] = str(_POLL_SECONDS)
    if found.since is not None:
        body["since"] = datetime.fromtimestamp(found.since, UTC).isoformat().replace("+00:00", "Z")
    if found.reason is not None:
        body["reason"] = found.reason
    if (outcome := found.outcome) is not None:
        shown = {"etag": etag(outcome.version), "attributes": outcome.attributes}
        body |= {"created": outcome.created, **{name: value for name, value in shown.items() if value is not None}}
    return Response(HTTPStatus.OK, content_type=JSON, headers=headers, body=dumps(body))


def etag(version: str | None) -> str | None:
    """The version as an entity tag (RFC 9110, section 8.8.3)."""
    return None if version is None else f'"{version}"'


def _etag(version: str | None) -> dict[str, str]:
    tag = etag(version)
    return {} if tag is None else {"ETag": tag}

"""Items with their ETag, and what became of a write."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from surewrite import Outcome
from surewrite.model.json import dumps

JSON = "application/json"


def item(
    attributes: Mapping[str, Any],
    version: str | None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    """The attributes as JSON."""
    return Response(status, content_type=JSON, headers={**(headers or {}), **_etag(version)}, body=dumps(attributes))


def not_modified(version: str) -> Response[str]:
    return Response(HTTPStatus.NOT_MODIFIED, headers=_etag(version), body="")


def outcome(done: Outcome, *, shown: bool, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    """What became of a write. `shown` says that the client asked to see attributes: then there is a body, if empty."""
    replayed = {"Idempotency-Replayed": "current" if done.current else "true"} if done.replayed else {}
    if not shown:
        return Response(HTTPStatus.NO_CONTENT, headers=replayed, body="")
    return item(done.attributes or {}, done.version, status=status, headers=replayed)


def _etag(version: str | None) -> dict[str, str]:
    return {} if version is None else {"ETag": f'"{version}"'}

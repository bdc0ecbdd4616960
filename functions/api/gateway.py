"""What API Gateway hands over, brought into one form, and what a request's headers say."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import Response
from boto3.dynamodb.conditions import Attr, ConditionBase

from surewrite.commit.ledger import IdempotencyKey
from surewrite.errors import InvalidKey, InvalidRequest, Problem
from surewrite.model.item import Item

Event = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
# curl's -d says so where nobody says otherwise
_CURL_DEFAULT = "application/x-www-form-urlencoded"
_PARAMETERS = ("collection", "partition", "sort", "attribute")


class UnsupportedMediaType(Exception):
    """The body is not JSON."""


def normalized(event: Event) -> Event:
    """The same event with a path of percent-encoded segments and a plain JSON body.

    HTTP APIs decode `rawPath`, which loses the difference between a slash and `%2F`, but decode each path parameter by
    itself: so the parameters are taken where the route has them, else the path is decoded once.
    """
    context = event["requestContext"]
    stage = context.get("stage", "$default")
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if event.get("body") and media_type not in ("", "application/json", MERGE_PATCH, _CURL_DEFAULT):
        raise UnsupportedMediaType
    return {
        **event,
        "rawPath": "/" + "/".join(quote(segment, safe="") for segment in _segments(event, stage)),
        "rawQueryString": event.get("rawQueryString", ""),
        "headers": {**headers, "content-type": "application/json", "x-media-type": media_type},
        "requestContext": {**context, "stage": "$default"},
        "body": _body(event),
        "isBase64Encoded": False,
    }


def _segments(event: Event, stage: str) -> list[str]:
    parameters = event.get("pathParameters") or {}
    if "collection" in parameters and parameters.keys() <= set(_PARAMETERS):
        segments = [parameters[name] for name in _PARAMETERS[:3] if name in parameters]
        return [*segments, "counters", parameters["attribute"]] if "attribute" in parameters else segments
    path: str = event.get("rawPath") or "/"
    if stage != "$default" and path.startswith(f"/{stage}/"):
        path = path[len(stage) + 1 :]
    return [unquote(segment) for segment in path.split("/")[1:]]


def _body(event: Event) -> str:
    """The text of the body; an empty object where a request may come without one."""
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body).decode()
        except ValueError:
            raise InvalidRequest(Problem((), "the body is not UTF-8 text")) from None
    if not body.strip() and event["requestContext"]["http"]["method"].upper() in ("POST", "DELETE"):
        return "{}"
    return body


def is_merge_patch(headers: Mapping[str, str]) -> bool:
    return headers.get("x-media-type") == MERGE_PATCH


def caller(event: Mapping[str, Any]) -> str:
    """Whose idempotency keys these are: the JWT's subject, the IAM user's ARN, the authorizer's principal."""
    authorizer = event["requestContext"].get("authorizer") or {}
    subject = ((authorizer.get("jwt") or {}).get("claims") or {}).get("sub")
    arn = (authorizer.get("iam") or {}).get("userArn")
    principal = (authorizer.get("lambda") or {}).get("principalId")
    if subject:
        return f"jwt:{subject}"
    return f"iam:{arn}" if arn else f"principal:{principal}" if principal else "anonymous"


def idempotency_key(event: Mapping[str, Any], headers: Mapping[str, str]) -> IdempotencyKey | None:
    """The `Idempotency-Key` header: 1 to 255 printable characters, quoted as the draft's string or plain."""
    if (value := headers.get("idempotency-key")) is None:
        return None
    quoted = re.fullmatch(r'"((?:[^"\\]|\\["\\])*)"', value.strip())
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value.strip()
    if not (key.isascii() and key.isprintable()):
        raise InvalidKey(Problem(("Idempotency-Key",), "1 to 255 printable ASCII characters are needed"))
    try:
        return IdempotencyKey(caller(event), key)
    except InvalidKey as error:
        raise InvalidKey(Problem(("Idempotency-Key",), error.problems[0].reason)) from None


def preconditions(model: type[Item], headers: Mapping[str, str]) -> dict[str, Any]:
    """`If-Match` and `If-None-Match` as options of a `Write`, besides `exists`, a condition."""
    options: dict[str, Any] = {}
    if (tag := headers.get("if-none-match")) is not None:
        if tag.strip() != "*":
            raise InvalidRequest(Problem(("If-None-Match",), "a write knows only *"))
        options["absent"] = True
    if (tag := headers.get("if-match")) is not None and tag.strip() != "*":
        options["version"] = _version(tag)
    return options


def must_exist(model: type[Item], headers: Mapping[str, str]) -> ConditionBase | None:
    """What `If-Match: *` demands."""
    return Attr(model.schema_.partition.name).exists() if headers.get("if-match", "").strip() == "*" else None


def _version(tag: str) -> str:
    match = re.fullmatch(r'\s*"([^"]*)"\s*', tag)
    if match is None:
        raise InvalidRequest(Problem(("If-Match",), 'one strong entity tag is needed, as in "abc", or *'))
    return match[1]


def has_version(headers: Mapping[str, str], version: str) -> bool:
    """Whether `If-None-Match` of a read names this version."""
    tags = headers.get("if-none-match", "")
    return tags.strip() == "*" or f'"{version}"' in tags


def prefers_minimal(headers: Mapping[str, str]) -> bool:
    """`Prefer: return=minimal` (RFC 7240)."""
    return re.search(r"(^|[,;\s])return\s*=\s*\"?minimal\b", headers.get("prefer", "")) is not None


def raw(response: Response[str]) -> dict[str, Any]:
    """A response that was made before the event could be routed."""
    headers = {"Content-Type": response.content_type, **response.headers}
    return {
        "statusCode": int(response.status_code),
        "headers": headers,
        "body": response.body,
        "isBase64Encoded": False,
    }

"""What API Gateway does between HTTP and Lambda: HTTP APIs, payload format 2.0. Pure: no sockets here.

Our own, because `sam local start-api` needs Docker, decodes keys otherwise than AWS does, and has no queues.
"""

import base64
import json
import secrets
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.datastructures import Headers

from local.aws import ACCOUNT
from local.template import DEFAULT_ROUTE, Route

MAX_BODY = 10 * 1024 * 1024

# Measured on AWS by ministack's authors (their pull request 766): a body of any other type, and of none,
# arrives base64-encoded, a form and `application/merge-patch+json` included.
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")

# The connection is the server's, whatever a function says of it.
_CONNECTION_HEADERS = ("connection", "content-length", "transfer-encoding")


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came: `target` is undecoded, with its query string."""

    method: str
    target: str
    headers: Headers
    body: bytes
    protocol: str = "HTTP/1.1"
    source_ip: str = "127.0.0.1"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Match:
    route: Route
    parameters: dict[str, str]


class BadRequestError(ValueError):
    """A request that API Gateway refuses itself."""


def match(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """The most specific route: a static segment before a variable before a greedy one, a method before ANY.

    The path is split before it is decoded, so `%2F` stays inside its segment.
    """
    segments = [_decode(segment) for segment in path.split("/")]
    candidates = []
    for route in routes:
        if route.path == DEFAULT_ROUTE or route.method not in (method, "ANY"):
            continue
        found = _match_segments(route.path.split("/"), segments)
        if found is not None:
            ranks, parameters = found
            candidates.append(((ranks, route.method == "ANY"), Match(route, parameters)))
    if candidates:
        return min(candidates, key=lambda candidate: candidate[0])[1]
    return next((Match(route, {}) for route in routes if route.path == DEFAULT_ROUTE), None)


def _match_segments(pattern: list[str], segments: list[str]) -> tuple[list[int], dict[str, str]] | None:
    """The rank of every segment (0 static, 1 variable, 2 greedy) and the parameters, or None."""
    ranks: list[int] = []
    parameters: dict[str, str] = {}
    for position, expected in enumerate(pattern):
        rest = segments[position:]
        if not rest or (expected.startswith("{") and not rest[0]):
            return None
        if expected.startswith("{") and expected.endswith("+}"):
            return [*ranks, 2], parameters | {expected[1:-2]: "/".join(rest)}
        if expected.startswith("{"):
            ranks.append(1)
            parameters[expected[1:-1]] = rest[0]
        elif expected == rest[0]:
            ranks.append(0)
        else:
            return None
    return (ranks, parameters) if len(pattern) == len(segments) else None


def event(request: Request, matched: Match) -> dict[str, Any]:
    """The event that the function gets. Raises BadRequestError."""
    body, is_base64 = _encode_body(request)
    now = time.time()
    user_agent = request.headers.get("user-agent")
    host = request.headers.get("host", "localhost")
    result: dict[str, Any] = {
        "version": "2.0",
        "routeKey": matched.route.key,
        # API Gateway decodes the path once here, and every parameter by itself.
        "rawPath": _decode(request.path),
        "rawQueryString": request.query,
        "headers": _headers(request, host),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": _decode(request.path),
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": user_agent or "",
            },
            "requestId": base64.b64encode(uuid.uuid4().bytes[:11]).decode(),
            "routeKey": matched.route.key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": is_base64,
    }
    optional = {
        "cookies": [cookie for line in request.headers.getlist("cookie") for cookie in line.split("; ")],
        "queryStringParameters": _join(parse_qsl(request.query, keep_blank_values=True)),
        "pathParameters": matched.parameters,
        "body": body,
    }
    return result | {name: value for name, value in optional.items() if value}


def response(answer: Any) -> Response:
    """The HTTP response for what a function returned. Raises ValueError when API Gateway would not take it."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Response(200, [("content-type", "application/json")], json.dumps(answer).encode())
    body = answer.get("body") or ""
    text = body if isinstance(body, str) else json.dumps(body)
    content = base64.b64decode(text, validate=True) if answer.get("isBase64Encoded") else text.encode()
    headers = [
        (str(name), _header_value(value))
        for name, value in (answer.get("headers") or {}).items()
        if str(name).lower() not in _CONNECTION_HEADERS
    ]
    if "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    # multiValueHeaders belong to format 1.0: API Gateway ignores them here, and so does this.
    headers += [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    return Response(int(answer["statusCode"]), headers, content)


def _encode_body(request: Request) -> tuple[str, bool]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not request.body:
        return "", False
    if content_type.startswith("text/") or content_type in _TEXT_TYPES:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def _headers(request: Request, host: str) -> dict[str, str]:
    sent = [(name.lower(), value) for name, value in request.headers.items() if name.lower() != "cookie"]
    return _join(sent) | {
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        "x-forwarded-for": request.source_ip,
        "x-forwarded-port": host.rpartition(":")[2] if ":" in host else "80",
        "x-forwarded-proto": "http",
    }


def _join(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Duplicates joined by commas, in the order in which they came."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _decode(text: str) -> str:
    try:
        return unquote(text.encode("latin-1"), errors="strict")
    except UnicodeError as error:
        raise BadRequestError("the path is not UTF-8") from error


def _header_value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("a header with a line break")
    text.encode("latin-1")
    return text

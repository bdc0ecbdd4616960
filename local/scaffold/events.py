"""Requests as events in files, as AWS hands them to the functions: `events/seats/put.json`."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers

from local import gateway
from local.scaffold.requests import NOW, Request, Requests
from local.template import Route, TemplateError

_ACCOUNT = "123456789012"
_API = "a1b2c3d4e5"
_HOST = f"{_API}.execute-api.us-east-1.amazonaws.com"
_SENT = NOW * 1000


def files(folder: Path, collection: str, requests: Requests, routes: Iterable[Route]) -> dict[Path, str]:
    """The files of a collection in the folder of all events, and what belongs into them."""
    made = {request.name: api_event(request, routes) for request in requests.api}
    made["message"] = worker_event(requests.message)
    own = folder / quote(collection, safe="")
    return {own / f"{name}.json": _text(event) for name, event in made.items()}


def api_event(request: Request, routes: Iterable[Route]) -> dict[str, Any]:
    """The event of an HTTP API's request (payload format 2.0)."""
    body = b"" if request.body is None else json.dumps(request.body, ensure_ascii=False).encode()
    headers = {"accept": "*/*", "host": _HOST, "user-agent": "curl/8.14.1"}
    if body:
        headers |= {"content-length": str(len(body)), "content-type": "application/json"}
    if request.key is not None:
        headers["idempotency-key"] = request.key
    sent = gateway.Request(request.method, request.target, Headers(headers), body, source_ip="203.0.113.10")
    matched = gateway.match(routes, sent.method, sent.path)
    if matched is None:
        raise TemplateError(f"the template has no route for {sent.method} {sent.path}")
    return _settled(gateway.event(sent, matched), f"{request.method} {request.target}")


def _settled(event: dict[str, Any], name: str) -> dict[str, Any]:
    """The event without what is another each time, and with what only AWS knows."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    event["headers"] |= {
        "x-amzn-trace-id": f"Root=1-{NOW:08x}-{digest[:24]}",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    event["headers"] = dict(sorted(event["headers"].items()))
    event["requestContext"] |= {
        "accountId": _ACCOUNT,
        "apiId": _API,
        "requestId": f"{digest[:15]}=",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": _SENT,
    }
    return event


def worker_event(message: Mapping[str, Any]) -> dict[str, Any]:
    """A batch of one message of the writes queue."""
    body = json.dumps(message, ensure_ascii=False)
    digest = hashlib.sha256(body.encode()).hexdigest()
    record = {
        "messageId": "-".join((digest[:8], digest[8:12], f"4{digest[13:16]}", f"8{digest[17:20]}", digest[20:32])),
        "receiptHandle": digest,
        "body": body,
        "attributes": {
            "ApproximateFirstReceiveTimestamp": str(_SENT + 5),
            "ApproximateReceiveCount": "1",
            "SenderId": "AIDACKCEVSQ6C2EXAMPLE",
            "SentTimestamp": str(_SENT),
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:{_ACCOUNT}:surewrite-WritesQueue-EXAMPLE12345",
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}


def _text(event: Mapping[str, Any]) -> str:
    return json.dumps(event, indent=2, ensure_ascii=False) + "\n"

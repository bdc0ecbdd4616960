"""An event of another kind is one clear line in the log, and a 500: it is the set-up that is wrong, not the client."""

from typing import Any

import pytest

from tests.acceptance.harness import RAINMAKER, Api, Store

_GONE = object()


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("version", "1.0", "version: Input should be '2.0'"),
        ("version", _GONE, "version: Field required"),
        ("requestContext", _GONE, "requestContext: Field required"),
        ("requestContext.http", _GONE, "requestContext.http: Field required"),
        ("requestContext.http.method", None, "requestContext.http.method: Input should be a valid string"),
        ("requestContext.authorizer", "alice", "requestContext.authorizer: Input should be a valid dictionary"),
        ("rawPath", _GONE, "rawPath: Field required"),
        ("routeKey", 5, "routeKey: Input should be a valid string"),
        ("pathParameters", ["books"], "pathParameters: Input should be a valid dictionary"),
        ("headers", "none", "headers: Input should be a valid dictionary"),
        ("body", {"add": {"Views": 1}}, "body: Input should be a valid string"),
        ("body", _GONE, "isBase64Encoded is true, but there is no body"),
    ],
)
def test_what_is_wrong_is_named(
    rainmaker: Api, store: Store, caplog: pytest.LogCaptureFixture, path: str, value: Any, reason: str
) -> None:
    before = store.tables()
    event = rainmaker.event("POST", f"{RAINMAKER}/counters/Views", "{}", content_type="application/octet-stream")
    assert event["isBase64Encoded"]
    *parents, name = path.split(".")
    holder = event
    for parent in parents:
        holder = holder[parent]
    holder[name] = value
    if value is _GONE:
        del holder[name]
    caplog.clear()
    assert rainmaker.invoke(event).status == 500
    [failed] = caplog.records
    assert failed.__dict__["reason"] == f"no event of an HTTP API with payload format 2.0: {reason}"
    assert store.tables() == before


@pytest.mark.parametrize("event", [{}, {"Records": []}, [], "text", None])
def test_no_event_of_an_api_at_all(api: Api, event: Any) -> None:
    assert api.invoke(event).status == 500

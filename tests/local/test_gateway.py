import base64
from typing import Any

import pytest
from starlette.datastructures import Headers

from local import gateway
from local.gateway import BadRequestError, Match, Request
from local.template import Route

ROUTES = [
    Route("ANY", "$default", "F"),
    Route("ANY", "/{collection}/{partition}", "F"),
    Route("ANY", "/{collection}/{partition}/{sort}", "F"),
    Route("POST", "/{collection}/{partition}/counters/{attribute}", "F"),
    Route("GET", "/{collection}", "F"),
    Route("GET", "/books/{id}", "F"),
    Route("GET", "/files/{path+}", "F"),
]


def request(target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Request:
    raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    return Request(method, target, Headers(raw=raw), body)


def event(sent: Request) -> dict[str, Any]:
    matched = gateway.match(ROUTES, sent.method, sent.path)
    assert matched is not None
    return gateway.event(sent, matched)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/books", "GET /{collection}", {"collection": "books"}),
        ("POST", "/books", "$default", {}),
        ("GET", "/books/1", "GET /books/{id}", {"id": "1"}),
        ("PUT", "/books/1", "ANY /{collection}/{partition}", {"collection": "books", "partition": "1"}),
        ("GET", "/a/b%2Fc", "ANY /{collection}/{partition}", {"collection": "a", "partition": "b/c"}),
        ("GET", "/a/100%2525", "ANY /{collection}/{partition}", {"collection": "a", "partition": "100%25"}),
        ("GET", "/a/b/", "$default", {}),
        ("GET", "/", "$default", {}),
        ("GET", "/files/a/b", "GET /files/{path+}", {"path": "a/b"}),
        (
            "POST",
            "/a/b/counters/Views",
            "POST /{collection}/{partition}/counters/{attribute}",
            {"collection": "a", "partition": "b", "attribute": "Views"},
        ),
    ],
)
def test_the_most_specific_route_is_taken(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    matched = gateway.match(ROUTES, method, path)
    assert matched is not None
    assert (matched.route.key, matched.parameters) == (key, parameters)


def test_without_a_default_nothing_matches() -> None:
    assert gateway.match(ROUTES[1:], "POST", "/books") is None


def test_an_event_is_api_gateways() -> None:
    sent = request("/books/J%C3%B6rg/a%2Fb?x=1&x=2&y=%20z&e=", Host="h:81", X_A="1", x_a="2", Cookie="c=1; d=2")
    result = event(sent)
    assert result["version"] == "2.0"
    assert result["routeKey"] == "ANY /{collection}/{partition}/{sort}"
    assert result["rawPath"] == "/books/Jörg/a/b"
    assert result["pathParameters"] == {"collection": "books", "partition": "Jörg", "sort": "a/b"}
    assert result["rawQueryString"] == "x=1&x=2&y=%20z&e="
    assert result["queryStringParameters"] == {"x": "1,2", "y": " z", "e": ""}
    assert result["cookies"] == ["c=1", "d=2"]
    assert result["headers"]["x-a"] == "1,2"
    assert result["headers"]["x-forwarded-port"] == "81"
    assert "cookie" not in result["headers"]
    assert "body" not in result
    assert result["requestContext"]["http"]["method"] == "GET"
    assert result["requestContext"]["stage"] == "$default"


def test_a_path_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(BadRequestError):
        gateway.match(ROUTES, "GET", "/books/%ff")


@pytest.mark.parametrize(
    ("content_type", "body", "is_base64"),
    [
        ("application/json", b'{"a":1}', False),
        ("application/json; charset=utf-8", "ö".encode(), False),
        ("text/plain", b"a", False),
        ("text/plain", b"\xff", True),
        ("application/merge-patch+json", b"{}", True),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("", b"{}", True),
    ],
)
def test_a_body_is_text_for_few_types(content_type: str, body: bytes, is_base64: bool) -> None:
    result = event(request("/a/b", "PUT", body, Content_Type=content_type))
    assert result["isBase64Encoded"] is is_base64
    assert result["body"] == (base64.b64encode(body).decode() if is_base64 else body.decode())


def test_a_response_object() -> None:
    answer = {
        "statusCode": 201,
        "headers": {"ETag": '"1"', "Content-Type": "application/json", "Content-Length": 99, "X-Flag": True},
        "cookies": ["a=1", "b=2"],
        "body": "aGk=",
        "isBase64Encoded": True,
    }
    response = gateway.response(answer)
    assert (response.status, response.body) == (201, b"hi")
    assert response.headers == [
        ("ETag", '"1"'),
        ("Content-Type", "application/json"),
        ("X-Flag", "true"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


def test_an_answer_without_a_status_is_the_body() -> None:
    response = gateway.response({"a": 1})
    assert (response.status, response.body) == (200, b'{"a": 1}')


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "x"},
        {"statusCode": 200, "headers": {"a": "b\r\nc"}},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
    ],
)
def test_what_api_gateway_would_not_take(answer: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them becomes a 500
        gateway.response(answer)


def test_a_default_route_has_no_parameters() -> None:
    assert Match(ROUTES[0], {}).route.key == "$default"

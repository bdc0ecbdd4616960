import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local.engines import EngineError
from local.gateway import MAX_BODY
from local.http import PortError, Server
from local.template import Route

CALLS: list[str] = []


def _echo(event: dict[str, Any]) -> Any:
    CALLS.append(event["rawPath"])
    if event["rawPath"] == "/crash":
        raise RuntimeError("as told")
    if event["rawPath"] == "/empty":
        return {"statusCode": 204}
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": event.get("body", "")}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(0) as server:
        server.functions = {"Echo": _echo}
        server.routes = [Route("ANY", "/{name}", "Echo")]
        server.resources = {"sqs": {}}
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    yield connection
    connection.close()


def ask(connection: http.client.HTTPConnection, method: str, path: str, **more: Any) -> tuple[int, bytes]:
    connection.request(method, path, **more)
    answer = connection.getresponse()
    return answer.status, answer.read()


JSON = {"content-type": "application/json"}


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "PUT", "/a", body=b"one", headers=JSON) == (200, b"one")
    first = connection.sock
    assert ask(connection, "GET", "/empty") == (204, b"")
    assert ask(connection, "HEAD", "/a") == (200, b"")
    assert ask(connection, "OPTIONS", "/a") == (200, b"")
    assert ask(connection, "POST", "/a", body=iter([b"two", b"three"]), headers=JSON) == (200, b"twothree")
    assert ask(connection, "GET", "/nowhere/at/all") == (404, b'{"message": "Not Found"}')
    assert ask(connection, "GET", "/%ff") == (400, b'{"message": "Bad Request"}')
    assert ask(connection, "GET", "/_local/resources") == (200, b'{"sqs": {}}')
    assert connection.sock is first


def test_a_crash_is_an_internal_server_error(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "GET", "/crash") == (500, b'{"message": "Internal Server Error"}')


def test_a_body_above_ten_megabytes_is_refused(connection: http.client.HTTPConnection) -> None:
    connection.putrequest("PUT", "/a")
    connection.putheader("content-length", str(MAX_BODY + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413


@pytest.mark.parametrize("length", ["x", "-1"])
def test_a_length_that_is_none_is_refused(connection: http.client.HTTPConnection, length: str) -> None:
    connection.putrequest("PUT", "/a")
    connection.putheader("content-length", length)
    connection.endheaders()
    assert connection.getresponse().status == 400


@pytest.mark.parametrize(
    "request_",
    [
        b"DELETE /truncated HTTP/1.1\r\nhost: a\r\ncontent-length: 40\r\n\r\n",
        b'DELETE /truncated HTTP/1.1\r\nhost: a\r\ncontent-length: 40\r\n\r\n{"when":',
        b'POST /truncated HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"by"',
        b"POST /truncated HTTP/1.1\r\nhost: a\r\ncontent-le",
    ],
)
def test_a_request_that_breaks_off_does_nothing(server: Server, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(request_)
        client.shutdown(socket.SHUT_WR)
        while client.recv(1024):
            pass
    assert "/truncated" not in CALLS


def test_a_chunked_body_above_ten_megabytes_is_refused(connection: http.client.HTTPConnection) -> None:
    chunks = (b"x" * 1024 * 1024 for _ in range(11))
    connection.request("PUT", "/large", body=chunks)
    assert connection.getresponse().status == 413
    assert "/large" not in CALLS


def test_a_failure_ends_the_server() -> None:
    with Server(0) as server:
        server.fail(EngineError("as told"))
        with pytest.raises(EngineError, match="as told"):
            server.serve_forever()


def test_a_port_in_use_is_one_clear_line(server: Server) -> None:
    port = server.port
    with pytest.raises(PortError, match=f"port {port} cannot be used"):
        Server(port)

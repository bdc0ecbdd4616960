"""The HTTP side: a loopback server in front of the template's routes."""

import json
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local import gateway
from local.template import Route

RESOURCES_PATH = "/_local/resources"


class PortError(RuntimeError):
    """A port that cannot be listened on; the message is one line."""


class Server(ThreadingHTTPServer):
    """Listens as soon as it is made; requests wait until `serve_forever`."""

    daemon_threads = True
    request_queue_size = 128

    routes: Sequence[Route] = ()
    functions: Mapping[str, Callable[[dict[str, Any]], Any]] = {}
    resources: Mapping[str, Any] = {}

    def __init__(self, port: int) -> None:
        """Raises PortError."""
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise PortError(f"port {port} cannot be used ({reason}): choose another one with PORT=…") from error

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, request: gateway.Request) -> gateway.Response:
        """The response to one request, whatever happens."""
        if request.path == RESOURCES_PATH:
            return gateway.Response(200, [("content-type", "application/json")], json.dumps(self.resources).encode())
        try:
            matched = gateway.match(self.routes, request.method, request.path)
            if matched is None:
                return gateway.message(404, "Not Found")
            event = gateway.event(request, matched)
        except gateway.BadRequestError:
            return gateway.message(400, "Bad Request")
        try:
            return gateway.response(self.functions[matched.route.function](event))
        except Exception:
            traceback.print_exc()
            return gateway.message(500, "Internal Server Error")

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up is no news.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server

    protocol_version = "HTTP/1.1"
    error_content_type = "application/json"
    error_message_format = '{"message": "%(message)s"}'
    disable_nagle_algorithm = True
    # One write for headers and body: two of them would wait for each other's acknowledgement.
    wbufsize = -1

    def _handle(self) -> None:
        started = time.monotonic()
        try:
            body = self._read_body()
        except _TooLargeError:
            self.close_connection = True
            response = gateway.message(413, "Request Entity Too Large")
        except ValueError:
            self.close_connection = True
            response = gateway.message(400, "Bad Request")
        else:
            request = gateway.Request(self.command, self.path, self.headers, body, self.request_version)
            response = self.server.answer(request)
        self._send(response)
        path = ascii(self.path.partition("?")[0])[1:-1]
        milliseconds = (time.monotonic() - started) * 1000
        print(f"{self.command} {path} {response.status} {milliseconds:.0f} ms", file=sys.stderr, flush=True)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815

    def _read_body(self) -> bytes:
        """Raises ValueError for a length that is none, _TooLargeError above API Gateway's 10 MB."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._read_chunks()
        length = int(self.headers.get("content-length", "0"))
        if length < 0:
            raise ValueError(length)
        if length > gateway.MAX_BODY:
            raise _TooLargeError
        return self.rfile.read(length)

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if size < 0 or len(body) + size > gateway.MAX_BODY:
                raise _TooLargeError
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def _send(self, response: gateway.Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        has_body = response.status >= 200 and response.status not in (204, 304)
        if has_body:
            self.send_header("content-length", str(len(response.body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(response.body)

    def version_string(self) -> str:
        """The Server header."""
        return "surewrite-local"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the access line is written once the answer is sent."""


class _TooLargeError(ValueError):
    pass

"""The HTTP side: uvicorn on the loopback, in front of the template's routes."""

import json
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local import gateway
from local.template import Route

RESOURCES_PATH = "/_local/resources"

_SERVER_NAME = "surewrite-local"
# how long requests under way may take once the server is to end
_GRACE_SECONDS = 2


class PortError(RuntimeError):
    """A port that cannot be listened on; the message is one line."""


class Server:
    """Listens as soon as it is made; requests wait until `serve_forever`."""

    routes: Sequence[Route] = ()
    functions: Mapping[str, Callable[[dict[str, Any]], Any]] = {}
    resources: Mapping[str, Any] = {}

    def __init__(self, port: int) -> None:
        """Raises PortError."""
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
            self._socket.listen(128)
        except (OSError, OverflowError) as error:
            self._socket.close()
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise PortError(f"port {port} cannot be used ({reason}): choose another one with PORT=…") from error
        self._failure: Exception | None = None
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                self.application,
                interface="asgi3",
                lifespan="off",
                proxy_headers=False,
                log_config=None,
                access_log=False,
                server_header=False,
                headers=[("server", _SERVER_NAME)],
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve_forever(self) -> None:
        """Until a signal, `stop` or `fail`; the failure is raised."""
        self._uvicorn.run(sockets=[self._socket])
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ends `serve_forever`, from any thread."""
        self._uvicorn.should_exit = True

    def fail(self, failure: Exception) -> None:
        """Ends `serve_forever` with this error, from any thread."""
        self._failure = self._failure or failure
        self.stop()

    def answer(self, request: gateway.Request) -> Response:
        """The response to one request, whatever happens."""
        if request.path == RESOURCES_PATH:
            return Response(json.dumps(self.resources), media_type="application/json")
        try:
            matched = gateway.match(self.routes, request.method, request.path)
            if matched is None:
                return _message(404, "Not Found")
            event = gateway.event(request, matched)
        except gateway.BadRequestError:
            return _message(400, "Bad Request")
        try:
            answered = gateway.response(self.functions[matched.route.function](event))
        except Exception:
            traceback.print_exc()
            return _message(500, "Internal Server Error")
        response = Response(answered.body, answered.status)
        for name, value in answered.headers:
            response.headers.append(name, value)
        return response

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        request = Request(scope, receive)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return  # a request that did not arrive whole asks for nothing
        if body is None:
            response = _message(413, "Request Entity Too Large")
        else:
            response = await run_in_threadpool(self.answer, _request(scope, request, body))
        await response(scope, receive, send)
        path = ascii(scope["raw_path"].decode("latin-1"))[1:-1]
        milliseconds = (time.monotonic() - started) * 1000
        line = f"{request.method} {path} {response.status_code} {milliseconds:.0f} ms"
        print(line, file=sys.stderr, flush=True)


async def _body(request: Request) -> bytes | None:
    """The body, None above API Gateway's 10 MB. Raises ClientDisconnect where it breaks off."""
    if int(request.headers.get("content-length", "0")) > gateway.MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > gateway.MAX_BODY:
            return None
    return bytes(body)


def _request(scope: Scope, request: Request, body: bytes) -> gateway.Request:
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    target = f"{path}?{query}" if query else path
    return gateway.Request(request.method, target, request.headers, body, f"HTTP/{scope['http_version']}")


def _message(status: int, text: str) -> Response:
    """What API Gateway itself says."""
    return Response(json.dumps({"message": text}), status, media_type="application/json")

"""Real-world latencies in front of an engine: each request waits as long as DynamoDB would take, then passes.

    python -m benchmarks.proxy http://127.0.0.1:8000

Says its URL on stdout as JSON; `true` on stdin switches the latencies on, `false` off. Ends with its stdin. A thread
for each connection: sleeping threads cost nothing, and time.sleep is exact where an event loop rounds to milliseconds.
"""

import json
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from urllib.parse import urlsplit

from benchmarks import process

SINGLE = 0.0076
"""Seconds of a single read or write, batches included."""

TRANSACTION, ACTION = 0.024, 0.00035
"""Seconds of a transaction, and of each of its actions on top."""


def latency(head: bytes, body: bytes) -> float:
    """Seconds that DynamoDB takes for a request. Every action of a transaction names its table once."""
    if b"DynamoDB_20120810.Transact" not in head:
        return SINGLE
    return TRANSACTION + ACTION * body.count(b'"TableName"')


class Server(socketserver.ThreadingTCPServer):
    """Passes requests on to `engine`, a host and a port; they wait while `slow` is set."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, engine: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.engine, self.slow = engine, threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that ends is no news."""


class _Connection(socketserver.StreamRequestHandler):
    """One client's connection, and one of its own to the engine."""

    server: Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with socket.create_connection(self.server.engine) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with upstream.makefile("rb") as answers:
                while request := _message(self.rfile):
                    if self.server.slow.is_set():
                        time.sleep(latency(*request))
                    upstream.sendall(b"".join(request))
                    answer = _message(answers)
                    if answer is None:
                        return
                    self.request.sendall(b"".join(answer))


def _message(stream: BufferedIOBase) -> tuple[bytes, bytes] | None:
    """Head and body of the next HTTP message, None at the end."""
    lines, length = [], 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
        name, _, value = line.partition(b":")
        match name.lower():
            case b"content-length":
                length = int(value)
            case b"transfer-encoding":
                raise ValueError("chunked bodies do not pass")
    if not line:
        return None
    return b"".join([*lines, line]), stream.read(length)


@contextmanager
def running(engine: str) -> Iterator[tuple[str, process.Process]]:
    """The proxy's URL, and its process, to be asked `True` and `False`."""
    with process.running("benchmarks.proxy", engine) as proxy:
        yield proxy.hear(), proxy


def main() -> None:
    url = urlsplit(sys.argv[1])
    with Server((url.hostname or "", url.port or 80)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(json.dumps(server.url), flush=True)
        for line in sys.stdin:
            slow = json.loads(line)
            server.slow.set() if slow else server.slow.clear()
            print(json.dumps(slow), flush=True)


if __name__ == "__main__":
    main()

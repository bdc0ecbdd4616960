"""An endpoint of 127.0.0.1 at another address of this machine, for containers: they do not reach the first one."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 65_536


@contextmanager
def relay(endpoint: str, address: str) -> Iterator[str]:
    """A URL at `address` that leads to `endpoint` while the block runs. OSError if this machine has no such address."""
    parts = urlsplit(endpoint)
    with _Relay((address, 0), (parts.hostname or "", parts.port or 80)) as server:
        threading.Thread(target=server.serve_forever, name=f"relay {endpoint}", daemon=True).start()
        try:
            yield f"http://{address}:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Relay(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], target: tuple[str, int]) -> None:
        self.target = target
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Relay)
        with suppress(OSError), socket.create_connection(self.server.target) as target:
            back = threading.Thread(target=_copy, args=(target, self.request), daemon=True)
            back.start()
            _copy(self.request, target)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the source ends, which the target is told."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)

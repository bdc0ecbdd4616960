"""Transports around another one: they keep the library's calls, or let something happen before each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..commit.transport import Transport


class RecordingTransport:
    """Keeps every call: `calls` holds operations and requests, in the order in which they were sent."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        self.calls.append((operation, request))
        return self.inner(operation, request)

    @property
    def operations(self) -> list[str]:
        """The names of the operations, one for each round trip."""
        return [operation for operation, _ in self.calls]


class InterceptingTransport:
    """Calls `before` with each operation and request, then passes the call on; what `before` raises ends the call.

    So another client may win a race between two calls, and one call may be refused.
    """

    def __init__(self, inner: Transport, before: Callable[[str, Mapping[str, Any]], object]) -> None:
        self.inner, self.before = inner, before

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        self.before(operation, request)
        return self.inner(operation, request)

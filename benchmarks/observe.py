"""What a process asks of DynamoDB, seen through botocore's event hooks: the same for every contender."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.session

_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
_AT_MOST = "benchmark_write_units"


@dataclass
class Traffic:
    """Counts of all clients and threads since the last `take`.

    `round_trips` are HTTP requests, retries included; `write_units` what the answers say in ConsumedCapacity. An answer
    that is an error says nothing, though a refused write consumes as well: `refused_units` is the most it can be, for
    items of up to 1 KB.
    """

    round_trips: int = 0
    write_units: float = 0.0
    refused_units: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self) -> dict[str, float]:
        """The counts, which start again at zero."""
        with self._lock:
            counts = {
                "round_trips": self.round_trips,
                "write_units": self.write_units,
                "refused_units": self.refused_units,
            }
            self.round_trips, self.write_units, self.refused_units = 0, 0.0, 0.0
        return counts

    def watch(self, client: Any) -> None:
        events = client.meta.events
        events.register("provide-client-params.dynamodb", _asked)
        events.register("before-send.dynamodb", self._sent)
        events.register("after-call.dynamodb", self._answered)

    def _sent(self, **_: Any) -> None:
        with self._lock:
            self.round_trips += 1

    def _answered(
        self, http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        if http_response.status_code >= 300:
            with self._lock:
                self.refused_units += context[_AT_MOST]
        elif model.name in _WRITES:
            capacity = parsed.get("ConsumedCapacity") or []
            units = sum(table["CapacityUnits"] for table in (capacity if isinstance(capacity, list) else [capacity]))
            with self._lock:
                self.write_units += units


def _asked(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> dict[str, Any] | None:
    """Asks for the capacity, where it can be had, and notes what the request may consume."""
    context[_AT_MOST] = 2 * len(params.get("TransactItems", ())) or int(model.name in _WRITES)
    if "ReturnConsumedCapacity" not in model.input_shape.members:
        return None
    return {**params, "ReturnConsumedCapacity": "TOTAL"}


@contextmanager
def watching() -> Iterator[Traffic]:
    """Watches every client for DynamoDB that is made within the block, whoever makes it."""
    traffic = Traffic()
    create = botocore.session.Session.create_client

    def watched(session: Any, service_name: str, *arguments: Any, **options: Any) -> Any:
        client = create(session, service_name, *arguments, **options)
        if service_name == "dynamodb":
            traffic.watch(client)
        return client

    botocore.session.Session.create_client = watched  # type: ignore[assignment, method-assign]
    try:
        yield traffic
    finally:
        botocore.session.Session.create_client = create  # type: ignore[method-assign]

"""What a process asks of DynamoDB, seen through botocore's event hooks: the same for every contender."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import botocore.session

from benchmarks import prices

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
_CONFLICTS = {"TransactionConflict", "TransactionConflictException"}
_SENT = "benchmark_sent"


class Refusal(NamedTuple):
    """A write that was refused, and the JSON that was sent for it."""

    operation: str
    body: bytes


@dataclass
class Traffic:
    """Counts of all clients and threads since the last `take`.

    `round_trips` are HTTP requests, retries included; `write_units` what the responses say in ConsumedCapacity;
    `refused` how many responses are errors, and `conflicts` how many of them name a transaction that was in the way.
    """

    round_trips: int = 0
    write_units: float = 0.0
    refused: int = 0
    conflicts: int = 0
    _refusals: list[Refusal] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self) -> tuple[dict[str, float], Sequence[Refusal]]:
        """The counts, and the writes that were refused; all start again at zero."""
        names = ("round_trips", "write_units", "refused", "conflicts")
        with self._lock:
            counts = {name: getattr(self, name) for name in names}
            refusals, self._refusals = self._refusals, []
            for name in names:
                setattr(self, name, 0)
        return counts, refusals

    def watch(self, client: Any) -> None:
        events = client.meta.events
        events.register("provide-client-params.dynamodb", _asked)
        events.register_last("before-call.dynamodb", _keep)  # what is sent, whoever writes it
        events.register("before-send.dynamodb", self._sent)
        events.register("after-call.dynamodb", self._answered)

    def _sent(self, **_: Any) -> None:
        with self._lock:
            self.round_trips += 1

    def _answered(
        self, http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        if http_response.status_code >= 300:
            codes = {parsed["Error"]["Code"], *(one["Code"] for one in parsed.get("CancellationReasons", ()))}
            with self._lock:
                self.refused += 1
                self.conflicts += bool(codes & _CONFLICTS)
                if model.name in _WRITES:
                    self._refusals.append(Refusal(model.name, context[_SENT]))
        elif model.name in _WRITES:
            capacity = parsed.get("ConsumedCapacity") or []
            units = sum(table["CapacityUnits"] for table in (capacity if isinstance(capacity, list) else [capacity]))
            with self._lock:
                self.write_units += units


def _asked(params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any] | None:
    """Asks for the capacity, where it can be had."""
    if "ReturnConsumedCapacity" not in model.input_shape.members:
        return None
    return {**params, "ReturnConsumedCapacity": "TOTAL"}


def _keep(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_SENT] = params["body"]


def refused_units(refusals: Sequence[Refusal], client: "DynamoDBClient") -> int:
    """The most write units that refused writes can have consumed: the response does not say, and it depends on the item
    that was there. In a benchmark items only grow, so the item as it is now counts; one that is put has up to 1 KB.
    """

    @cache
    def units(table: str, key: str) -> int:
        found = client.get_item(TableName=table, Key=json.loads(key), ConsistentRead=True)
        return prices.write_units(prices.item_size(found.get("Item", {})))

    total = 0
    for operation, body in refusals:
        request = json.loads(body)
        transacted = operation == "TransactWriteItems"
        actions = [one for item in request["TransactItems"] for one in item.values()] if transacted else [request]
        for action in actions:
            found = units(action["TableName"], json.dumps(action["Key"])) if "Key" in action else 1
            total += found * (prices.TRANSACTED if transacted else 1)
    return total


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

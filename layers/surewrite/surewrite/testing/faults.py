"""A transport that breaks the library's calls, as networks, processes and DynamoDB do.

Failures are the exceptions that botocore raises, so that what the library makes of them is part of the test.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from ..commit.transport import Transport


class Crash(BaseException):
    """The process dies here: nothing may catch it but the test."""


_ITEM_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_TRANSACTIONS = frozenset({"TransactWriteItems", "TransactGetItems"})
_BATCHES = frozenset({"BatchGetItem", "BatchWriteItem"})


class Fault(Enum):
    """What happens to one call. Nothing has been written, unless it says otherwise."""

    PASS = auto()
    """Nothing happens to it."""
    DELAY = auto()
    """It is carried out, but late."""
    THROTTLE = auto()
    SERVER_ERROR = auto()
    DROP_REQUEST = auto()
    """The connection breaks before DynamoDB has seen the request."""
    DROP_RESPONSE = auto()
    """It is carried out, but its response is lost."""
    CONFLICT = auto()
    """Another transaction is busy with the item; in a transaction, with the item of the last action."""
    CONFLICT_AT_FIRST = auto()
    """Another transaction is busy with the item of the first action."""
    IN_PROGRESS = auto()
    """The transaction of that token has not ended yet."""
    CANCELLED_BY_THROTTLE = auto()
    """The transaction is cancelled because its last action was throttled."""
    UNPROCESSED = auto()
    """A batch is carried out up to its half."""
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    """It is carried out, then the process dies."""

    def __repr__(self) -> str:
        return str(self)

    def fits(self, operation: str) -> bool:
        """Whether this can happen to such a call."""
        match self:
            case Fault.CONFLICT:
                return operation in _TRANSACTIONS | _ITEM_WRITES
            case Fault.CONFLICT_AT_FIRST | Fault.CANCELLED_BY_THROTTLE:
                return operation in _TRANSACTIONS
            case Fault.IN_PROGRESS:
                return operation == "TransactWriteItems"
            case Fault.UNPROCESSED:
                return operation in _BATCHES
        return True


class FaultPlan(Protocol):
    """Decides what happens to a call; the first one has the number 1."""

    def __call__(self, call: int, operation: str, /) -> Fault: ...


@dataclass(frozen=True)
class Exactly:
    """These faults at these calls, and no others. One that cannot happen to its call is an error of the test, or it
    passes where `if_fitting` is set."""

    faults: Mapping[int, Fault]
    if_fitting: bool = False

    def __call__(self, call: int, operation: str, /) -> Fault:
        fault = self.faults.get(call, Fault.PASS)
        return Fault.PASS if self.if_fitting and not fault.fits(operation) else fault


@dataclass(frozen=True)
class Randomly:
    """Faults drawn for the first `calls` calls, each with the probability `rate`; then everything passes.

    The same seed draws the same faults for the same operations.
    """

    seed: int
    rate: float = 0.5
    calls: int = 30
    kinds: Sequence[Fault] = tuple(fault for fault in Fault if fault is not Fault.PASS)

    def __call__(self, call: int, operation: str, /) -> Fault:
        # drawn for each call by itself, so that threads in another order meet the same faults
        chance = random.Random(f"{self.seed}/{call}")  # noqa: S311
        if call > self.calls or chance.random() >= self.rate:
            return Fault.PASS
        return chance.choice([fault for fault in self.kinds if fault.fits(operation)] or [Fault.PASS])

    def __repr__(self) -> str:
        return f"Randomly(seed={self.seed}, rate={self.rate}, calls={self.calls})"


class FaultTransport:
    """Breaks the calls of `inner` by plan. `injected` are the faults so far by the number of the call: given to
    `Exactly` they happen again. `sleep` and `delay` are for `Fault.DELAY`."""

    def __init__(
        self, inner: Transport, plan: FaultPlan, *, delay: float = 0.01, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.inner, self.plan = inner, plan
        self.calls = 0
        self.injected: dict[int, Fault] = {}
        self._delay, self._sleep, self._lock = delay, sleep, threading.Lock()

    def __repr__(self) -> str:
        return f"FaultTransport({self.plan}, injected={self.injected})"

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        with self._lock:
            self.calls += 1
            fault = self.plan(self.calls, operation)
            if fault is not Fault.PASS:
                if not fault.fits(operation):
                    raise ValueError(f"{fault} cannot happen to call {self.calls}, {operation}")
                self.injected[self.calls] = fault
        return self._carry_out(fault, operation, request)

    def _carry_out(self, fault: Fault, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        match fault:
            case Fault.DELAY:
                self._sleep(self._delay)
            case Fault.THROTTLE:
                raise client_error(operation, "ThrottlingException")
            case Fault.SERVER_ERROR:
                raise client_error(operation, "InternalServerError", status=500)
            case Fault.DROP_REQUEST:
                raise ConnectionClosedError(endpoint_url=_ENDPOINT)
            case Fault.CONFLICT if operation in _ITEM_WRITES:
                raise client_error(operation, "TransactionConflictException")
            case Fault.CONFLICT:
                raise cancellation(operation, *_others(request), "TransactionConflict")
            case Fault.CONFLICT_AT_FIRST:
                raise cancellation(operation, "TransactionConflict", *_others(request))
            case Fault.CANCELLED_BY_THROTTLE:
                raise cancellation(operation, *_others(request), "ThrottlingError")
            case Fault.IN_PROGRESS:
                raise client_error(operation, "TransactionInProgressException")
            case Fault.UNPROCESSED:
                return self._half(operation, request)
            case Fault.CRASH_BEFORE:
                raise Crash(operation)
        response = self.inner(operation, request)
        if fault is Fault.DROP_RESPONSE:
            raise ReadTimeoutError(endpoint_url=_ENDPOINT)
        if fault is Fault.CRASH_AFTER:
            raise Crash(operation)
        return response

    def _half(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The first half of a batch carried out, the rest left unprocessed."""
        entries = [(table, entry) for table, asked in request["RequestItems"].items() for entry in _entries(asked)]
        middle = len(entries) // 2
        done, left = _grouped(request, entries[:middle]), _grouped(request, entries[middle:])
        response = self.inner(operation, {**request, "RequestItems": done}) if done else {"Responses": {}}
        return {**response, "UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems": left}


_ENDPOINT = "https://dynamodb.us-east-1.amazonaws.com/"


def client_error(operation: str, code: str, *, status: int = 400, **fields: Any) -> ClientError:
    """The error of a response as botocore raises it; `fields` are what the response holds besides."""
    response: Any = {
        "Error": {"Code": code, "Message": "made by a test"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **fields,
    }
    return ClientError(response, operation)


def cancellation(operation: str, *reasons: str | Mapping[str, Any]) -> ClientError:
    """A cancelled transaction with a reason for each action: a code ("None" for no reason), or the whole of it."""
    whole = [{"Code": reason} if isinstance(reason, str) else reason for reason in reasons]
    return client_error(operation, "TransactionCanceledException", CancellationReasons=whole)


def _others(request: Mapping[str, Any]) -> list[str]:
    return ["None"] * (len(request["TransactItems"]) - 1)


def _entries(asked: Any) -> Any:
    """A table's part of a batch: `{"Keys": […], …}` in a read, a list in a write."""
    return asked["Keys"] if isinstance(asked, Mapping) else asked


def _grouped(request: Mapping[str, Any], entries: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    tables: dict[str, list[Any]] = {}
    for table, entry in entries:
        tables.setdefault(table, []).append(entry)
    asked = request["RequestItems"]
    return {
        table: {**asked[table], "Keys": chosen} if isinstance(asked[table], Mapping) else chosen
        for table, chosen in tables.items()
    }

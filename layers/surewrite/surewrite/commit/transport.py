"""The seam: every call to DynamoDB is one call of a `Transport`.

A transport takes the name of an operation and its request, and answers the response or raises what botocore raises.
Wrap one to count, delay or break calls: nothing else of the library talks to the network.
"""

from __future__ import annotations

import base64
import json
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from ..errors import Conflict, DeadlineExceeded, Retryable, SurewriteError, Throttled, Unavailable
from ..model.wire import Wire


class Transport(Protocol):
    """Sends one request, as `transport("GetItem", {...})`, and answers DynamoDB's response."""

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]: ...


class Boto3Transport:
    """The transport of production: a boto3 client of DynamoDB.

    A transaction's actions are in DynamoDB's own form already. botocore would walk through all of them twice, once for
    its endpoint rules and once to write them as JSON, which takes longer than all else. So it is given the first of
    them only, and all are put into the body just before that is signed.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._actions: ContextVar[str | None] = ContextVar("actions", default=None)
        client.meta.events.register("before-call.dynamodb.TransactWriteItems", self._fill)
        client.meta.events.register("after-call.dynamodb", _check_whole, unique_id="surewrite")

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        response: dict[str, Any]
        if operation != "TransactWriteItems":
            response = getattr(self._client, xform_name(operation))(**request)
            return response
        token = self._actions.set(_encode(request["TransactItems"]))
        try:
            response = self._client.transact_write_items(**{**request, "TransactItems": request["TransactItems"][:1]})
        finally:
            self._actions.reset(token)
        return response

    def _fill(self, params: dict[str, Any], **_: Any) -> None:
        """Handles botocore's event: `params` is the HTTP request."""
        actions = self._actions.get()
        if actions is not None:
            rest = json.loads(params["body"])
            del rest["TransactItems"]
            params["body"] = f'{json.dumps(rest)[:-1]},"TransactItems":{actions}}}'.encode()


def _check_whole(http_response: Any, **_: Any) -> None:
    """Handles botocore's event: botocore takes a response that breaks off for one that says nothing."""
    expected, received = int(http_response.headers.get("content-length", 0)), len(http_response.content or b"")
    if received < expected:
        raise IncompleteReadError(actual_bytes=received, expected_bytes=expected)


def _encode(actions: Any) -> str:
    return json.dumps(actions, separators=(",", ":"), default=_encode_bytes)


def _encode_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def boto3_client(*, max_connections: int = 16, **kwargs: Any) -> Any:
    """A boto3 client tuned for this library; `kwargs` go to `boto3.client` (`endpoint_url`, `region_name`, …).

    botocore's retries are off, because they know neither the time that a function has left nor full jitter: `DynamoDB`
    retries. Requests are built by the library, so botocore need not validate their shape again.
    """
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=1,
        read_timeout=2,
        max_pool_connections=max_connections,
        tcp_keepalive=True,
        parameter_validation=False,
    )
    return boto3.client("dynamodb", config=config, **kwargs)


@dataclass(frozen=True)
class Deadline:
    """A moment on the monotonic clock after which no attempt is begun."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @classmethod
    def of_lambda(cls, context: Any, *, margin: float = 4.0) -> Deadline:
        """What a Lambda invocation has left, less `margin` seconds (at most a quarter of it): long enough for an
        attempt that was begun at the last moment to time out, and for an answer."""
        left = context.get_remaining_time_in_millis() / 1000
        return cls.after(max(0.0, left - min(margin, left / 4)))

    def remaining(self) -> float:
        """Seconds left, negative when it has passed."""
        return self.at - time.monotonic()


class Refused(SurewriteError):
    """DynamoDB refuses the request whole; the same request will be refused again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class CheckFailed(SurewriteError):
    """The condition of a single write failed; `item` is the item on the wire, None if there is none."""

    def __init__(self, item: Wire | None) -> None:
        super().__init__("the conditional request failed")
        self.item = item


class Cancelled(SurewriteError):
    """A transaction was cancelled: one reason for each of its actions, in their order."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(", ".join(reason.get("Code", "None") for reason in reasons))
        self.reasons = reasons

    @property
    def passing(self) -> Retryable:
        """The error to raise if there is no time left to try again."""
        if any(reason.get("Code") in _THROTTLES for reason in self.reasons):
            return Throttled("DynamoDB throttled the transaction")
        return Conflict("other writers kept the item busy")

    def undecided(self, count: int) -> bool:
        """Whether one of the first `count` actions met a passing failure, so that nobody knows what it would have
        said: as long as a claim is undecided, a failed condition may be the work of the key's own first delivery."""
        return any(reason.get("Code") in PASSING for reason in self.reasons[:count])


_CONFLICTS = {
    "TransactionConflict", "TransactionConflictException", "TransactionInProgressException",
    "ReplicatedWriteConflictException",
}  # fmt: skip
_THROTTLES = {
    "ThrottlingError", "ThrottlingException", "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "LimitExceededException",
}  # fmt: skip
PASSING = _CONFLICTS | _THROTTLES
"""Reasons of a cancellation that say nothing about the request: it may be sent again."""

REFUSED = {"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"}
"""Reasons of a cancellation that will be the same the next time."""

_OUTAGES = {"InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException"}
_REFUSALS = {
    "ValidationException", "ItemCollectionSizeLimitExceededException", "SerializationException",
    "TransactionSizeLimitExceeded", "RequestEntityTooLarge",
}  # fmt: skip

_BASE_DELAY, _GREATEST_DELAY = 0.025, 1.0
_LEAST_TIME = 0.05


class Backoff:
    """Full jitter: each wait is drawn between 0 and a bound that doubles, up to a second.

    `attempts` are those that have been made already.
    """

    def __init__(self, deadline: Deadline, sleep: Callable[[float], None] = time.sleep, *, attempts: int = 1) -> None:
        self._deadline, self._sleep = deadline, sleep
        self._bound = min(_BASE_DELAY * 2 ** min(attempts - 1, 10), _GREATEST_DELAY)

    def wait(self, error: Retryable) -> None:
        """Waits before the next attempt; raises `error` if the time would be over by then."""
        if not self.try_wait():
            raise error

    def try_wait(self) -> bool:
        """Waits before the next attempt; False, at once, if the time would be over by then."""
        delay = random.uniform(0, self._bound)  # noqa: S311
        if self._deadline.remaining() < delay + _LEAST_TIME:
            return False
        self._sleep(delay)
        self._bound = min(self._bound * 2, _GREATEST_DELAY)
        return True


class DynamoDB:
    """Calls of a transport, with botocore's errors sorted and passing failures retried until the deadline.

    Raises `Refused`, `CheckFailed` and `Cancelled` for what DynamoDB decides, a `Retryable` when time runs out. Errors
    that no retry can mend (credentials, a missing table, a denied action) pass as botocore raises them.
    """

    def __init__(self, transport: Transport, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.transport = transport
        self.sleep = sleep

    def call(self, operation: str, request: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        """One request, sent until DynamoDB answers it."""
        backoff = Backoff(deadline, self.sleep)
        if deadline.remaining() < _LEAST_TIME:
            raise DeadlineExceeded("no time left for a request to DynamoDB")
        while True:
            try:
                return self.transport(operation, request)
            except ClientError as error:
                backoff.wait(_sorted(error))
            except _NO_ANSWER as error:
                backoff.wait(Unavailable(f"DynamoDB could not be reached ({type(error).__name__})"))

    def transact(self, actions: Sequence[Mapping[str, Any]], deadline: Deadline, **options: Any) -> dict[str, Any]:
        """One transaction. Its retries carry one ClientRequestToken: after a lost response DynamoDB answers the
        repeated request with success instead of running it again (for ten minutes)."""
        request = {"TransactItems": actions, "ClientRequestToken": str(uuid.uuid4()), **options}
        return self.call("TransactWriteItems", request, deadline)

    def backoff(self, deadline: Deadline, attempts: int = 1) -> Backoff:
        """For retries that are decided elsewhere."""
        return Backoff(deadline, self.sleep, attempts=attempts)


# the request may have been carried out all the same
_NO_ANSWER = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseStreamingError, ResponseParserError)


def _sorted(error: ClientError) -> Retryable:
    """The retryable error that a ClientError means; what is not retryable is raised."""
    response: Mapping[str, Any] = error.response
    code = response.get("Error", {}).get("Code", "")
    message = response.get("Error", {}).get("Message", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ConditionalCheckFailedException":
        raise CheckFailed(response.get("Item")) from None
    if code == "TransactionCanceledException":
        if reasons := response.get("CancellationReasons"):
            raise Cancelled(reasons) from None
        return Conflict("DynamoDB cancelled the transaction without a reason")
    if code in _CONFLICTS:
        return Conflict("other writers kept the item busy")
    if code in _THROTTLES:
        return Throttled("DynamoDB throttled the request")
    if code in _REFUSALS:
        raise Refused(code, message) from None
    if code in _OUTAGES or status >= 500:
        return Unavailable(f"DynamoDB answered {code or status}")
    raise error

"""What botocore's errors mean: sorted into decisions, failures that pass, and failures that no retry can mend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from ..errors import CallFailed, Conflict, RequestRefused, Retryable, SurewriteError, Throttled, Unavailable
from ..model.wire import Wire

CHECK_FAILED = "ConditionalCheckFailed"

_CONFLICTS = {
    "TransactionConflict", "TransactionConflictException", "TransactionInProgressException",
    "ReplicatedWriteConflictException",
}  # fmt: skip
_THROTTLES = {
    "ThrottlingError", "ThrottlingException", "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "LimitExceededException",
}  # fmt: skip
_OUTAGES = {"InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException"}
_REFUSALS = {
    "ValidationException", "ItemCollectionSizeLimitExceededException", "SerializationException",
    "TransactionSizeLimitExceeded", "RequestEntityTooLarge",
}  # fmt: skip

# Keys are checked against the model before they are sent: then it is the table that has another one.
_WRONG_KEY = re.compile("key element does not match the schema|Type mismatch for key |Missing the key ")

# the request may have been carried out all the same
UNANSWERED = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseStreamingError, ResponseParserError)

CALL_ERRORS = (ClientError, BotoCoreError, *UNANSWERED)


class CheckFailed(SurewriteError):
    """The condition of a single write is not met; `item` is the item on the wire, None if there is none."""

    def __init__(self, item: Wire | None) -> None:
        super().__init__("the conditional request failed")
        self.item = item


class Cancelled(SurewriteError):
    """A transaction was cancelled: one reason for each of its actions, in their order; no reasons if AWS gave none."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(", ".join(reason.get("Code", "None") for reason in reasons))
        self.reasons = reasons


def transient(code: str) -> Retryable | None:
    """The error that a failure which passes becomes when no time is left; None if the code means something else."""
    if code in _CONFLICTS:
        return Conflict("other writers kept the item busy")
    if code in _THROTTLES:
        return Throttled("DynamoDB throttled the request")
    return None


def sort(error: Exception, operation: str) -> SurewriteError:
    """The error that stands for one of botocore's (`CALL_ERRORS`).

    A Retryable may be sent again. `CheckFailed`, `Cancelled` and `RequestRefused` are DynamoDB's decisions; no retry
    can mend a `CallFailed`: a denied action, a table that is missing or has another key than its model, no credentials.
    """
    if isinstance(error, UNANSWERED):
        return Unavailable(f"DynamoDB could not be reached ({type(error).__name__})")
    if not isinstance(error, ClientError):
        return CallFailed(operation, type(error).__name__)
    response: Mapping[str, Any] = error.response
    code = response.get("Error", {}).get("Code", "")
    message = response.get("Error", {}).get("Message", "")
    reasons = response.get("CancellationReasons") or ()
    if any(_WRONG_KEY.search(text) for text in (message, *(reason.get("Message") or "" for reason in reasons))):
        return CallFailed(operation, "the table's key is not its model's")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ConditionalCheckFailedException":
        return CheckFailed(response.get("Item"))
    if code == "TransactionCanceledException":
        return Cancelled(reasons)
    if (passing := transient(code)) is not None:
        return passing
    if code in _REFUSALS:
        return RequestRefused(code, message)
    if code in _OUTAGES or status >= 500:
        return Unavailable(f"DynamoDB returned {code or status}")
    return CallFailed(operation, code or type(error).__name__)


def forget_frames(error: BaseException) -> None:
    """For an error that is kept: otherwise it keeps the frames that it has passed through, and with them all that is
    being committed, until the garbage collector runs."""
    kept: BaseException | None = error
    while kept is not None:
        kept.__traceback__ = kept.__context__ = None
        kept = kept.__cause__

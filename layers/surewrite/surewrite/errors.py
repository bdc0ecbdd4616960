"""What can go wrong, as one tree.

SurewriteError
├── ConfigurationError        the program is set up wrongly: a variable is missing, two fields are the partition key
├── CallFailed                AWS failed a call in a way that no retry mends: denied, no such table, no credentials
├── InvalidRequest            the request can never succeed as it stands; carries one Problem a field
│   ├── InvalidJSON           the text is not JSON, or holds what cannot be kept exactly
│   ├── InvalidItem           an item, or the item an update would leave behind, violates its model
│   ├── InvalidUpdate         an update that DynamoDB or the model would refuse
│   ├── InvalidCondition      a condition that cannot be expressed
│   ├── InvalidKey            a primary key that is incomplete, empty, too long or of the wrong type
│   ├── ItemTooLarge          over 400 KB
│   ├── MessageTooLarge       an asynchronous request that is over SQS's 1 MiB
│   └── RequestRefused        DynamoDB refuses the request whole, in its own words
├── UnknownCollection         there is no model for that collection
├── NotFound                  a unit of work requires an item that does not exist
├── KeyReused                 the idempotency key already belongs to another request
├── Rejected                  this delivery of the message was rejected before
├── ConditionFailed           the item is not in the state that the write demands; carries the item
├── ResponseLost              the write was applied, but what it replaced is not known
└── Retryable                 nothing was written, or it is not known; the same request may be sent again
    ├── Conflict              kept losing races against other writers of the same item
    ├── Throttled             DynamoDB asked to slow down
    ├── DeadlineExceeded      no time left for another attempt
    ├── Unavailable           DynamoDB failed or could not be reached
    ├── NotQueued             the queue of asynchronous requests did not take it
    ├── BulkIncomplete        time ran out before every item was written; carries the keys that are missing
    ├── ReadIncomplete        time ran out before every item was read; carries those that were, and what remains
    └── Blocked               waits for an earlier request of its lane

A message never holds a value that a user sent: only names of attributes, limits and reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class SurewriteError(Exception):
    """The root: catch this to catch everything that this library raises on purpose."""


class ConfigurationError(SurewriteError):
    """The program, not the request, is at fault."""


class CallFailed(SurewriteError):
    """AWS failed the call in a way that no retry mends. `operation` is the call's name, `code` is AWS's, or the name of
    botocore's error; the error itself is the cause."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation} failed: {code}")
        self.operation, self.code = operation, code


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `location` leads to it from the request's top, as `("set", "Formats.Audiobook")`."""

    location: tuple[str | int, ...]
    reason: str

    @property
    def pointer(self) -> str:
        """The location as a JSON pointer (RFC 6901)."""
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in self.location)

    def __str__(self) -> str:
        where = " ".join(str(part) for part in self.location)
        return f"{where}: {self.reason}" if where else self.reason

    def under(self, *prefix: str | int) -> Problem:
        """The same problem, seen from further up."""
        return Problem((*prefix, *self.location), self.reason)


class InvalidRequest(SurewriteError):
    """The request can never succeed; sending it again is of no use."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems

    @classmethod
    def at(cls, reason: str, *location: str | int) -> InvalidRequest:
        """The error of one problem."""
        return cls(Problem(location, reason))

    def under(self, *prefix: str | int) -> InvalidRequest:
        """The same error with every location led by `prefix`."""
        return type(self)(*(problem.under(*prefix) for problem in self.problems))


class InvalidJSON(InvalidRequest):
    """The text is not JSON, or holds a number, a string or a name that cannot be kept as it stands."""


class InvalidItem(InvalidRequest):
    """The item violates its model."""

    @classmethod
    def from_pydantic(cls, errors: Iterable[Any]) -> InvalidItem:
        """From `ValidationError.errors()`: the location and the message, never the input."""
        return cls(*(Problem(tuple(error["loc"]), error["msg"].removeprefix("Value error, ")) for error in errors))


class InvalidUpdate(InvalidRequest):
    """The update cannot be built or applied."""


class InvalidCondition(InvalidRequest):
    """The condition cannot be expressed."""


class InvalidKey(InvalidRequest):
    """The primary key, or the idempotency key, is malformed."""


class ItemTooLarge(InvalidRequest):
    """The item is over DynamoDB's 400 KB."""


class MessageTooLarge(InvalidRequest):
    """The request does not fit into a message of SQS."""


class RequestRefused(InvalidRequest):
    """DynamoDB refuses the request whole; the same request will be refused again. `code` and `message` are its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(Problem((), message or f"DynamoDB refuses the request ({code})"))
        self.code, self.message = code, message

    def under(self, *prefix: str | int) -> InvalidRequest:
        return InvalidRequest(*(problem.under(*prefix) for problem in self.problems))


class NotFound(SurewriteError):
    """A unit of work requires an item that does not exist."""


class UnknownCollection(SurewriteError):
    """There is no model for the collection."""

    def __init__(self, collection: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown collection; there are: {', '.join(sorted(known))}")
        self.collection = collection


class KeyReused(SurewriteError):
    """The idempotency key was already used for another request of the same caller."""

    def __init__(self) -> None:
        super().__init__("this idempotency key was already used for another request")


class Rejected(SurewriteError):
    """This delivery of the message was rejected before, for the reason that the ledger holds. A rejection consumes no
    key: a redrive, which is another delivery, may apply."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class ConditionFailed(SurewriteError):
    """The item is not in the state that the write demands.

    `image` is the item as it stood (attribute names to values), None when there is none. `location` leads to the write
    where it is one of several: `("writes", 3)`.
    """

    def __init__(
        self,
        image: dict[str, Any] | None,
        reason: str = "the condition is not met",
        location: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(str(Problem(location, reason)))
        self.image, self.reason, self.location = image, reason, location

    def under(self, *prefix: str | int) -> ConditionFailed:
        """The same error with its location led by `prefix`."""
        return type(self)(self.image, self.reason, (*prefix, *self.location))


class ResponseLost(SurewriteError):
    """A write without an idempotency key was applied, but DynamoDB's response was lost: what the item was before is not
    known. `version` and `image` (attribute names to values) are the item's as it is now."""

    def __init__(self, version: str | None, image: dict[str, Any] | None) -> None:
        super().__init__("the write was applied, but the response that shows the old item was lost")
        self.version, self.image = version, image


class Retryable(SurewriteError):
    """May be sent again with the same key; `retry_after` is a hint in seconds."""

    retry_after: int = 1


class Conflict(Retryable):
    """Kept losing races for the item."""


class Throttled(Retryable):
    """DynamoDB throttled the request."""


class DeadlineExceeded(Retryable):
    """The time ran out before an attempt could be made."""


class Unavailable(Retryable):
    """DynamoDB answered with a server error, or not at all."""


class NotQueued(Retryable):
    """SQS did not take the request, as far as is known. `code` is SQS's, or the name of botocore's error."""

    def __init__(self, code: str) -> None:
        super().__init__("the request could not be queued; nothing was written")
        self.code = code


class BulkIncomplete(Retryable):
    """Time ran out before every item was written; `keys` are the (table, primary key) pairs that were not, `positions`
    those of their writes among the bulk write's."""

    def __init__(self, keys: Sequence[tuple[str, dict[str, Any]]], positions: Sequence[int]) -> None:
        super().__init__(f"{len(keys)} item(s) were not written in time")
        self.keys, self.positions = tuple(keys), tuple(positions)


class ReadIncomplete(Retryable):
    """Time ran out before every item was read. By model, `found` are the items that were and `remaining` the keys that
    were not: `db.get_many(error.remaining)` goes on with them. The cause says why."""

    def __init__(self, found: Mapping[type[Any], Sequence[Any]], remaining: Mapping[type[Any], Sequence[Any]]) -> None:
        super().__init__(f"{sum(map(len, remaining.values()))} item(s) were not read in time")
        self.found, self.remaining = found, remaining


class Blocked(Retryable):
    """An earlier request of the same lane has to succeed first."""


def located(location: tuple[str | int, ...], parse: Callable[..., T], *args: Any) -> T:
    """What `parse` returns; its errors are led by the location of what was parsed."""
    try:
        return parse(*args)
    except InvalidRequest as error:
        raise error.under(*location) from None

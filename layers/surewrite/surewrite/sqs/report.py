"""What became of a batch, as text.

An exception that is kept keeps its traceback, with that the frames that it has passed through, and with them the whole
batch. So only what is logged and sent is taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from botocore.exceptions import ClientError

from ..commit.idempotency_key import IdempotencyKey
from ..errors import CallFailed, ConditionFailed, InvalidRequest, KeyReused, Rejected, UnknownCollection
from .records import SQSRecord

_LONGEST_REASON = 1024

_FINAL = (InvalidRequest, UnknownCollection, ConditionFailed, KeyReused)
"""The request itself is at fault: sending it again as it stands is of no use. Whatever else is raised may pass."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not applied.

    `cause` is for the log: the name of the error, or the call that AWS failed and its code. `reason` is for the
    rejected queue; None says that the failure may pass. Neither holds a value that a user sent. `on_record` says that
    the ledger's record of the key stands already and is not to be touched.
    """

    cause: str
    reason: str | None = None
    on_record: bool = False

    @classmethod
    def of(cls, error: Exception) -> Self:
        """From whatever was raised for the message."""
        name = type(error).__name__
        if isinstance(error, Rejected):
            return cls(name, str(error), on_record=True)
        if isinstance(error, _FINAL):
            return cls(name, f"{name}: {error}"[:_LONGEST_REASON], on_record=isinstance(error, KeyReused))
        return cls.passing(error)

    @classmethod
    def passing(cls, error: Exception) -> Self:
        """From what was raised on the way, whatever it was: nothing that the message could mend."""
        return cls(cause_of(error))


def cause_of(error: Exception) -> str:
    """The name of the error; of a failed call to AWS its operation and code."""
    if isinstance(error, CallFailed):
        return f"{error.operation}: {error.code}"
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code', 'unknown')}"
    return type(error).__name__


@dataclass(frozen=True, slots=True, eq=False)
class Rejection:
    """A message that can never succeed as it stands; `cause` and `reason` as in its failure."""

    record: SQSRecord
    key: IdempotencyKey
    cause: str
    reason: str


@dataclass
class Report:
    """How many messages were applied or replayed, which were rejected, and `errors`: the ids of those that SQS shall
    deliver again, in their order, with the cause of each.

    A message without an id is reported under an empty one, which makes SQS deliver the entire batch again.
    """

    applied: int = 0
    replayed: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        """The message ids that SQS shall deliver again."""
        return list(self.errors)

    def response(self) -> dict[str, list[dict[str, str]]]:
        """The partial batch response that Lambda hands to SQS."""
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self.errors]}

"""The way from one worker to DynamoDB, on which anything may happen: calls fail, come late, or let others go first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from surewrite import Boto3Transport, Transport
from surewrite.testing import Exactly, Fault, FaultTransport, cancellation

Reasons = list[Mapping[str, Any]]
Edit = Callable[[Reasons], Reasons]
Moment = tuple[int, str]
"""Before or after (`"before"`, `"after"`) the call of this number."""


def as_they_are(reasons: Reasons) -> Reasons:
    return reasons


def without_items(reasons: Reasons) -> Reasons:
    return [{name: value for name, value in reason.items() if name != "Item"} for reason in reasons]


def only_the_last(reasons: Reasons) -> Reasons:
    failing = [position for position, reason in enumerate(reasons) if reason["Code"] != "None"]
    return [reason if position == failing[-1] else {"Code": "None"} for position, reason in enumerate(reasons)]


def only_the_first(reasons: Reasons) -> Reasons:
    failing = [position for position, reason in enumerate(reasons) if reason["Code"] != "None"]
    return [reason if position == failing[0] else {"Code": "None"} for position, reason in enumerate(reasons)]


EDITS: Sequence[Edit] = (as_they_are, without_items, only_the_last, only_the_first)
"""AWS does not promise that a cancellation names every reason, nor that it brings the item."""


class Edited:
    """Edits the reasons of every cancellation."""

    def __init__(self, inner: Transport, edit: Edit) -> None:
        self._send, self._edit = inner, edit
        self.edited = 0

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        try:
            return self._send(operation, request)
        except ClientError as error:
            response: Mapping[str, Any] = error.response
            if "CancellationReasons" not in response:
                raise
            reasons = self._edit([dict(reason) for reason in response["CancellationReasons"]])
            self.edited += reasons != response["CancellationReasons"]
            raise cancellation(operation, *reasons) from None


@dataclass
class Late:
    """Requests that were given up by their senders and are still on their way, each with the time of its sending."""

    send: Transport
    requests: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)

    def arrive(self) -> None:
        """The first one is carried out, if there is one; its response finds no one."""
        if self.requests:
            _, operation, request = self.requests.pop(0)
            with suppress(ClientError):
                self.send(operation, request)

    def drop(self, before: float) -> None:
        """What was sent before has not arrived, and never will."""
        self.requests = [one for one in self.requests if one[0] >= before]


@dataclass
class Wire:
    """One worker's. `events` happen at their moments, `delayed` calls arrive later or never, of `throttled` ones the
    first action is, which is the ledger's."""

    late: Late
    clock: Callable[[], float]
    faults: Mapping[int, Fault] = field(default_factory=dict)
    edit: Edit = as_they_are
    events: Mapping[Moment, Callable[[], object]] = field(default_factory=dict)
    delayed: frozenset[int] = frozenset()
    throttled: frozenset[int] = frozenset()
    calls: int = 0

    def __post_init__(self) -> None:
        edited = Edited(self.late.send, self.edit)
        self._inner = FaultTransport(edited, Exactly(self.faults, if_fitting=True), delay=0)

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        self.calls += 1
        number = self.calls
        self._happens(number, "before")
        if number in self.delayed and not operation.startswith("Batch"):
            self.late.requests.append((self.clock(), operation, request))
            raise ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com/")
        if number in self.throttled and operation == "TransactWriteItems":
            others = ["None"] * (len(request["TransactItems"]) - 1)
            raise cancellation(operation, "ThrottlingError", *others)
        try:
            return self._inner(operation, request)
        finally:
            self._happens(number, "after")

    def _happens(self, number: int, when: str) -> None:
        event = self.events.get((number, when))
        if event is not None:
            event()


def wire_to(client: Any) -> Late:
    """Where the wires of all workers lead."""
    return Late(Boto3Transport(client))

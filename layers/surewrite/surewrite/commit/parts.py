"""Parts of a transaction and the verdict on each: the only place that reads the reasons of a cancellation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ..errors import Conflict, Retryable
from ..model.wire import Image, image_from_wire
from .failures import CHECK_FAILED, transient
from .placement import Standing
from .records import Claim, Record


class Status(Enum):
    """What became of a part, in the order of precedence: what comes first decides."""

    APPLIED = auto()
    KEY_USED = auto()
    """At least one of its keys has been consumed before."""
    RETRY = auto()
    """It may be sent again: a key is undecided, an item is busy, or only another part has failed."""
    CONDITION_FAILED = auto()
    REFUSED = auto()
    """DynamoDB refuses an action, or the part as a whole."""


@dataclass(frozen=True)
class Part:
    """What stands or falls together: the keys that it claims, and its actions in the form of TransactWriteItems. One
    that is `atomic` is a transaction even if it is a single action."""

    claims: Sequence[Claim]
    actions: Sequence[Mapping[str, Any]]
    atomic: bool = False

    @property
    def single(self) -> bool:
        """Whether it is a call of its own: PutItem, UpdateItem or DeleteItem."""
        return not self.atomic and not self.claims and len(self.actions) == 1


@dataclass(frozen=True)
class Verdict:
    """What became of one part.

    `records` hold, for each claim, the record that stood in its way. `action` is the action whose condition failed,
    with the item as it stands in `image` (None if there is none, or if AWS did not bring it), or the action that was
    refused, for the reason `message`. A part to be tried again has its own `error`, None if only another part failed;
    `shared` says that others have it, too, because they claim in one slot; `unanswered` says that the part may have
    been applied all the same. `image` of a single call that was applied holds what its ReturnValues show.
    """

    status: Status
    records: Sequence[Record | None] = ()
    action: int | None = None
    image: Image | None = None
    message: str = ""
    error: Retryable | None = None
    shared: bool = False
    unanswered: bool = False


APPLIED = Verdict(Status.APPLIED)
MISPLACED = Verdict(Status.RETRY)
"""A key is to be claimed elsewhere: it is sent again at once."""


def judge(parts: Sequence[Part], standings: Sequence[Standing], reasons: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """The verdicts after a cancellation. `standings` are those of all claims, `reasons` those of all actions, each in
    the order of the parts."""
    verdicts: list[Verdict] = []
    claim = action = 0
    for part in parts:
        own_claims = standings[claim : claim + len(part.claims)]
        own_reasons = reasons[action : action + len(part.actions)]
        verdicts.append(_judge(own_claims, own_reasons))
        claim, action = claim + len(part.claims), action + len(part.actions)
    idle = [verdict.status is Status.RETRY and verdict.error is None for verdict in verdicts]
    if all(idle) and not any(standing.elsewhere for standing in standings):
        return retry(parts, Conflict("DynamoDB cancelled the transaction without a reason"))
    return verdicts


def retry(parts: Sequence[Part], error: Retryable, *, unanswered: bool = False) -> list[Verdict]:
    """The verdicts where the same failure holds for every part."""
    return [Verdict(Status.RETRY, error=error, unanswered=unanswered)] * len(parts)


def _judge(claims: Sequence[Standing], reasons: Sequence[Mapping[str, Any]]) -> Verdict:
    if any(claim.record is not None for claim in claims):
        return Verdict(Status.KEY_USED, records=[claim.record for claim in claims])
    # as long as a key is undecided, a failed condition may be the work of the key's own first delivery
    undecided = [claim for claim in claims if claim.undecided is not None]
    if undecided:
        first = next((claim for claim in undecided if not claim.shared), undecided[0])
        return Verdict(Status.RETRY, error=first.undecided, shared=first.shared)
    if any(claim.elsewhere for claim in claims):
        return MISPLACED
    codes = [reason.get("Code", "None") for reason in reasons]
    for position, code in enumerate(codes):
        if code == CHECK_FAILED:
            item = reasons[position].get("Item")
            return Verdict(Status.CONDITION_FAILED, action=position, image=image_from_wire(item) if item else None)
    passing = [transient(code) for code in codes]
    for position, code in enumerate(codes):
        if code != "None" and passing[position] is None:
            return Verdict(Status.REFUSED, action=position, message=reasons[position].get("Message") or "")
    return Verdict(Status.RETRY, error=next((error for error in passing if error is not None), None))

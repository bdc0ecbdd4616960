"""Records: what the ledger holds of a key that has a record of its own, and how one is claimed or rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

from ..model.wire import Wire, image_from_wire
from ..writes import TransactWrite, Write
from .idempotency_key import IdempotencyKey
from .slots import short


@dataclass(frozen=True, slots=True)
class Claim:
    """A key to be consumed, and what its record will say.

    `source` is the id of the message that brings it: a delivery of that message that was rejected stays rejected.
    `shows` says that a replay has something to show. With `rejected` the key is not consumed: the record says, for this
    reason, that a request under it was refused.
    """

    key: IdempotencyKey
    fingerprint: str
    outcome: str | None = None
    source: str | None = None
    shows: bool = False
    rejected: str | None = None

    @classmethod
    def of(cls, write: Write | TransactWrite, key: IdempotencyKey, source: str | None = None) -> Claim:
        """The claim of a write, or of a transaction."""
        shows = isinstance(write, Write) and write.return_values != "NONE"
        return cls(key, write.fingerprint, source=source, shows=shows)

    def barred_by(self, record: Record | None) -> TypeGuard[Record]:
        """Whether the record stands in the way: its key is consumed, or this delivery was rejected."""
        return record is not None and (record.consumed or self.source in record.message_ids)


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledger holds of a key.

    `rejected` is the reason of a write that was refused, which consumed no key; `message_ids` are the messages that
    asked for it and were refused. `pending_since` says when, in seconds since 1970, a write was accepted that is still
    to be committed, which consumes no key either. Of a `packed` key, which shares its record with
    others, no outcome is kept, and of the fingerprint four bytes in hexadecimal: compare it by `matches`."""

    fingerprint: str
    outcome: str | None
    rejected: str | None
    expires_at: int
    message_ids: frozenset[str] = frozenset()
    packed: bool = False
    pending_since: int | None = None

    @classmethod
    def from_wire(cls, item: Wire) -> Record:
        image = image_from_wire(item)
        return cls(
            fingerprint=image.get("fingerprint", ""),
            outcome=image.get("outcome"),
            rejected=image.get("rejected"),
            expires_at=int(image.get("expires_at", 0)),
            message_ids=frozenset(image.get("message_ids", ())),
            pending_since=int(image["pending_since"]) if "pending_since" in image else None,
        )

    @property
    def consumed(self) -> bool:
        """Whether a write was applied under the key."""
        return self.rejected is None and self.pending_since is None

    def matches(self, fingerprint: str) -> bool:
        """Whether the key was consumed by the request with this fingerprint."""
        return self.fingerprint == (short(fingerprint).hex() if self.packed else fingerprint)


# none of these names is reserved, so a claim needs no placeholders for them: it is sent by the hundred
_ABSENT = "attribute_not_exists(id) OR expires_at <= :now"
_FREE = "attribute_exists(rejected) OR attribute_exists(pending_since)"
_CLAIMABLE = f"{_ABSENT} OR {_FREE}"
_CLAIMABLE_BY = f"{_ABSENT} OR ({_FREE}) AND NOT contains(message_ids, :message_id)"
_ACCEPTABLE = (
    f"{_ABSENT} OR attribute_exists(rejected) AND attribute_not_exists(pending_since)"
    " OR attribute_exists(pending_since) AND fingerprint = :fingerprint"
)


def claim_action(table: str, claim: Claim, now: float, retention: float) -> dict[str, Any]:
    """The action that claims a key by a record of its own, or that records its rejection: nothing happens where the key
    has been consumed. Times are in seconds."""
    item: Wire = {
        "fingerprint": {"S": claim.fingerprint},
        "expires_at": {"N": str(int(now + retention))},
    }
    request: dict[str, Any] = {
        "TableName": table,
        "ConditionExpression": _CLAIMABLE,
        "ExpressionAttributeValues": {":now": {"N": str(int(now))}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if claim.rejected is not None:
        return {"Update": _rejection(request, {**item, "rejected": {"S": claim.rejected}}, claim)}
    request["Item"] = {"id": {"S": claim.key.record_id}, **item}
    if claim.outcome is not None:
        request["Item"]["outcome"] = {"S": claim.outcome}
    if claim.source is not None:
        request["ConditionExpression"] = _CLAIMABLE_BY
        request["ExpressionAttributeValues"][":message_id"] = {"S": claim.source}
    return {"Put": request}


def _rejection(request: dict[str, Any], item: Wire, claim: Claim) -> dict[str, Any]:
    """Each message that was refused under the key is remembered: a later one must not free an earlier one."""
    values = request["ExpressionAttributeValues"]
    values |= {f":{name}": value for name, value in item.items()}
    text = f"SET {', '.join(f'{name} = :{name}' for name in item)} REMOVE outcome, pending_since"
    if claim.source is not None:
        text += " ADD message_ids :message_ids"
        values[":message_ids"] = {"SS": [claim.source]}
    return {**request, "Key": {"id": {"S": claim.key.record_id}}, "UpdateExpression": text}


def pending_request(table: str, claim: Claim, now: float, retention: float) -> dict[str, Any]:
    """The UpdateItem that marks a key as pending. It consumes nothing, and fails where the key has been consumed or is
    pending for another request. A rejection stays in the record: the messages that were refused stay so."""
    return {
        "TableName": table,
        "Key": {"id": {"S": claim.key.record_id}},
        "UpdateExpression": (
            "SET fingerprint = :fingerprint, pending_since = :now, expires_at = :expires_at REMOVE outcome"
        ),
        "ConditionExpression": _ACCEPTABLE,
        "ExpressionAttributeValues": {
            ":fingerprint": {"S": claim.fingerprint},
            ":now": {"N": str(int(now))},
            ":expires_at": {"N": str(int(now + retention))},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }

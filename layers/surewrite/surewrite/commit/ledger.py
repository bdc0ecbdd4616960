"""The ledger: the second table, where a key and its outcome are committed together with the write.

A key is claimed by an action of the very transaction that has the effect, so there is no in-progress state: either the
record stands there together with its effect, or neither happened. `Ledger.actions`, `Ledger.weigh` and
`Ledger.standings` are the whole interface to a transaction: which actions claim these keys, how many actions that is,
and what a cancellation says of each key.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from ..errors import Conflict, InvalidKey, Problem, Retryable
from ..model.wire import Wire, image_from_wire
from .failures import transient

DEFAULT_RETENTION_DAYS = 30
"""Longer than a queue's retention (14 days) and its dead-letter queue's (14) together: a message that is redriven after
its record has expired would be applied again."""

MAX_KEY_LENGTH = 255

# a record id has at most 2,048 bytes
_LONG_SCOPE = 400


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key within the scope of its caller: no caller can replay, or block, the key of another."""

    scope: str
    key: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= MAX_KEY_LENGTH or not self.key.isprintable():
            raise InvalidKey(Problem(("idempotency_key",), f"1 to {MAX_KEY_LENGTH} printable characters are needed"))

    @classmethod
    def of(cls, key: str | IdempotencyKey, scope: str) -> IdempotencyKey:
        """The key, in the scope if it is only a text; InvalidKey for anything else."""
        if isinstance(key, IdempotencyKey):
            return key
        if not isinstance(key, str):
            raise InvalidKey(Problem(("idempotency_key",), "a string or an IdempotencyKey is needed"))
        return cls(scope, key)

    @property
    def record_id(self) -> str:
        """`<scope>#<sha256(key), 32 base32 characters>`."""
        digest = hashlib.sha256(self.key.encode()).digest()[:20]
        scope = self.scope
        if len(scope) > _LONG_SCOPE:
            scope = f"sha256:{hashlib.sha256(scope.encode()).hexdigest()}"
        return f"{scope}#{base64.b32encode(digest).decode()}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A key to be consumed, and what its record will say.

    `source` is the id of the message that brings it: a delivery of that message that was rejected stays rejected.
    """

    key: IdempotencyKey
    fingerprint: str
    outcome: str | None = None
    source: str | None = None

    def barred_by(self, record: Record | None) -> TypeGuard[Record]:
        """Whether the record stands in the way: its key is consumed, or this delivery was rejected."""
        if record is None:
            return False
        return record.rejected is None or (self.source in record.message_ids)


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledger holds of a key. `rejected` is the reason of a write that was refused, which consumed no key;
    `message_ids` are the messages that asked for it and were refused."""

    fingerprint: str
    outcome: str | None
    rejected: str | None
    expires_at: int
    message_ids: frozenset[str] = frozenset()

    @classmethod
    def from_wire(cls, item: Wire) -> Record:
        image = image_from_wire(item)
        return cls(
            fingerprint=image.get("fingerprint", ""),
            outcome=image.get("outcome"),
            rejected=image.get("rejected"),
            expires_at=int(image.get("expires_at", 0)),
            message_ids=frozenset(image.get("message_ids", ())),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a cancellation says of one claim: nothing (the key is free), the `record` that stood in its way, that a
    failure that passes left it undecided, or, `unread`, that some record stood in its way without bringing it."""

    record: Record | None = None
    undecided: Retryable | None = None
    unread: bool = False


_FREE = Standing()

# none of these names is reserved, so a claim needs no placeholders for them: it is sent by the hundred
_CLAIMABLE = "attribute_not_exists(id) OR expires_at <= :now OR attribute_exists(rejected)"
_CLAIMABLE_BY = f"{_CLAIMABLE} AND NOT contains(message_ids, :message_id)"


class Ledger:
    """The ledger table. `retention` is in seconds; `clock` gives the time in seconds since 1970."""

    def __init__(
        self,
        table: str,
        *,
        retention: float = DEFAULT_RETENTION_DAYS * 86_400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.table, self.retention, self.clock = table, retention, clock

    def actions(self, claims: Sequence[Claim]) -> list[dict[str, Any]]:
        """The transaction's actions that claim the keys, as long as they are free."""
        return [{"Put": self._claim(claim)} for claim in claims]

    def weigh(self, claims: Sequence[Claim]) -> int:
        """How many of a transaction's actions all of its claims together need."""
        return len(claims)

    def standings(self, claims: Sequence[Claim], reasons: Sequence[Mapping[str, Any]]) -> list[Standing]:
        """What the cancellation reasons of `actions(claims)` say of each claim, in order."""
        return [_standing(reason) for _, reason in zip(claims, reasons, strict=True)]

    def reread(self, claim: Claim, record: Record | None) -> Standing:
        """What a claim whose obstacle was not brought meets, once the record has been read."""
        if claim.barred_by(record):
            return Standing(record)
        return Standing(undecided=Conflict("another request was about to use the key"))

    def rejection(self, claim: Claim, reason: str) -> dict[str, Any]:
        """An UpdateItem that records why a write was refused, unless its key has been consumed. Each message that was
        refused under the key is remembered: a later one must not free an earlier one."""
        put = self._put(claim, rejected=reason)
        item, values = put.pop("Item"), put["ExpressionAttributeValues"]
        request = {**put, "Key": {"id": item.pop("id")}}
        values |= {f":{name}": value for name, value in item.items()}
        text = f"SET {', '.join(f'{name} = :{name}' for name in item)} REMOVE outcome"
        if claim.source is not None:
            text += " ADD message_ids :message_ids"
            values[":message_ids"] = {"SS": [claim.source]}
        return {**request, "UpdateExpression": text}

    def key(self, key: IdempotencyKey) -> Wire:
        """The record's primary key."""
        return {"id": {"S": key.record_id}}

    def standing(self, item: Wire | None) -> Record | None:
        """The record that a read has brought, None if it is absent or has expired."""
        record = None if item is None else Record.from_wire(item)
        return record if record is not None and record.expires_at > self.clock() else None

    def _claim(self, claim: Claim) -> dict[str, Any]:
        request = self._put(claim, outcome=claim.outcome)
        if claim.source is not None:
            request["ConditionExpression"] = _CLAIMABLE_BY
            request["ExpressionAttributeValues"][":message_id"] = {"S": claim.source}
        return request

    def _put(self, claim: Claim, **fields: str | None) -> dict[str, Any]:
        now = self.clock()
        item: Wire = {
            "id": {"S": claim.key.record_id},
            "fingerprint": {"S": claim.fingerprint},
            "expires_at": {"N": str(int(now + self.retention))},
        }
        item |= {name: {"S": value} for name, value in fields.items() if value is not None}
        return {
            "TableName": self.table,
            "Item": item,
            "ConditionExpression": _CLAIMABLE,
            "ExpressionAttributeValues": {":now": {"N": str(int(now))}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _standing(reason: Mapping[str, Any]) -> Standing:
    code = reason.get("Code", "None")
    if code == "ConditionalCheckFailed":
        item = reason.get("Item")
        return Standing(Record.from_wire(item)) if item else Standing(unread=True)
    undecided = transient(code)
    return _FREE if undecided is None else Standing(undecided=undecided)

"""The ledger: the second table, where a key and its outcome are committed together with the write.

A key is claimed by an action of the very transaction that has the effect, so there is no in-progress state: either the
record stands there together with its effect, or neither happened. `Ledger.actions` and `Ledger.verdicts` are the whole
interface to a transaction ("which actions claim these keys", "what does this cancellation say about them").
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidKey, Problem
from ..model.json import dumps, loads
from ..model.wire import Image, Wire, from_wire, image_from_wire, image_to_wire

DEFAULT_RETENTION_DAYS = 30
"""Longer than a queue's retention (14 days) and its dead-letter queue's (14) together: a message that is redriven after
its record has expired would be applied again."""

MAX_OUTCOME_BYTES = 300 * 1024
"""A larger outcome is left out of its record; its replay answers the current item."""

MAX_KEY_LENGTH = 255

# a record id has at most 2,048 bytes
_LONG_SCOPE = 400


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key within the scope of its caller: nobody can replay, or block, somebody else's."""

    scope: str
    key: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= MAX_KEY_LENGTH or not self.key.isprintable():
            raise InvalidKey(Problem(("idempotency_key",), f"1 to {MAX_KEY_LENGTH} printable characters are needed"))

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
    """A key to be consumed, and what its record will say."""

    key: IdempotencyKey
    fingerprint: str
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledger holds of a key. `rejected` is the reason of a write that was refused: it consumed no key."""

    fingerprint: str
    outcome: str | None
    rejected: str | None
    expires_at: int

    @classmethod
    def from_wire(cls, item: Wire) -> Record:
        image = image_from_wire(item)
        return cls(
            fingerprint=image.get("fingerprint", ""),
            outcome=image.get("outcome"),
            rejected=image.get("rejected"),
            expires_at=int(image.get("expires_at", 0)),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a write.

    `attributes` are what its ReturnValues show, None for nothing; `version` is the item's new version, None after a
    delete; `created` says that there was no item before. `replayed` marks an answer from the ledger, `current` a replay
    whose outcome was too large to keep: the attributes are the item's as it is now. `consumed` lists the
    ConsumedCapacity of every call that was made, where asked for.
    """

    attributes: Image | None = None
    version: str | None = None
    created: bool = False
    replayed: bool = False
    current: bool = False
    consumed: tuple[Mapping[str, Any], ...] = ()

    def dump(self) -> str:
        """As it stands in a record: attributes on the wire, so that every type comes back."""
        wire = None if self.attributes is None else image_to_wire(self.attributes)
        return dumps({"attributes": wire, "version": self.version, "created": self.created})

    @classmethod
    def load(cls, text: str) -> Outcome:
        stored = loads(text)
        if stored.get("current"):
            return cls(current=True)
        wire = stored["attributes"]
        attributes = None if wire is None else {name: _from_json_wire(value) for name, value in wire.items()}
        return cls(attributes, stored["version"], stored["created"])

    def stored(self) -> str:
        """`dump`, or the mark of an outcome that is too large."""
        text = self.dump()
        return text if len(text.encode()) <= MAX_OUTCOME_BYTES else '{"current":true}'

    def as_replay(self) -> Outcome:
        return replace(self, replayed=True)


def _from_json_wire(wire: Wire) -> Any:
    """`from_wire` for a wire form that has been through JSON, where binary values are base64."""
    ((kind, value),) = wire.items()
    match kind:
        case "B":
            return base64.b64decode(value)
        case "BS":
            return {base64.b64decode(member) for member in value}
        case "M":
            return {name: _from_json_wire(member) for name, member in value.items()}
        case "L":
            return [_from_json_wire(member) for member in value]
    return from_wire(wire)


# none of these names is reserved, so a claim needs no placeholders for them: it is sent by the hundred
_CLAIMABLE = "attribute_not_exists(id) OR expires_at <= :now OR attribute_exists(rejected)"


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
        """The transaction's actions that claim the keys, as long as nobody has."""
        return [{"Put": self._put(claim.key, claim.fingerprint, outcome=claim.outcome)} for claim in claims]

    def weigh(self, claims: Sequence[Claim]) -> int:
        """How many of a transaction's actions the claims need."""
        return len(claims)

    def verdicts(self, claims: Sequence[Claim], reasons: Sequence[Mapping[str, Any]]) -> list[Record | None]:
        """For each claim, in order, the record that stood in its way, None if none did.

        `reasons` are the cancellation reasons of `actions(claims)`.
        """
        return [
            Record.from_wire(reason["Item"])
            if reason.get("Code") == "ConditionalCheckFailed" and "Item" in reason
            else None
            for _, reason in zip(claims, reasons[: len(claims)], strict=True)
        ]

    def rejection(self, claim: Claim, reason: str) -> dict[str, Any]:
        """A PutItem that records why a write was refused, unless its key has been consumed."""
        return self._put(claim.key, claim.fingerprint, rejected=reason)

    def key(self, key: IdempotencyKey) -> Wire:
        """The record's primary key."""
        return {"id": {"S": key.record_id}}

    def standing(self, item: Wire | None) -> Record | None:
        """The record that a read has brought, None if it is absent or has expired."""
        record = None if item is None else Record.from_wire(item)
        return record if record is not None and record.expires_at > self.clock() else None

    def _put(self, key: IdempotencyKey, fingerprint: str, **fields: str | None) -> dict[str, Any]:
        now = self.clock()
        item: Wire = {
            "id": {"S": key.record_id},
            "fingerprint": {"S": fingerprint},
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

"""Slots: records of the ledger that many keys share, those of one scope and one span of time.

A slot holds an attribute for each key: its name are 12 base64url characters of the key's hash, its value 4 bytes of the
fingerprint, or NULL as the *mark* of a key that has a record of its own. `n` counts them. A slot that has `close_at`
keys is closed: none is ever added or changed, and every other key of its span has a record of its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..model.wire import Wire
from .idempotency_key import IdempotencyKey

CLOSE_AT = 512
"""Keys at which a slot closes: about 8 KB, each KB of which every claim pays for."""

MAX_CLAIMS = 130
"""Keys of one slot that one transaction can claim: a condition has at most 4 KB and 300 operators ("Service, account,
and table quotas in Amazon DynamoDB", expression parameters)."""

MARGIN = 86_400
"""Seconds that a slot outlives the retention of what was last claimed in it; so much may clocks differ."""


def attribute(key: IdempotencyKey) -> str:
    """The name of the key's attribute in its slot."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.key.encode()).digest()[:9]).decode()


def short(fingerprint: str) -> bytes:
    """What a slot keeps of a fingerprint."""
    return hashlib.sha256(fingerprint.encode()).digest()[:4]


class Slot(NamedTuple):
    """A slot as it was seen. `keys` has an entry for each attribute, None for a mark; `size` is their number."""

    id: str
    keys: Mapping[str, bytes | None]
    size: int
    expires_at: int

    @classmethod
    def from_wire(cls, slot: str, item: Wire | None) -> Slot:
        """From the item, or from its absence."""
        item = item or {}
        keys = {name: value.get("B") for name, value in item.items() if name not in ("id", "n", "expires_at")}
        return cls(slot, keys, int(item.get("n", _ZERO)["N"]), int(item.get("expires_at", _ZERO)["N"]))

    def excludes(self, name: str, close_at: int) -> bool:
        """Whether a key has a record of its own: it is marked, or the slot is closed without it."""
        return self.keys[name] is None if name in self.keys else self.size >= close_at


_ZERO = {"N": "0"}


def claim_action(
    table: str, slot: str, entries: Sequence[tuple[str, bytes | None]], expires_at: int, close_at: int
) -> dict[str, Any]:
    """The action that claims keys in their slot, or marks them, if all of them are free and the slot is open.

    `entries` are attribute names with the fingerprint's bytes, None for a mark; `expires_at` is in seconds since 1970.
    """
    update, condition, names, values = _texts(len(entries))
    return {
        "Update": {
            "TableName": table,
            "Key": {"id": {"S": slot}},
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {one: name for one, (name, _) in zip(names, entries, strict=True)},
            "ExpressionAttributeValues": {
                **{
                    one: {"NULL": True} if value is None else {"B": value}
                    for one, (_, value) in zip(values, entries, strict=True)
                },
                ":e": {"N": str(expires_at)},
                ":m": {"N": str(len(entries))},
                ":close": {"N": str(close_at)},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


@lru_cache(maxsize=MAX_CLAIMS)
def _texts(count: int) -> tuple[str, str, list[str], list[str]]:
    """The update, the condition, and the placeholders of names and values for so many keys."""
    names, values = [f"#{number}" for number in range(count)], [f":{number}" for number in range(count)]
    sets = ",".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
    free = " AND ".join(f"attribute_not_exists({name})" for name in names)
    return (
        f"SET {sets},expires_at=:e ADD n :m",
        f"{free} AND (attribute_not_exists(n) OR n<:close)",
        names,
        values,
    )


def move_request(table: str, slot: Slot, names: Sequence[str], expires_at: int, close_at: int) -> dict[str, Any]:
    """The UpdateItem that moves a slot's expiry forward, as long as it excludes these keys as it was seen to."""
    place = {name: f"#{number}" for number, name in enumerate(names)}
    marked = [name for name in names if name in slot.keys]
    checks = ["expires_at<:e", *(f"{place[name]}=:mark" for name in marked)]
    values: Wire = {":e": {"N": str(expires_at)}}
    if marked:
        values[":mark"] = {"NULL": True}
    if len(marked) < len(names):
        checks += ["n>=:close", *(f"attribute_not_exists({place[name]})" for name in names if name not in slot.keys)]
        values[":close"] = {"N": str(close_at)}
    return {
        "TableName": table,
        "Key": {"id": {"S": slot.id}},
        "UpdateExpression": "SET expires_at=:e",
        "ConditionExpression": " AND ".join(checks),
        "ExpressionAttributeNames": {one: name for name, one in place.items()},
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }

"""The ledger: the second table, where a key is consumed together with the write.

A key is claimed by an action of the very transaction that has the effect, so there is no in-progress state: either the
ledger holds the key together with its effect, or neither happened. Where it is claimed, the key alone decides: a
time-ordered key of a queue in the slot of its time, which it shares with others, any other key in a record of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ..model.wire import Wire
from . import slots
from .idempotency_key import QUEUE_SCOPE, IdempotencyKey
from .records import Record

DEFAULT_RETENTION_DAYS = 30
"""Longer than a queue's retention (14 days) and its dead-letter queue's (14) together: a message that is redriven after
its record has expired would be applied again."""

DEFAULT_SLOT_MS = 100


class Ledger:
    """The ledger table.

    `retention` is in seconds; `clock` gives the time in seconds since 1970. Without `packing` every key has a record of
    its own. `slot_ms` is the width of a slot in milliseconds, `close_at` the number of keys at which one is closed. A
    ledger that is in use takes another `packing`, `slot_ms` or `close_at` only by the procedure in docs/protocol.md.
    """

    def __init__(
        self,
        table: str,
        *,
        retention: float = DEFAULT_RETENTION_DAYS * 86_400,
        clock: Callable[[], float] = time.time,
        packing: bool = True,
        slot_ms: int = DEFAULT_SLOT_MS,
        close_at: int = slots.CLOSE_AT,
    ) -> None:
        self.table, self.retention, self.clock = table, retention, clock
        self.packing, self.slot_ms, self.close_at = packing, slot_ms, close_at

    def slot(self, key: IdempotencyKey) -> str | None:
        """The id of the key's slot, `<scope>#t<number>`; None if it has a record of its own in any case."""
        if not self.packing or not key.scope.startswith(QUEUE_SCOPE) or key.timestamp is None:
            return None
        return f"{key.record_scope}#t{key.timestamp // self.slot_ms}"

    def reads(self, key: IdempotencyKey) -> list[Wire]:
        """The primary keys of all that may hold the key."""
        slot = self.slot(key)
        ids = [key.record_id] if slot is None else [key.record_id, slot]
        return [{"id": {"S": one}} for one in ids]

    def found(self, key: IdempotencyKey, items: Mapping[str, Wire]) -> Record | None:
        """What the items, by their ids, say of the key; None if it is absent or has expired. A key may be remembered
        longer, never shorter: one in a slot stands as long as the slot does."""
        slot = self.slot(key)
        if slot is not None and (item := items.get(slot)) is not None:
            seen = slots.Slot.from_wire(slot, item)
            if (value := seen.keys.get(slots.attribute(key))) is not None:
                return packed(value, seen)
        return self.standing(items.get(key.record_id))

    def standing(self, item: Wire | None) -> Record | None:
        """The record that a read has brought, None if it is absent or has expired."""
        record = None if item is None else Record.from_wire(item)
        return record if record is not None and record.expires_at > self.clock() else None


def packed(value: bytes, slot: slots.Slot) -> Record:
    """What a slot says of a key whose attribute has the value."""
    return Record(bytes(value).hex(), None, None, slot.expires_at, packed=True)

"""What the protocol's tests stand on: a writer whose calls are kept, and looks at the tables past the library."""

import base64
import hashlib
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import pytest

from surewrite import (
    Boto3Transport,
    Client,
    IdempotencyKey,
    Item,
    Ledger,
    Outcome,
    Table,
    Transport,
    Write,
)
from surewrite.commit.slots import CLOSE_AT
from surewrite.model.wire import Image, image_from_wire, image_to_wire
from surewrite.table import M
from surewrite.testing import Clock, RecordingTransport, create_table
from tests.models import Book

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETENTION = 100
"""Seconds for which keys are remembered."""


@dataclass
class House:
    """Empty tables, and a writer on them, whose slots close at `close_at` keys."""

    client: "DynamoDBClient"
    names: Mapping[str, str]
    clock: Clock = field(default_factory=Clock)
    close_at: int = CLOSE_AT

    def __post_init__(self) -> None:
        self.transport = RecordingTransport(Boto3Transport(self.client))
        self.db = self.on(self.transport)

    def with_table(self, model: type[Item], *, attributes: Mapping[str, str] | None = None, **options: Any) -> Self:
        """This house with one more table, that of the model; `attributes` and `options` are
        `create_table`'s."""
        name = self.names["Ledger"] + "-" + model.schema_.table
        create_table(self.client, name, model, attributes=attributes, **options)
        return replace(self, names={**self.names, model.schema_.table: name})

    def closing_at(self, close_at: int) -> Self:
        """This house with slots that close at so many keys."""
        return replace(self, close_at=close_at)

    def late(self, seconds: float) -> Self:
        """This house with a clock that is so much behind, and stays so as long as none is moved."""
        return replace(self, clock=Clock(self.clock.now - seconds))

    def on(self, transport: Transport, sleep: Callable[[float], None] | None = None) -> Client:
        """Another writer on the same tables. It can hardly run out of time, unless it is given a deadline."""
        ledger = Ledger(self.names["Ledger"], retention=RETENTION, clock=self.clock, close_at=self.close_at)
        return Client(ledger, transport=transport, tables=self.names, timeout=60, sleep=sleep or time.sleep)

    def table(self, model: type[M], scope: str = "app") -> Table[M]:
        return self.db.table(model, scope=scope)

    @property
    def operations(self) -> list[str]:
        """What has been called since the last time that somebody asked."""
        operations = self.transport.operations
        self.transport.calls.clear()
        return operations

    def seed(self, *items: Item, version: str | None = "seeded") -> None:
        """Stores items past the library; without a version as somebody else would."""
        stamp = {} if version is None else {"_v": version}
        for start in range(0, len(items), 25):
            asked: dict[str, list[Any]] = {}
            for item in items[start : start + 25]:
                put = {"PutRequest": {"Item": image_to_wire({**item.to_image(), **stamp})}}
                asked.setdefault(self.db.session.table(type(item)), []).append(put)
            self.client.batch_write_item(RequestItems=asked)

    def seed_image(self, model: type[Item], image: Image, version: str | None = "seeded") -> None:
        stamped = image if version is None else {**image, "_v": version}
        self.client.put_item(TableName=self.db.session.table(model), Item=image_to_wire(stamped))

    def stored(self, model: type[Item], key: Any) -> Image | None:
        """The item as it lies in the table, with its version."""
        return self._get(self.db.session.table(model), image_to_wire(model.schema_.key(key)))

    def shown(self, model: type[Item], key: Any) -> Image | None:
        """The item without its version."""
        stored = self.stored(model, key)
        return None if stored is None else {name: value for name, value in stored.items() if name != "_v"}

    def record(self, key: IdempotencyKey) -> Image | None:
        """The key's record as it lies in the ledger, expired or not."""
        return self._get(self.names["Ledger"], {"id": {"S": key.record_id}})

    def slot(self, key: IdempotencyKey) -> Image | None:
        """The key's slot as it lies in the ledger, expired or not."""
        slot = self.db.session.ledger.slot(key)
        return None if slot is None else self._get(self.names["Ledger"], {"id": {"S": slot}})

    def holds(self, key: IdempotencyKey) -> Image | None:
        """What the ledger holds of the key: its record, or `entry` and `expires_at` of the slot that it lies in."""
        slot = self.slot(key) or {}
        entry = slot.get(attribute(key))
        return self.record(key) if entry is None else {"entry": entry, "expires_at": slot["expires_at"]}

    def consumed_by(self, key: IdempotencyKey, write: Write) -> bool:
        """Whether the key is consumed, and by this write."""
        held = self.holds(key) or {}
        if "entry" in held:
            return bool(held["entry"] == short(write.fingerprint))
        return "rejected" not in held and held.get("fingerprint") == write.fingerprint

    def replay_of(self, fresh: Outcome, write: Write, key: IdempotencyKey) -> Outcome:
        """What a replay has to show: the outcome as it was, or, where the key lies in a slot, which keeps none, the
        item as it is now."""
        if write.return_values == "NONE":
            return Outcome(replayed=True)
        if "entry" not in (self.holds(key) or {}):
            return fresh.as_replay()
        stored = self.stored(write.model, write.key)
        version = None if stored is None else stored["_v"]
        return Outcome(self.shown(write.model, write.key), version, replayed=True, current=True)

    def consumed(self) -> int:
        """How many keys are consumed, in slots and by records of their own."""
        return sum(_consumed(image_from_wire(item)) for item in self._ledger())

    def slots(self) -> list[Image]:
        """Every slot as it lies in the ledger."""
        return [image for item in self._ledger() if "n" in (image := image_from_wire(item))]

    def forget(self, key: IdempotencyKey) -> None:
        """Deletes the key's slot, as TTL does when it has expired."""
        self.client.delete_item(TableName=self.names["Ledger"], Key={"id": {"S": self.db.session.ledger.slot(key)}})

    def _ledger(self) -> list[Any]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.names["Ledger"], ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def _get(self, table: str, key: Any) -> Image | None:
        found = self.client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return image_from_wire(found["Item"]) if "Item" in found else None


def attribute(key: IdempotencyKey) -> str:
    """The name of a key in its slot: it must stay the same for as long as ledgers last."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.key.encode()).digest()[:9]).decode()


def short(fingerprint: str) -> bytes:
    """What a slot holds of a fingerprint: it must stay the same as well."""
    return hashlib.sha256(fingerprint.encode()).digest()[:4]


def _consumed(image: Image) -> int:
    if "n" not in image:
        return "rejected" not in image
    return sum(value is not None for name, value in image.items() if name not in ("id", "n", "expires_at"))


@dataclass(frozen=True)
class Keys:
    """Makes keys of one kind. They have records of their own (`own`), share one slot (`packed`), or lie in several
    slots, with some in records of their own among them (`spread`)."""

    kind: str
    scope: str = "app"

    def __call__(self, text: str = "order-17", scope: str = "") -> IdempotencyKey:
        scope = scope or self.scope
        if self.kind == "own":
            return IdempotencyKey(scope, text)
        group = 0 if self.kind == "packed" else zlib.crc32(text.encode()) % 4
        timed = text if group == 3 else f"{SECOND + 100 * group}-{text.replace(' ', '_')}"
        return IdempotencyKey(f"queue:{scope}", timed)

    @property
    def shared(self) -> bool:
        """Whether keys share slots."""
        return self.kind != "own"

    @property
    def look_up(self) -> str:
        """The call that asks the ledger for one key: one that may lie in a slot is looked for in two places."""
        return "BatchGetItem" if self.shared else "GetItem"


OWN, PACKED, SPREAD = Keys("own"), Keys("packed"), Keys("spread")
in_every_way = pytest.mark.parametrize("key", [OWN, PACKED, SPREAD], ids=lambda keys: keys.kind)
"""A test of many keys: the fixture `key` makes them of the first two kinds only."""

SECOND = 1_767_225_600_000
"""The time that keys carry, in milliseconds since 1970."""

RAINMAKER = ("John Grisham", "The Rainmaker")


def rainmaker(**changes: Any) -> Book:
    """The book of the documents."""
    given: dict[str, Any] = {
        "author": RAINMAKER[0],
        "title": RAINMAKER[1],
        "category": "Suspense",
        "formats": {"Hardcover": "J4SUKVGU", "Paperback": "D7YF4FCX"},
        **changes,
    }
    return Book.model_validate(given)

"""What the protocol's tests stand on: a writer whose calls are kept, and looks at the tables past the library."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from surewrite import (
    Boto3Transport,
    Client,
    IdempotencyKey,
    Item,
    Ledger,
    Table,
    Transport,
)
from surewrite.model.wire import Image, image_from_wire, image_to_wire
from surewrite.table import M
from surewrite.testing import Clock, RecordingTransport, create_table
from tests.models import Book

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass
class House:
    """Empty tables, and a writer on them."""

    client: "DynamoDBClient"
    names: Mapping[str, str]
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.transport = RecordingTransport(Boto3Transport(self.client))
        self.db = self.on(self.transport)

    def with_table(self, model: type[Item], *, attributes: Sequence[Any] = (), **options: Any) -> Self:
        """This house with one more table, that of the model; `attributes` and `options` as boto3 takes them."""
        name = self.names["Ledger"] + "-" + model.schema_.table
        create_table(self.client, name, model, attributes=attributes, **options)
        return replace(self, names={**self.names, model.schema_.table: name})

    def on(self, transport: Transport, sleep: Callable[[float], None] | None = None) -> Client:
        """Another writer on the same tables. It can hardly run out of time, unless it is given a deadline."""
        ledger = Ledger(self.names["Ledger"], retention=100, clock=self.clock)
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
        for item in items:
            self.seed_image(type(item), item.to_image(), version)

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

    def records(self) -> int:
        return self.client.scan(TableName=self.names["Ledger"], Select="COUNT")["Count"]

    def _get(self, table: str, key: Any) -> Image | None:
        found = self.client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return image_from_wire(found["Item"]) if "Item" in found else None


def key(text: str = "order-17", scope: str = "app") -> IdempotencyKey:
    return IdempotencyKey(scope, text)


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

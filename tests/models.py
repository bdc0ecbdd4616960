"""The items of the library's tests. They are no deployment's: a team replaces the bookstore's models, not these.

Book, Product, Thread and User are the tables of the documents' examples; the others show what those leave out.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

from surewrite import GlobalIndex, Item, LocalIndex, PartitionKey, SortKey

Count = Annotated[int, Field(ge=0)]
Money = Annotated[Decimal, Field(ge=0)]


class Book(Item, table="Books", collection="books"):
    """A title in the shop. `formats` maps a format to its item number in the inventory."""

    model_config = ConfigDict(alias_generator=to_pascal)

    author: PartitionKey[str]
    title: SortKey[str]
    category: str | None = None
    formats: dict[str, str] = {}
    price: Money | None = None
    stock: Count = 0
    views: Count = 0
    tags: set[str] = set()


class Product(Item, table="ProductCatalog", collection="products"):
    """An entry of the product catalog."""

    model_config = ConfigDict(alias_generator=to_pascal)

    id: PartitionKey[int]
    description: str | None = None
    price: Money | None = None
    quantity_on_hand: Count = 0
    related_items: list[int] = []


class Thread(
    Item, table="Thread", collection="threads", indexes=[LocalIndex("LastPostIndex", "LastPostDateTime", "KEYS_ONLY")]
):
    """A discussion thread of a forum. `last_post_date_time` has the form `201603190422`."""

    model_config = ConfigDict(alias_generator=to_pascal)

    forum_name: PartitionKey[str]
    subject: SortKey[str]
    message: str | None = None
    last_posted_by: str | None = None
    last_post_date_time: str | None = None
    replies: Count = 0
    answered: Annotated[int, Field(ge=0, le=1)] = 0
    views: Count = 0


class Address(BaseModel):
    """Where a user lives; `zipcode` is a number, as in boto3's guide."""

    model_config = ConfigDict(extra="forbid")

    road: str | None = None
    city: str | None = None
    state: str | None = None
    zipcode: int | None = None


class User(Item, table="users", collection="users", indexes=[GlobalIndex("ByAccountType", "account_type", "age")]):
    """A user of the shop."""

    username: PartitionKey[str]
    last_name: SortKey[str]
    first_name: str | None = None
    age: Annotated[int, Field(ge=0, le=150)] | None = None
    account_type: str | None = None
    address: Address = Field(default_factory=Address)


class Offer(Item, table="Offers", collection="offers"):
    """Its validator looks at two attributes at a time: no condition can say it."""

    id: PartitionKey[str]
    low: int = 0
    high: int = 10
    note: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Part(BaseModel):
    """One of a thing's parts."""

    name: str
    blob: bytes = b""
    sizes: set[Decimal] = set()


class Thing(Item, table="Things", collection="things"):
    """Every type of DynamoDB, under a binary and a numeric key."""

    id: PartitionKey[bytes]
    number: SortKey[Decimal]
    text: str | None = None
    amount: Decimal | None = None
    blob: bytes | None = None
    flag: bool | None = None
    words: set[str] = set()
    numbers: set[Decimal] = set()
    blobs: set[bytes] = set()
    parts: list[Part] = []
    named: dict[str, Part] = {}


BOOKSTORE: tuple[type[Item], ...] = (Book, Product, Thread, User)
"""What is served where a whole stack runs."""

MODELS: tuple[type[Item], ...] = (*BOOKSTORE, Offer, Thing)
"""Each has a table of its own in every test."""


class Span(BaseModel):
    """A part of an item whose validator looks at two attributes at a time."""

    low: int = 0
    high: int = 9

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self

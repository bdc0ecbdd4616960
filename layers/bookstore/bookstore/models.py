"""The bookstore's items: what a team replaces by its own models.

Aliases are the names of the attributes in DynamoDB, in requests and in messages.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
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


MODELS: tuple[type[Item], ...] = (Book, Product, Thread, User)
"""Every model that the API and the worker serve."""

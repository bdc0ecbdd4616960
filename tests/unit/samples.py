"""The models that the unit tests share."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from surewrite import Item, PartitionKey, SortKey


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str
    floor: int = 0
    labels: set[str] = set()


class Sample(Item, table="Samples"):
    """A field of every type; `Count` is the only one whose name in DynamoDB is another."""

    id: PartitionKey[str]
    at: SortKey[int]
    name: str
    count: Annotated[int, Field(ge=0, alias="Count")] = 0
    price: Decimal | None = None
    raw: bytes | None = None
    flag: bool = False
    words: set[str] = set()
    numbers: set[int] = set()
    blobs: set[bytes] = set()
    items: list[int] = []
    places: list[Place] = []
    home: Place = Place(city="Rome")
    work: Place | None = None
    prices: dict[str, Decimal] = {}
    extras: dict[str, Any] = {}

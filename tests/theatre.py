"""Seats of a theatre, and who has booked them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from surewrite import GlobalIndex, Item, PartitionKey, SortKey

Money = Annotated[Decimal, Field(ge=0, decimal_places=2)]


class Contact(BaseModel):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", examples=["jane@example.com"])
    phone: str | None = None


class Seat(Item, table="Seats", collection="seats", indexes=[GlobalIndex("ByState", "state", "row")]):
    """One seat of one performance; `number` counts from the left of its row."""

    performance: PartitionKey[str] = Field(examples=["2026-01-01-hamlet"])
    number: SortKey[int] = Field(ge=1, le=2000)
    row: str = Field(min_length=1, max_length=2, examples=["C"])
    state: Literal["free", "held", "sold"] = "free"
    price: Money = Decimal(0)
    extras: set[str] = set()


class Booking(Item, table="Bookings", collection="bookings", ttl="expires_at"):
    """What a customer has booked: seats by their number, each with what was paid for it."""

    customer: PartitionKey[str]
    id: SortKey[str]
    contact: Contact
    seats: dict[str, Money] = {}
    total: Money = Decimal(0)
    changes: int = Field(default=0, ge=0, le=20)
    expires_at: int | None = None


MODELS = (Seat, Booking)

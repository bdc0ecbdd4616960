"""Exactly-once DynamoDB writes: the idempotency key and the write commit in one transaction."""

from pydantic import Field

from .commit.ledger import IdempotencyKey, Ledger, Outcome
from .commit.one import Writer
from .commit.transport import Boto3Transport, Deadline, DynamoDB, Transport, boto3_client
from .expressions.attributes import attr
from .expressions.evaluate import ReturnValues, apply
from .expressions.updates import Update
from .model.item import Item
from .model.keys import PartitionKey, SortKey
from .table import Table
from .writes import Write

__version__ = "0.1.0"

__all__ = [
    "Boto3Transport",
    "Deadline",
    "DynamoDB",
    "Field",
    "IdempotencyKey",
    "Item",
    "Ledger",
    "Outcome",
    "PartitionKey",
    "ReturnValues",
    "SortKey",
    "Table",
    "Transport",
    "Update",
    "Write",
    "Writer",
    "apply",
    "attr",
    "boto3_client",
]

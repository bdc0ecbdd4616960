"""Exactly-once DynamoDB writes: the idempotency key and the write commit in one transaction."""

from boto3.dynamodb.conditions import Attr, Key
from pydantic import Field

from .apply import ReturnValues, apply
from .client import Boto3Transport, Deadline, DynamoDB, Transport, boto3_client
from .keys import PartitionKey, SortKey
from .ledger import IdempotencyKey, Ledger, Outcome
from .models import Item
from .tables import Table
from .updates import Update, attr
from .writer import Writer
from .writes import Write

__version__ = "0.1.0"

__all__ = [
    "Attr",
    "Boto3Transport",
    "Deadline",
    "DynamoDB",
    "Field",
    "IdempotencyKey",
    "Item",
    "Key",
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

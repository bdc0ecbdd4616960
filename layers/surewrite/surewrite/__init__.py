"""Exactly-once DynamoDB writes: the idempotency key and the write commit in one transaction.

Everything public is here. It is imported when it is first used (PEP 562), so that a cold start pays for nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import Field as Field

    from .batch_get import Found as Found
    from .client import Client as Client
    from .commit.idempotency_key import IdempotencyKey as IdempotencyKey
    from .commit.ledger import Ledger as Ledger
    from .commit.many import Entry as Entry
    from .commit.outcome import Outcome as Outcome
    from .commit.outcome import Result as Result
    from .commit.records import Record as Record
    from .commit.retry import Deadline as Deadline
    from .commit.transaction import Transaction as Transaction
    from .commit.transport import Boto3Transport as Boto3Transport
    from .commit.transport import Transport as Transport
    from .commit.transport import boto3_client as boto3_client
    from .errors import Blocked as Blocked
    from .errors import BulkIncomplete as BulkIncomplete
    from .errors import CallFailed as CallFailed
    from .errors import ConditionFailed as ConditionFailed
    from .errors import ConfigurationError as ConfigurationError
    from .errors import Conflict as Conflict
    from .errors import DeadlineExceeded as DeadlineExceeded
    from .errors import InvalidCondition as InvalidCondition
    from .errors import InvalidItem as InvalidItem
    from .errors import InvalidJSON as InvalidJSON
    from .errors import InvalidKey as InvalidKey
    from .errors import InvalidRequest as InvalidRequest
    from .errors import InvalidUpdate as InvalidUpdate
    from .errors import ItemTooLarge as ItemTooLarge
    from .errors import KeyReused as KeyReused
    from .errors import MessageTooLarge as MessageTooLarge
    from .errors import NotFound as NotFound
    from .errors import NotQueued as NotQueued
    from .errors import Problem as Problem
    from .errors import ReadIncomplete as ReadIncomplete
    from .errors import Rejected as Rejected
    from .errors import RequestRefused as RequestRefused
    from .errors import ResponseLost as ResponseLost
    from .errors import Retryable as Retryable
    from .errors import SurewriteError as SurewriteError
    from .errors import Throttled as Throttled
    from .errors import Unavailable as Unavailable
    from .errors import UnknownCollection as UnknownCollection
    from .expressions.attributes import attr as attr
    from .expressions.attributes import list_append as list_append
    from .expressions.attributes import literal as literal
    from .expressions.evaluate import ReturnValues as ReturnValues
    from .expressions.evaluate import apply as apply
    from .expressions.updates import Update as Update
    from .model.indexes import GlobalIndex as GlobalIndex
    from .model.indexes import LocalIndex as LocalIndex
    from .model.item import Item as Item
    from .model.keys import PartitionKey as PartitionKey
    from .model.keys import SortKey as SortKey
    from .operations import Operation as Operation
    from .operations import Operations as Operations
    from .reading import Page as Page
    from .table import Table as Table
    from .writes import BulkWrite as BulkWrite
    from .writes import TransactWrite as TransactWrite
    from .writes import Write as Write

__version__ = "0.2.0"

_MODULES = {
    ".batch_get": "Found",
    ".client": "Client",
    ".commit.idempotency_key": "IdempotencyKey",
    ".commit.ledger": "Ledger",
    ".commit.many": "Entry",
    ".commit.outcome": "Outcome Result",
    ".commit.records": "Record",
    ".commit.retry": "Deadline",
    ".commit.transaction": "Transaction",
    ".commit.transport": "Boto3Transport Transport boto3_client",
    ".errors": (
        "BulkIncomplete Blocked CallFailed ConditionFailed ConfigurationError Conflict DeadlineExceeded "
        "InvalidCondition InvalidItem InvalidJSON InvalidKey InvalidRequest InvalidUpdate ItemTooLarge KeyReused "
        "MessageTooLarge NotFound NotQueued Problem ReadIncomplete Rejected RequestRefused ResponseLost Retryable "
        "SurewriteError Throttled Unavailable UnknownCollection"
    ),
    ".expressions.evaluate": "ReturnValues apply",
    ".expressions.attributes": "attr list_append literal",
    ".expressions.updates": "Update",
    ".model.indexes": "GlobalIndex LocalIndex",
    ".model.item": "Item",
    ".model.keys": "PartitionKey SortKey",
    ".operations": "Operation Operations",
    ".reading": "Page",
    ".table": "Table",
    ".writes": "BulkWrite TransactWrite Write",
    "pydantic": "Field",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(_HOMES)


if not TYPE_CHECKING:  # a type checker would take any name for one that is here

    def __getattr__(name: str) -> Any:
        if (module := _HOMES.get(name)) is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(module, __name__), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

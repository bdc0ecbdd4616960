"""`Client`: the facade of the library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from .commit import bulk, many, one
from .commit.capacity import Usage, measure
from .commit.idempotency_key import IdempotencyKey
from .commit.ledger import DEFAULT_RETENTION_DAYS, DEFAULT_SLOT_MS, Ledger
from .commit.many import Entry
from .commit.outcome import Outcome, Result
from .commit.records import Claim, Record
from .commit.retry import Deadline
from .commit.session import Session
from .commit.transport import Boto3Transport, Transport, boto3_client
from .hints import hinting
from .model.item import Item
from .settings import Settings
from .writes import AnyWrite, BulkWrite, Write

if TYPE_CHECKING:
    from .batch_get import Found
    from .commit.transaction import Transaction
    from .commit.unit_of_work import Work
    from .resource import TableResource
    from .table import Table

M = TypeVar("M", bound=Item)
P = ParamSpec("P")
R = TypeVar("R")


@hinting
class Client:
    """Exactly-once writes on DynamoDB. Thread-safe: make one for each process.

        db = Client(ledger="Ledger")
        books = db.table(Book)

    `ledger` is the ledger's table, or a `Ledger`; `transport` sends the calls, by default a boto3 client's. `tables`
    maps the models' logical table names to physical ones (by default they are the same). `timeout` is the time in
    seconds that a request may take where no deadline is given, `scope` is whose idempotency keys texts are. `packing`
    and `slot_ms` are the `Ledger`'s.
    """

    def __init__(
        self,
        ledger: str | Ledger = "Ledger",
        *,
        transport: Transport | None = None,
        tables: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        retention_days: float = DEFAULT_RETENTION_DAYS,
        packing: bool = True,
        slot_ms: int = DEFAULT_SLOT_MS,
        scope: str = "app",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if isinstance(ledger, str):
            ledger = Ledger(ledger, retention=retention_days * 86_400, packing=packing, slot_ms=slot_ms)
        transport = transport or Boto3Transport(boto3_client())
        self.scope = scope
        self.session = Session(transport, ledger, tables=tables, timeout=timeout, sleep=sleep)

    @classmethod
    def from_env(
        cls,
        models: Iterable[type[Item]],
        *,
        variables: Mapping[str, str] = os.environ,
        also: Iterable[str] = (),
        transport: Transport | None = None,
        timeout: float = 10.0,
    ) -> Self:
        """The client of a function, from the variables of its template: `LEDGER_TABLE`, and one for each model's
        table (`Settings`). ConfigurationError names all that are missing, of those that the function needs `also`
        as well."""
        settings = Settings.read(variables, models, *also)
        return cls(
            settings.ledger,
            transport=transport,
            tables=settings.tables,
            timeout=timeout,
            retention_days=settings.retention_days,
            packing=settings.packing,
            slot_ms=settings.slot_ms,
        )

    def table(self, model: type[M], *, scope: str | None = None) -> Table[M]:
        """Typed access to the model's items. `scope` is whose idempotency keys its writes carry, by default the
        client's."""
        from .table import Table  # many functions need none

        return Table(model, self.session, scope=self.scope if scope is None else scope)

    def get_many(
        self,
        keys: Mapping[type[Item], Iterable[Any]],
        *,
        fields: Mapping[type[Item], Iterable[str]] | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> dict[type[Item], Found[Any]]:
        """Any number of items of several models by their keys: `db.get_many({Book: [("John Grisham", "The Rainmaker")],
        Product: [601]})`. `fields` are document paths, by model."""
        from .batch_get import get_many  # many functions need none

        call = self.session.begin(deadline, return_consumed_capacity)
        return get_many(self.session, keys, call, fields=fields, consistent=consistent)

    def resource(self, model: type[Item]) -> TableResource:
        """The model's table itself, to be created, described and deleted."""
        from .resource import TableResource  # few programs do

        return TableResource(model, self.session)

    def measure(
        self, return_consumed_capacity: str = "TOTAL", *, item_collections: bool = False
    ) -> AbstractContextManager[Usage]:
        """What everything within consumes, reads, writes and batches of any client, summed by table:

            with db.measure("INDEXES") as usage:
                books.get(key)
            usage.capacity  # {"Books": {"CapacityUnits": 0.5, "Table": {…}}}

        With `item_collections` the sizes of item collections as well, of tables that have local indexes.
        """
        return measure(return_consumed_capacity, item_collections=item_collections)

    def commit(
        self,
        write: Write,
        idempotency_key: str | IdempotencyKey | None = None,
        *,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> Outcome:
        """Applies one write: once for each key, or at least once without one. `commit.one.commit` says what it raises.

        `return_consumed_capacity` is "TOTAL" or "INDEXES".
        """
        call = self.session.begin(deadline, return_consumed_capacity)
        key = None if idempotency_key is None else IdempotencyKey.of(idempotency_key, self.scope)
        return one.commit(self.session, write, key, call)

    def commit_many(
        self, entries: Iterable[Entry], *, deadline: Deadline | None = None, parallel: int = 8, ordered: bool = True
    ) -> list[Result]:
        """Commits every entry as if one by one in their order, in as few transactions as can be, at most `parallel` of
        them at a time; a result for each. What the deadline cuts off is a DeadlineExceeded of its own.

        Without `ordered` entries that have no lane may be committed in another order, which costs less where their keys
        are packed: a standard queue hands out a backlog in any order.
        """
        call = self.session.begin(deadline)
        return many.commit_many(self.session, list(entries), call, parallel=parallel, ordered=ordered)

    def transact(
        self,
        writes: Iterable[Write],
        idempotency_key: str | IdempotencyKey | None = None,
        *,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> Outcome:
        """Applies writes and checks of distinct items all together or not at all: at most 99 of them once for each key,
        or 100 at least once without one.

            db.transact([Write.put(order, absent=True), Write.update(Product, 601, {attr("QuantityOnHand").add(-1)}),
                         Write.check(User, ("johndoe", "Doe"), attr("account_type").eq("standard_user"))], "order-17")

        `commit.transact.transact` says what it raises.
        """
        from .commit.transact import transact  # many functions have none

        call = self.session.begin(deadline, return_consumed_capacity)
        key = None if idempotency_key is None else IdempotencyKey.of(idempotency_key, self.scope)
        return transact(self.session, tuple(writes), key, call)

    def bulk_write(
        self,
        bulk_write: BulkWrite,
        idempotency_key: str | IdempotencyKey | None = None,
        *,
        deadline: Deadline | None = None,
        parallel: int = 8,
        return_consumed_capacity: str | None = None,
    ) -> Outcome:
        """Puts and deletes many items. With a key chunk by chunk, each chunk once: a repeated call goes on with what is
        missing, and is a replay if that is nothing. Without one by BatchWriteItem, at least once and in no order.

        Raises KeyReused where the key belongs to another bulk write, InvalidRequest where DynamoDB refuses an item, a
        Retryable where time ran out; without a key that is BulkIncomplete, which carries the missing items' keys.
        """
        call = self.session.begin(deadline, return_consumed_capacity)
        if idempotency_key is None:
            bulk.write_batches(self.session, bulk_write, call, parallel=parallel)
            return Outcome(consumed=tuple(call.consumed))
        key = IdempotencyKey.of(idempotency_key, self.scope)
        (result,) = many.commit_many(self.session, [Entry(bulk_write, key)], call, parallel=parallel)
        return replace(result.unwrap(), consumed=tuple(call.consumed))

    def exactly_once(self, name: str) -> Callable[[Callable[Concatenate[Transaction, P], R]], Work[P, R]]:
        """Makes a function of a `Transaction` run once for each key (`commit.unit_of_work`). `name` is whose keys these
        are: it must stay the same when the function moves."""
        from .commit.unit_of_work import exactly_once  # many functions have none

        return exactly_once(self.session, name)

    def find(self, key: IdempotencyKey, *, deadline: Deadline | None = None) -> Record | None:
        """What the ledger holds of a key: applied, rejected or pending, None if nothing or nothing any more."""
        return self.session.records([key], self.session.begin(deadline))[key]

    def accept(self, write: AnyWrite, key: IdempotencyKey, *, deadline: Deadline | None = None) -> Outcome | None:
        """Marks the key as pending, for a write that is to be committed later; that consumes no key.

        Returns None, or the outcome of the write if it was applied before. Raises KeyReused where the key belongs to
        another request, or is pending for another one.
        """
        from .commit.pending import accept  # most functions have none

        return accept(self.session, write, key, self.session.begin(deadline))

    def reject(
        self,
        key: IdempotencyKey,
        fingerprint: str,
        reason: str,
        *,
        source: str | None = None,
        deadline: Deadline | None = None,
    ) -> Record | None:
        """Records why a request was refused; that consumes no key. `source` is the id of the message that brought it.
        Returns the record of the write that has consumed its key, if one has."""
        claim = Claim(key, fingerprint, source=source, rejected=reason)
        (found,) = self.reject_many([claim], deadline=deadline)
        if isinstance(found, Exception):
            raise found
        return found

    def reject_many(
        self, claims: Iterable[Claim], *, deadline: Deadline | None = None, parallel: int = 8
    ) -> list[Record | Exception | None]:
        """Records rejections, each a claim with its reason, in as few transactions as can be. For each: None, the
        record of the write that has consumed its key, or the error."""
        from .commit.rejection import reject  # most batches have none

        return reject(self.session, claims, self.session.begin(deadline), parallel=parallel)

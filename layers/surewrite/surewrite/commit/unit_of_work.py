"""The unit of work: a function whose reads, writes, result and key commit in one transaction.

    @db.exactly_once("place-order")
    def place_order(tx: Transaction, order: Order) -> Receipt:
        book = tx.require(Book, order.book)          # pinned: its version becomes a condition of the commit
        tx.update(Book, order.book, {attr("Stock").add(-order.copies)})
        tx.put(order)
        return Receipt(total=book.price * order.copies)

    place_order(order, idempotency_key="order-17")

The function only collects writes. A lost race runs it again, so it must have no other effects; for a key that is used
the stored result is returned without running it.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from ..errors import ConditionFailed, Conflict, InvalidKey, InvalidRequest, InvalidUpdate, Problem
from ..model.coerce import native
from ..model.json import canonical
from ..writes import new_version
from .effects import explain
from .idempotency_key import QUEUE_SCOPE, IdempotencyKey
from .one import run
from .outcome import MAX_OUTCOME_BYTES, Outcome, Result, replayed
from .parts import Part, Status, Verdict
from .records import Claim, Record
from .retry import Deadline
from .schedule import MAX_ACTIONS
from .session import Call, Seen, Session
from .transaction import Touched, Transaction
from .units import After, Doubt, Reads, SingleUnit

P = ParamSpec("P")
R = TypeVar("R")

Run = Callable[[Transaction], str]
"""Runs the function once; its result as JSON."""


class WorkUnit(SingleUnit):
    """A function's run, again and again until one commits. `stored` is its result in the end, as JSON."""

    def __init__(self, run: Run, claim: Claim) -> None:
        super().__init__(0)
        self._run, self._claim = run, claim
        self._items: list[Touched] = []
        self._record: Record | None = None
        self._asked = self._read_all = False
        self.stored = ""

    @property
    def claims(self) -> Sequence[Claim]:
        return (self._claim,)

    @property
    def resources(self) -> tuple[Hashable, ...]:
        return ()

    @property
    def size(self) -> int:
        return 0

    @property
    def reads(self) -> Reads:
        return Reads() if self._asked else Reads((), [self._claim.key])

    def see(self, seen: Seen) -> None:
        self._asked, self._record = True, seen.records[self._claim.key]

    def replay(self, claim: Claim, record: Record) -> Result:
        self.stored = record.outcome or "null"
        return replayed(claim, replace(record, outcome=None))

    def prepare(self, session: Session, call: Call) -> tuple[Part | None, After]:
        if self._claim.barred_by(self._record):
            return None, self._done(self.replay(self._claim, self._record))
        transaction = Transaction(session, call)
        try:
            self.stored = self._run(transaction)
            actions = transaction.actions(new_version(), read_all=self._read_all)
            _check_size(self.stored, len(self.claims) + len(actions))
        except Exception as error:
            if transaction.torn():
                return None, self._again(raced=True)
            return None, After(doubts=[Doubt(self.ticket, self._claim, error)])
        self._items = transaction.items
        return Part([replace(self._claim, outcome=self.stored)], actions), After()

    def conclude(self, verdict: Verdict) -> After:
        match verdict.status:
            case Status.APPLIED:
                return self._done(Result(Outcome()))
            case Status.KEY_USED:
                (record,) = verdict.records
                assert record is not None
                return self._done(self.replay(self._claim, record))
            case Status.CONDITION_FAILED:
                assert verdict.action is not None
                return self._unmet(self._items[verdict.action], verdict)
            case Status.REFUSED if self._read_all:
                error = InvalidUpdate(Problem((), verdict.message or "DynamoDB refuses the write"))
                return After(doubts=[Doubt(self.ticket, self._claim, error)])
            case Status.REFUSED:
                self._read_all = True
        return self._again()

    def _unmet(self, touched: Touched, verdict: Verdict) -> After:
        if touched.read and (verdict.image is None or verdict.image != touched.image):
            return self._again(raced=True)
        if verdict.image is None:  # there is no item, or AWS did not bring it: it does not promise to
            self._read_all = True
            return self._again()
        if touched.read or touched.write is None:  # the item is as it was: no race
            error: Exception = ConditionFailed(touched.target.model.schema_.visible(verdict.image))
        else:
            error = explain(touched.write, verdict.image)
        return After(doubts=[Doubt(self.ticket, self._claim, error)])

    def _again(self, *, raced: bool = False) -> After:
        return After(left=[self], raced=Conflict("other writers kept changing the items") if raced else None)


class Work(Generic[P, R]):
    """A function that runs exactly once for each key. `name` is whose keys these are: `work:<name>`."""

    def __init__(self, function: Callable[Concatenate[Transaction, P], R], session: Session, name: str) -> None:
        functools.update_wrapper(self, function)
        self._function, self._session, self._name = function, session, name
        self._result: TypeAdapter[R] = TypeAdapter(get_type_hints(function).get("return", Any))
        self._signature = inspect.signature(function)

    def __call__(
        self, *args: Any, idempotency_key: str | IdempotencyKey, deadline: Deadline | None = None, **kwargs: Any
    ) -> R:
        """The function's result: fresh, or as it was stored under the key.

        Raises what the function raises, and what the commit of a write does.
        """
        key = IdempotencyKey.of(idempotency_key, f"work:{self._name}")
        if key.scope.startswith(QUEUE_SCOPE):
            reason = "the result is kept under the key, and nothing is kept under those of a queue"
            raise InvalidKey(Problem(("idempotency_key",), reason))
        bound = self._signature.bind(None, *args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        del given[next(iter(given))]
        unit = WorkUnit(self._runs(args, kwargs), Claim(key, self._fingerprint(given)))
        run(self._session, unit, self._session.begin(deadline))
        return self._result.validate_json(unit.stored)

    def _runs(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Run:
        def once(transaction: Transaction) -> str:
            # each run gets the arguments as they were given, whatever an earlier run has made of them
            own_args, own_kwargs = copy.deepcopy((args, kwargs))
            returned = self._function(transaction, *own_args, **own_kwargs)
            stored = self._result.dump_json(returned, by_alias=True, round_trip=True).decode()
            self._result.validate_json(stored)  # whatever cannot come back may not be committed
            return stored

        return once

    def _fingerprint(self, given: Mapping[str, Any]) -> str:
        try:
            text = canonical([self._name, native(dict(given))])
        except (ValueError, TypeError) as error:
            raise InvalidRequest(Problem((), f"an argument cannot be told from others: {error}")) from None
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _check_size(stored: str, actions: int) -> None:
    if actions > MAX_ACTIONS:
        raise InvalidRequest(Problem((), f"a transaction has at most {MAX_ACTIONS} actions, its key's included"))
    if len(stored.encode()) > MAX_OUTCOME_BYTES:
        raise InvalidRequest(Problem(("result",), f"larger than {MAX_OUTCOME_BYTES:,} bytes, it cannot be kept"))


def exactly_once(session: Session, name: str) -> Callable[[Callable[Concatenate[Transaction, P], R]], Work[P, R]]:
    """Makes a function of a `Transaction` run once for each key."""

    def decorate(function: Callable[Concatenate[Transaction, P], R]) -> Work[P, R]:
        return Work(function, session, name)

    return decorate

"""The unit of work: a function whose reads, writes, result and key commit in one transaction.

    @exactly_once(writer)
    def place_order(tx: Transaction, order: Order) -> Receipt:
        book = tx.require(Book, order.book)          # pinned: its version becomes a condition of the commit
        tx.update(Book, order.book, {attr("Stock").add(-order.copies)})
        tx.put(order)
        return Receipt(total=book.price * order.copies)

    place_order(order, idempotency_key="order-17")

The function only collects writes. A lost race runs it again, so it must have no other effects; a key that is known
answers the stored result without running it.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from ..errors import InvalidRequest, InvalidUpdate, KeyReused, Problem, SurewriteError
from ..expressions.actions import Action
from ..expressions.combine import combine
from ..expressions.conditions import Condition, render_condition
from ..expressions.placeholders import Placeholders
from ..expressions.updates import Update
from ..model.coerce import native
from ..model.item import Item
from ..model.json import canonical
from ..model.wire import Image, image_from_wire, image_to_wire
from ..writes import Write
from .effects import effect, explain, pin
from .ledger import MAX_OUTCOME_BYTES, Claim, IdempotencyKey, Record
from .one import Writer
from .schedule import MAX_ACTIONS
from .transport import PASSING, REFUSED, Cancelled, Deadline, Refused

M = TypeVar("M", bound=Item)
P = ParamSpec("P")
R = TypeVar("R")


class NotFound(SurewriteError):
    """`Transaction.require` found no item."""


@dataclass
class _Touched:
    """An item of the transaction: as it was read, if it was, and what is to be done to it, if anything."""

    model: type[Item]
    key: Image
    read: bool = False
    image: Image | None = None
    write: Write | None = None


@dataclass
class Transaction:
    """Collects what a function reads and writes. Reads see the tables as they are, not the writes collected here."""

    _writer: Writer
    _deadline: Deadline
    _touched: dict[tuple[str, str], _Touched] = field(default_factory=dict)

    def get(self, model: type[M], key: Any) -> M | None:
        """The item, None if there is none. Either way the commit demands that it is still so."""
        touched = self._touch(model, model.schema_.key(key))
        if not touched.read:
            touched.image = self._writer.read(model, touched.key, deadline=self._deadline)
            touched.read = True
        return None if touched.image is None else model.from_image(touched.image)

    def require(self, model: type[M], key: Any) -> M:
        """The item; NotFound if there is none."""
        item = self.get(model, key)
        if item is None:
            raise NotFound(f"there is no such item in {model.schema_.collection}")
        return item

    def put(self, item: Item, **options: Any) -> None:
        """Stores the item whole; options are `when` and `absent`, as for `Write`."""
        self._add(Write.put(item, **options))

    def update(self, model: type[Item], key: Any, actions: Iterable[Action], when: Condition | None = None) -> None:
        """Changes the item in place. Several updates of one item must go together in one expression."""
        self._add(Write.update(model, key, actions, when))

    def delete(self, model: type[Item], key: Any, **options: Any) -> None:
        """Deletes the item; the option is `when`."""
        self._add(Write.delete(model, key, **options))

    def _touch(self, model: type[Item], key: Image) -> _Touched:
        target = Write.delete(model, key).target
        return self._touched.setdefault(target, _Touched(model, key))

    def _add(self, write: Write) -> None:
        touched = self._touch(write.model, write.key)
        touched.write = write if touched.write is None else _joined(touched.write, write)

    def _actions(self, version: str, pin_all: bool) -> tuple[list[dict[str, Any]], list[_Touched]]:
        """The transaction's actions, and the item that each is about. Items that were read are validated here."""
        actions: list[dict[str, Any]] = []
        items = list(self._touched.values())
        for touched in items:
            if touched.write is None:
                actions.append(self._check(touched))
                continue
            extra = None if touched.read or pin_all else self._guard(touched)
            if pin_all or touched.read:
                self._pinned(touched, version)
                extra = pin(touched.model, touched.image)
            kind, parameters = touched.write.request(self._writer.table(touched.model), version, extra)
            parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            if "ConditionExpression" not in parameters:
                del parameters["ReturnValuesOnConditionCheckFailure"]
            actions.append({kind: parameters})
        return actions, items

    def _guard(self, touched: _Touched) -> Condition | None:
        assert touched.write is not None
        if not touched.write.needs_item:
            return touched.write.constraint
        self._pinned(touched, "")
        return pin(touched.model, touched.image)

    def _pinned(self, touched: _Touched, version: str) -> None:
        """Reads the item if it was not, and validates what becomes of it."""
        assert touched.write is not None
        if not touched.read:
            touched.image = self._writer.read(touched.model, touched.key, deadline=self._deadline)
            touched.read = True
        touched.write = touched.write.resolved(touched.image)
        effect(touched.write, touched.image, version)

    def _check(self, touched: _Touched) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "TableName": self._writer.table(touched.model),
            "Key": image_to_wire(touched.key),
        }
        place = Placeholders()
        parameters["ConditionExpression"] = render_condition(pin(touched.model, touched.image), place)
        return {"ConditionCheck": parameters | place.parameters()}


def _joined(first: Write, second: Write) -> Write:
    together = None
    if isinstance(first.action, Update) and isinstance(second.action, Update) and second.condition is None:
        together = combine(first.action, second.action)
    if together is None:
        raise InvalidUpdate(Problem((first.model.schema_.collection,), "DynamoDB takes one write an item here"))
    return replace(first, action=together)


class Work(Generic[R]):
    """A function that runs exactly once for each key."""

    def __init__(self, function: Callable[..., R], writer: Writer) -> None:
        functools.update_wrapper(self, function)
        self._function, self._writer = function, writer
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._result: TypeAdapter[R] = TypeAdapter(get_type_hints(function).get("return", Any))
        self._signature = inspect.signature(function)

    def __call__(
        self, *args: Any, idempotency_key: str | IdempotencyKey, deadline: Deadline | None = None, **kwargs: Any
    ) -> R:
        """The function's result: fresh, or as it was stored under the key.

        A key that is a string belongs to this function. Raises what the function raises, and what `Writer.commit` does.
        """
        until = deadline or self._writer.deadline()
        key = idempotency_key
        known = key if isinstance(key, IdempotencyKey) else IdempotencyKey(f"work:{self._name}", key)
        claim = Claim(known, self._fingerprint(args, kwargs))
        if (record := self._writer.consumed(known, deadline=until)) is not None:
            return self._replayed(claim, record)
        return self._run(claim, args, kwargs, until)

    def _run(self, claim: Claim, args: tuple[Any, ...], kwargs: Mapping[str, Any], deadline: Deadline) -> R:
        backoff = self._writer.dynamodb.backoff(deadline)
        pin_all = False
        while True:
            transaction = Transaction(self._writer, deadline)
            try:
                returned = self._function(transaction, *args, **kwargs)
                stored = self._result.dump_json(returned, by_alias=True, round_trip=True).decode()
                result = self._result.validate_json(stored)  # whatever cannot come back may not be committed
                actions, items = transaction._actions(self._writer.version(), pin_all)
            except Exception:
                # what was read may be the effect of this very key, committed since the ledger was asked
                if (record := self._writer.consumed(claim.key, deadline=deadline)) is not None:
                    return self._replayed(claim, record)
                raise
            claims = self._writer.ledger.actions([replace(claim, outcome=_checked(stored))])
            if len(claims) + len(actions) > MAX_ACTIONS:
                raise InvalidRequest(Problem((), f"a transaction has at most {MAX_ACTIONS - len(claims)} items"))
            try:
                self._writer.dynamodb.transact([*claims, *actions], deadline)
                return result
            except Refused as refused:
                if pin_all:
                    raise InvalidUpdate(Problem((), refused.message)) from None
                pin_all = True
            except Cancelled as cancelled:
                record = self._writer.ledger.verdicts([claim], cancelled.reasons)[0]
                if record is not None:
                    return self._replayed(claim, record)
                pin_all = _raise_or_retry(
                    cancelled.reasons[: len(claims)], cancelled.reasons[len(claims) :], items, pin_all
                )
                backoff.wait(cancelled.passing)

    def _replayed(self, claim: Claim, record: Record) -> R:
        if record.fingerprint != claim.fingerprint:
            raise KeyReused
        return self._result.validate_json(record.outcome or "null")

    def _fingerprint(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        bound = self._signature.bind(None, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        try:
            text = canonical([self._name, native(given)])
        except (ValueError, TypeError) as error:
            raise InvalidRequest(Problem((), f"an argument cannot be told from others: {error}")) from None
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _checked(stored: str) -> str:
    if len(stored.encode()) > MAX_OUTCOME_BYTES:
        raise InvalidRequest(Problem(("result",), f"larger than {MAX_OUTCOME_BYTES:,} bytes, it cannot be kept"))
    return stored


def _raise_or_retry(
    claims: Sequence[Mapping[str, Any]], reasons: Sequence[Mapping[str, Any]], items: Sequence[_Touched], pin_all: bool
) -> bool:
    """Whether to read every item in the next run. Raises what no further run can mend."""
    if any(claim.get("Code") in PASSING for claim in claims):
        return pin_all
    for reason, touched in zip(reasons, items, strict=True):
        code = reason.get("Code", "None")
        if code == "ConditionalCheckFailed" and not touched.read:
            assert touched.write is not None
            item = reason.get("Item")
            raise explain(touched.write, image_from_wire(item) if item else None)
        if code in REFUSED:
            if pin_all:
                raise InvalidUpdate(Problem((), reason.get("Message", "DynamoDB refuses the write")))
            return True
    return pin_all


def exactly_once(writer: Writer) -> Callable[[Callable[Concatenate[Transaction, P], R]], Work[R]]:
    """Makes a function of a `Transaction` run once for each key."""

    def decorate(function: Callable[Concatenate[Transaction, P], R]) -> Work[R]:
        return Work(function, writer)

    return decorate

"""The commit protocol: a write and its idempotency key, applied together exactly once.

plain         no key: DynamoDB's own single call, at least once
blind         a key and nothing to return: one transaction, one round trip
pinned        a key and something to return, or limits that only the whole item can tell: read the record and the item,
              compute the new item and the answer here, commit both against the version that was read
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import (
    ConditionFailed,
    Conflict,
    InvalidRequest,
    InvalidUpdate,
    KeyReused,
    Problem,
    Retryable,
    Throttled,
)
from ..model.item import VERSION, Item
from ..model.wire import Image, Wire, image_from_wire, image_to_wire
from ..writes import Put, Write, new_version
from .effects import effect, explain, pin
from .ledger import Claim, IdempotencyKey, Ledger, Outcome, Record
from .many import Coalescer, Entry, Result
from .transport import REFUSED, Cancelled, CheckFailed, Deadline, DynamoDB, Refused

_NATIVE = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


@dataclass
class _Call:
    """One commit under way: its limits, and the capacity that it has consumed."""

    deadline: Deadline
    options: dict[str, str]
    consumed: list[Mapping[str, Any]] = field(default_factory=list)

    def note(self, response: Mapping[str, Any]) -> Mapping[str, Any]:
        capacity = response.get("ConsumedCapacity") or ()
        self.consumed.extend((capacity,) if isinstance(capacity, Mapping) else capacity)
        return response


class Writer:
    """The one way through for every write.

    `tables` maps the models' logical table names to physical ones (by default they are the same); `timeout` is the
    time in seconds that a commit may take where no deadline is given.
    """

    def __init__(
        self,
        dynamodb: DynamoDB,
        ledger: Ledger,
        *,
        tables: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        version: Callable[[], str] = new_version,
    ) -> None:
        self.dynamodb, self.ledger, self.timeout = dynamodb, ledger, timeout
        self.version = version
        self._tables = dict(tables or {})

    def table(self, model: type[Item]) -> str:
        """The physical name of the model's table."""
        return self._tables.get(model.schema_.table, model.schema_.table)

    def deadline(self) -> Deadline:
        return Deadline.after(self.timeout)

    def commit(
        self,
        write: Write,
        key: IdempotencyKey | None = None,
        *,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> Outcome:
        """Applies the write: once for each key, or at least once without one.

        Raises ConditionFailed with the item that stood there, InvalidItem or InvalidUpdate where the model or DynamoDB
        refuses the result, KeyReused where the key belongs to another request, a Retryable where time ran out: send the
        same request with the same key again. `return_consumed_capacity` is "TOTAL" or "INDEXES".
        """
        options = {"ReturnConsumedCapacity": return_consumed_capacity} if return_consumed_capacity else {}
        call = _Call(deadline or self.deadline(), options)
        claim = None if key is None else Claim(key, write.fingerprint)
        outcome = self._commit(write, claim, call)
        return replace(outcome, consumed=tuple(call.consumed))

    def commit_many(
        self, entries: Iterable[Entry], *, deadline: Deadline | None = None, parallel: int = 8
    ) -> list[Result]:
        """Commits every entry as if one by one in their order, in as few transactions as can be, at most `parallel` of
        them at a time; one result for each. Whatever the deadline cuts off is a DeadlineExceeded of its own."""
        return Coalescer(self, deadline or self.deadline(), parallel).run(list(entries))

    def reject(
        self, key: IdempotencyKey, fingerprint: str, reason: str, *, deadline: Deadline | None = None
    ) -> Record | None:
        """Records why a request was refused. Answers the record of the write that has consumed its key, if one has."""
        request = self.ledger.rejection(Claim(key, fingerprint), reason)
        try:
            self.dynamodb.call("PutItem", request, deadline or self.deadline())
        except CheckFailed as failed:
            return self.ledger.standing(failed.item)
        return None

    def find(self, key: IdempotencyKey, *, deadline: Deadline | None = None) -> Record | None:
        """What the ledger holds of a key, None if nothing or nothing any more."""
        request = {"TableName": self.ledger.table, "Key": self.ledger.key(key), "ConsistentRead": True}
        response = self.dynamodb.call("GetItem", request, deadline or self.deadline())
        return self.ledger.standing(response.get("Item"))

    def consumed(self, key: IdempotencyKey, *, deadline: Deadline | None = None) -> Record | None:
        """The record of a key that an applied write has consumed, None if the key is free."""
        record = self.find(key, deadline=deadline)
        return record if record is not None and record.rejected is None else None

    def read(self, model: type[Item], key: Image, *, deadline: Deadline | None = None) -> Image | None:
        """The item as it is now, with its version, None if there is none."""
        return self._read_item(model, image_to_wire(key), _Call(deadline or self.deadline(), {}))

    def _commit(self, write: Write, claim: Claim | None, call: _Call) -> Outcome:
        if write.needs_item:
            return self._pinned(write, claim, call)
        if claim is None:
            return self._plain(write, call)
        if write.return_values == "NONE":
            return self._blind(write, claim, call)
        return self._pinned(write, claim, call)

    # --- plain ---------------------------------------------------------------------------------------------------

    def _plain(self, write: Write, call: _Call) -> Outcome:
        version = self.version()
        kind, parameters = write.request(self.table(write.model), version, write.constraint)
        # a put is asked for the old item in any case, to know whether it created one
        returns = "ALL_OLD" if isinstance(write.action, Put) else write.return_values
        request = {**parameters, "ReturnValues": returns, **call.options}
        try:
            response = call.note(self.dynamodb.call(_NATIVE[kind], request, call.deadline))
        except CheckFailed as failed:
            image = _image(failed.item)
            if image is None or image.get(VERSION) != version:
                raise explain(write, image) from None
            # The response was lost and the call repeated: what stands there is this write.
            response = {"Attributes": failed.item} if write.return_values == "ALL_NEW" else {}
        except Refused:
            return self._pinned(write, None, call)
        shown = _shown(write, _image(response.get("Attributes")))
        created = isinstance(write.action, Put) and shown is None
        if isinstance(write.action, Put) and write.return_values != "ALL_OLD":
            shown = write.model.schema_.visible(write.action.image) if write.return_values == "ALL_NEW" else None
        return Outcome(shown, None if kind == "Delete" else version, created)

    # --- blind ---------------------------------------------------------------------------------------------------

    def _blind(self, write: Write, claim: Claim, call: _Call) -> Outcome:
        backoff = self.dynamodb.backoff(call.deadline)
        while True:
            version = self.version()
            claims = self.ledger.actions([claim])
            kind, parameters = write.request(self.table(write.model), version, write.constraint)
            try:
                self._transact([*claims, {kind: parameters}], call)
                return Outcome(version=None if kind == "Delete" else version)
            except Cancelled as cancelled:
                if (known := self._known(claim, cancelled)) is not None:
                    return self._replay(write, claim, known, call)
                reason = cancelled.reasons[len(claims)]
                if cancelled.undecided(len(claims)):
                    pass
                elif reason.get("Code") == "ConditionalCheckFailed":
                    raise explain(write, _image(reason.get("Item"))) from None
                elif reason.get("Code") in REFUSED:
                    return self._pinned(write, claim, call)
                backoff.wait(cancelled.passing)
            except Refused:
                return self._pinned(write, claim, call)

    # --- pinned --------------------------------------------------------------------------------------------------

    def _pinned(self, write: Write, claim: Claim | None, call: _Call) -> Outcome:
        backoff = self.dynamodb.backoff(call.deadline)
        record, image = self._read(write, claim, call)
        if record is not None and record.rejected is None:
            assert claim is not None
            return self._replay(write, claim, record, call)
        atomic = False
        while True:
            try:
                resolved = write.resolved(image)
                outcome = effect(resolved, image, self.version()).outcome
            except (ConditionFailed, InvalidRequest):
                # The record and the item were read one after the other: the key's own effect may lie in between.
                if claim is not None and not atomic and (record := self.consumed(claim.key, deadline=call.deadline)):
                    return self._replay(write, claim, record, call)
                raise
            found, raced = self._commit_pinned(resolved, claim, image, outcome, call)
            if found is not None:
                assert claim is not None
                return self._replay(write, claim, found, call)
            if raced is None:
                return outcome
            backoff.wait(raced.error)
            image, atomic = raced.image, raced.atomic

    def _commit_pinned(
        self, write: Write, claim: Claim | None, image: Image | None, outcome: Outcome, call: _Call
    ) -> tuple[Record | None, _Raced | None]:
        """Commits against the version that was read. Answers the record that stood in the way, or the item as it has
        become meanwhile; neither if it is done."""
        version = outcome.version or ""
        kind, parameters = write.request(self.table(write.model), version, pin(write.model, image))
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            if claim is None:
                call.note(self.dynamodb.call(_NATIVE[kind], {**parameters, **call.options}, call.deadline))
                return None, None
            stored = outcome.stored() if write.return_values != "NONE" else None
            self._transact([*self.ledger.actions([replace(claim, outcome=stored)]), {kind: parameters}], call)
            return None, None
        except CheckFailed as failed:
            if version and failed.item and failed.item.get(VERSION) == {"S": version}:
                return None, None  # the response was lost and the call repeated: what stands there is this write
            return None, _Raced(_image(failed.item), True, Conflict("other writers kept changing the item"))
        except Refused as refused:
            raise _refusal(refused.message) from None
        except Cancelled as cancelled:
            assert claim is not None
            if (known := self._known(claim, cancelled)) is not None:
                return known, None
            reason = cancelled.reasons[-1]
            if reason.get("Code") in REFUSED:
                raise _refusal(reason.get("Message", "")) from None
            decided = reason.get("Code") == "ConditionalCheckFailed" and not cancelled.undecided(1)
            # a mere conflict brings no item: it is as it was, as far as anybody knows
            return None, _Raced(_image(reason.get("Item")) if decided else image, decided, cancelled.passing)

    # --- the ledger ----------------------------------------------------------------------------------------------

    def _known(self, claim: Claim, cancelled: Cancelled) -> Record | None:
        return self.ledger.verdicts([claim], cancelled.reasons)[0]

    def _replay(self, write: Write, claim: Claim, record: Record, call: _Call) -> Outcome:
        if record.fingerprint != claim.fingerprint:
            raise KeyReused
        if record.outcome is None:
            return Outcome(replayed=True)
        outcome = Outcome.load(record.outcome)
        if outcome.current:
            image = self._read_item(write.model, write.key_wire, call)
            outcome = replace(
                outcome, attributes=write.model.schema_.visible(image), version=(image or {}).get(VERSION)
            )
        return outcome.as_replay()

    # --- calls ---------------------------------------------------------------------------------------------------

    def _transact(self, actions: list[dict[str, Any]], call: _Call) -> None:
        call.note(self.dynamodb.transact(actions, call.deadline, **call.options))

    def _read(self, write: Write, claim: Claim | None, call: _Call) -> tuple[Record | None, Image | None]:
        """The record of the key and the item, in one strongly consistent request."""
        if claim is None:
            return None, self._read_item(write.model, write.key_wire, call)
        table = self.table(write.model)
        wanted: dict[str, Any] = {
            self.ledger.table: {"Keys": [self.ledger.key(claim.key)], "ConsistentRead": True},
            table: {"Keys": [write.key_wire], "ConsistentRead": True},
        }
        found: dict[str, Wire] = {}
        backoff = self.dynamodb.backoff(call.deadline)
        while True:
            request = {"RequestItems": wanted, **call.options}
            response = call.note(self.dynamodb.call("BatchGetItem", request, call.deadline))
            found |= {name: items[0] for name, items in response["Responses"].items() if items}
            wanted = response.get("UnprocessedKeys") or {}
            if not wanted:
                break
            backoff.wait(Throttled("DynamoDB left the read unprocessed"))
        return self.ledger.standing(found.get(self.ledger.table)), _image(found.get(table))

    def _read_item(self, model: type[Item], key: Wire, call: _Call) -> Image | None:
        request = {"TableName": self.table(model), "Key": key, "ConsistentRead": True, **call.options}
        return _image(call.note(self.dynamodb.call("GetItem", request, call.deadline)).get("Item"))


@dataclass(frozen=True)
class _Raced:
    """Somebody else was faster: the item as it is now. `atomic` says that the same look found the key unclaimed,
    `error` is what to raise if there is no time left."""

    image: Image | None
    atomic: bool
    error: Retryable


def _refusal(message: str) -> InvalidUpdate:
    """DynamoDB's own words for what the library did not foresee."""
    return InvalidUpdate(Problem((), message or "DynamoDB refuses the request"))


def _image(wire: Wire | None) -> Image | None:
    return image_from_wire(wire) if wire else None


def _shown(write: Write, image: Image | None) -> Image | None:
    """The attributes that a native call returned. Where an update creates the item, some engines answer its bare key
    for ALL_OLD."""
    created = write.kind == "update" and write.return_values == "ALL_OLD" and image == write.key
    if image is None or created:
        return None
    return write.model.schema_.visible(image) or None

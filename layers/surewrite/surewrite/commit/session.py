"""`Session`: what every commit needs, the seam, the ledger and the tables' names; it sends and it reads."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import (
    CallFailed,
    Conflict,
    DeadlineExceeded,
    RequestRefused,
    Retryable,
    SurewriteError,
    Throttled,
    Unavailable,
)
from ..model.item import Item
from ..model.json import canonical
from ..model.wire import Image, Wire, image_from_wire, image_to_wire
from ..writes import Target
from . import capacity
from .failures import CALL_ERRORS, CHECK_FAILED, Cancelled, CheckFailed, sort
from .idempotency_key import IdempotencyKey
from .ledger import Ledger
from .parts import APPLIED, MISPLACED, Part, Status, Verdict, judge, retry
from .placement import Placement, Plan
from .records import Record
from .retry import MIN_CALL_TIME, Backoff, Deadline
from .transport import Transport

MAX_KEYS = 100
"""Keys of one call of BatchGetItem."""

_SINGLE = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


@dataclass
class Call:
    """One request of a user under way: its limits, where its keys go, and the capacity that it has consumed."""

    deadline: Deadline
    placement: Placement
    return_consumed_capacity: str | None = None
    consumed: list[Mapping[str, Any]] = field(default_factory=list)
    measures: tuple[capacity.Usage, ...] = ()

    def options(self, operation: str) -> dict[str, str]:
        """The parameters that go into every request."""
        if not self.measures and self.return_consumed_capacity is None:
            return {}
        return capacity.options(operation, self.return_consumed_capacity, self.measures)

    def note(self, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Keeps what the response says of consumed capacity."""
        if self.return_consumed_capacity is not None:
            self.consumed.extend(capacity.consumed_in(response))
        for usage in self.measures:
            usage.note(request, response)


@dataclass
class Seen:
    """What a read has brought: images by target and records by key, None for what is not there."""

    images: dict[Target, Image | None] = field(default_factory=dict)
    records: dict[IdempotencyKey, Record | None] = field(default_factory=dict)


class Session:
    """The connection of one process: thread-safe, to be made once.

    `tables` maps the models' logical table names to physical ones (by default they are the same); `timeout` is the
    time in seconds that a commit may take where no deadline is given.
    """

    def __init__(
        self,
        transport: Transport,
        ledger: Ledger,
        *,
        tables: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.transport, self.ledger, self.timeout, self.sleep = transport, ledger, timeout, sleep
        self._tables = dict(tables or {})

    def table(self, model: type[Item]) -> str:
        """The physical name of the model's table."""
        return self._tables.get(model.schema_.table, model.schema_.table)

    def begin(self, deadline: Deadline | None = None, return_consumed_capacity: str | None = None) -> Call:
        """A request, by default with `timeout` seconds from now. TypeError for a deadline that is none."""
        level = capacity.checked_level(return_consumed_capacity)
        if deadline is None:
            deadline = Deadline.after(self.timeout)
        elif not isinstance(deadline, Deadline):
            raise TypeError("deadline: a Deadline is needed, as Deadline.after(5) for five seconds")
        return Call(deadline, Placement(self.ledger), level, measures=capacity.measures())

    # --- writing -------------------------------------------------------------------------------------------------

    def transact(self, parts: Sequence[Part], call: Call) -> list[Verdict]:
        """Commits the parts in one transaction; a verdict for each. It never raises a cancellation.

        A part alone that claims nothing and has one action is DynamoDB's single call. Raises CallFailed, and
        RequestRefused where DynamoDB refuses several parts as a whole: it does not say which one is at fault.
        """
        if len(parts) == 1 and parts[0].single:
            return [self._single(parts[0], call)]
        plan = call.placement.plan([claim for part in parts for claim in part.claims])
        try:
            if plan.overfull or not self._moved(plan, call):
                return [MISPLACED] * len(parts)
            actions = [*plan.actions(), *(action for part in parts for action in part.actions)]
            self._commit(actions, call, repeatable=plan.repeatable)
        except RequestRefused as refused:
            if len(parts) == 1:
                return [Verdict(Status.REFUSED, message=refused.message)]
            raise
        except Retryable as error:
            return retry(parts, error)
        except Cancelled as cancelled:
            if len(cancelled.reasons) != len(actions):
                return retry(parts, Conflict("DynamoDB cancelled the transaction without a reason"))
            return self._judge(parts, plan, cancelled.reasons, call)
        return [APPLIED] * len(parts)

    def _commit(self, actions: Sequence[Mapping[str, Any]], call: Call, *, repeatable: bool) -> None:
        """Commits the actions; raises `Cancelled`, too, for a single one that may be made twice and so is a call of its
        own, at half the price."""
        if len(actions) > 1 or not repeatable:
            # After a lost response DynamoDB takes the repeated token for the same transaction (for ten minutes).
            request = {"TransactItems": actions, "ClientRequestToken": str(uuid.uuid4())}
            self.call("TransactWriteItems", request, call)
            return
        ((kind, parameters),) = actions[0].items()
        try:
            self.call(_SINGLE[kind], parameters, call)
        except CheckFailed as failed:
            raise Cancelled([{"Code": CHECK_FAILED, "Item": failed.item}]) from None

    def _moved(self, plan: Plan, call: Call) -> bool:
        """Moves the expiry of those slots that would be outlived by what is claimed because of them; False if one is
        not what it was taken for any more."""
        for slot, request in plan.moves():
            seen: Wire | None = None
            try:
                self.call("UpdateItem", request, call)
            except CheckFailed as failed:
                seen = failed.item or self._stored([request["Key"]], call).get(slot, {})
            if not plan.outlives(slot, seen):
                return False
        return True

    def _judge(
        self, parts: Sequence[Part], plan: Plan, reasons: Sequence[Mapping[str, Any]], call: Call
    ) -> list[Verdict]:
        claiming = len(reasons) - sum(len(part.actions) for part in parts)
        try:
            standings = plan.standings(self._brought(plan.keys, reasons[:claiming], call))
        except Retryable as error:
            return retry(parts, error)
        return judge(parts, standings, reasons[claiming:])

    def _brought(
        self, keys: Sequence[Wire], reasons: Sequence[Mapping[str, Any]], call: Call
    ) -> list[Mapping[str, Any]]:
        """The reasons of the ledger's actions, with what AWS did not bring read: it does not promise to bring it."""
        pairs = list(zip(keys, reasons, strict=True))
        unread = [key for key, reason in pairs if reason.get("Code") == CHECK_FAILED and not reason.get("Item")]
        stored = self._stored(unread, call) if unread else {}
        return [{**reason, "Item": stored.get(key["id"]["S"])} if key in unread else reason for key, reason in pairs]

    def _single(self, part: Part, call: Call) -> Verdict:
        ((kind, parameters),) = part.actions[0].items()
        try:
            response = self.call(_SINGLE[kind], parameters, call, repeat_unanswered=False)
        except CheckFailed as failed:
            image = image_from_wire(failed.item) if failed.item else None
            return Verdict(Status.CONDITION_FAILED, action=0, image=image)
        except RequestRefused as refused:
            return Verdict(Status.REFUSED, message=refused.message)
        except Retryable as error:
            return retry([part], error, unanswered=isinstance(error, Unavailable))[0]
        shown = response.get("Attributes")
        return Verdict(Status.APPLIED, image=image_from_wire(shown) if shown else None)

    # --- reading -------------------------------------------------------------------------------------------------

    def item(self, model: type[Item], key: Image, call: Call) -> Image | None:
        """The item as it is now, with its version; None if there is none."""
        target = Target.of(model, key)
        return self.read([target], (), call).images[target]

    def records(self, keys: Sequence[IdempotencyKey], call: Call) -> dict[IdempotencyKey, Record | None]:
        """What the ledger holds of the keys: applied or rejected, None if nothing or nothing any more."""
        return self.read((), keys, call).records

    def read(self, targets: Iterable[Target], keys: Iterable[IdempotencyKey], call: Call) -> Seen:
        """Items and records, strongly consistent, in as few requests as can be."""
        seen = Seen(dict.fromkeys(targets), dict.fromkeys(keys))
        ids = {one["id"]["S"]: one for key in seen.records for one in self.ledger.reads(key)}  # a slot is read once
        wanted: list[tuple[str, Wire]] = [(self.ledger.table, wire) for wire in ids.values()]
        wanted += [(self.table(target.model), target.key_wire) for target in seen.images]
        found = self._found(wanted, call)
        stored = {one: item for one, wire in ids.items() if (item := found.get((self.ledger.table, canonical(wire))))}
        for key in seen.records:
            seen.records[key] = self.ledger.found(key, stored)
        for target in seen.images:
            item = found.get((self.table(target.model), target.text))
            seen.images[target] = image_from_wire(item) if item else None
        return seen

    def _stored(self, keys: Sequence[Wire], call: Call) -> dict[str, Wire]:
        """The ledger's items that exist, by their ids."""
        found = self._found([(self.ledger.table, key) for key in keys], call)
        return {item["id"]["S"]: item for item in found.values()}

    def _found(self, wanted: Sequence[tuple[str, Wire]], call: Call) -> dict[tuple[str, str], Wire]:
        """The items that exist, by their table and the canonical text of their key."""
        found: dict[tuple[str, str], Wire] = {}
        if len(wanted) == 1:
            ((table, key),) = wanted
            response = self.call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}, call)
            return {(table, canonical(key)): response["Item"]} if "Item" in response else {}
        names = {table: tuple(key) for table, key in wanted}
        for start in range(0, len(wanted), MAX_KEYS):
            asked: dict[str, Any] = {}
            for table, key in wanted[start : start + MAX_KEYS]:
                asked.setdefault(table, {"Keys": [], "ConsistentRead": True})["Keys"].append(key)
            responses, _, error = self.batch("BatchGetItem", asked, call)
            if error is not None:
                raise error
            for table, items in ((table, items) for one in responses for table, items in one["Responses"].items()):
                for item in items:
                    key = image_to_wire(image_from_wire({name: item[name] for name in names[table]}))
                    found[table, canonical(key)] = item
        return found

    # --- calls ---------------------------------------------------------------------------------------------------

    def batch(
        self, operation: Literal["BatchGetItem", "BatchWriteItem"], items: Mapping[str, Any], call: Call
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, Any], Retryable | None]:
        """One batch, and what DynamoDB leaves unprocessed of it, again and again until nothing is left.

        Returns the responses and, where time runs out, what is left and why.
        """
        left_over = "UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems"
        responses: list[Mapping[str, Any]] = []
        backoff = Backoff(call.deadline, self.sleep)
        while items:
            try:
                responses.append(self.call(operation, {"RequestItems": items}, call))
            except Retryable as error:
                return responses, items, error
            items = responses[-1].get(left_over) or {}
            if items and not backoff.try_wait():
                return responses, items, Throttled("DynamoDB left a part of the batch unprocessed")
        return responses, items, None

    def call(
        self, operation: str, request: Mapping[str, Any], call: Call, *, repeat_unanswered: bool = True
    ) -> dict[str, Any]:
        """One request, sent until DynamoDB responds to it or the deadline has passed.

        Raises a Retryable when time runs out, RequestRefused, CallFailed, and, as DynamoDB decides, the internal
        `CheckFailed` and `Cancelled`. Without `repeat_unanswered` the loss of a response is raised at once.
        """
        if call.deadline.remaining() < MIN_CALL_TIME:
            raise DeadlineExceeded("no time left for a request to DynamoDB")
        backoff = Backoff(call.deadline, self.sleep)
        failure: SurewriteError | None = None
        try:
            while True:
                try:
                    response = self.transport(operation, {**request, **call.options(operation)})
                except CALL_ERRORS as error:
                    failure = sort(error, operation)
                    if isinstance(failure, CallFailed):
                        raise failure from error
                    lost = isinstance(failure, Unavailable) and not repeat_unanswered
                    if not isinstance(failure, Retryable) or lost:
                        raise failure from None
                else:
                    call.note(request, response)
                    return response
                if not backoff.try_wait():
                    raise failure
        finally:
            failure = None  # an error among the variables of its own frame is a cycle that keeps all its frames

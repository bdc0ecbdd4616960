"""One write, by itself: plain without a key, unread or read first with one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..errors import InvalidRequest, Problem
from ..model.item import VERSION
from ..writes import Write
from .engine import Engine
from .idempotency_key import IdempotencyKey
from .item_unit import ItemUnit
from .outcome import Outcome, Result
from .plain import PlainUnit
from .records import Claim
from .session import Call, Session
from .steps import Step
from .units import Unit


def commit(session: Session, write: Write, key: IdempotencyKey | None, call: Call) -> Outcome:
    """Applies the write: once for each key, or at least once without one.

    Raises ConditionFailed with the item that stood there, InvalidItem or InvalidUpdate where the model or DynamoDB
    refuses the result, KeyReused where the key belongs to another request, ResponseLost where a write without a key
    was applied but cannot be shown, CallFailed, or a Retryable where time ran out: send the same request with the same
    key again.
    """
    if write.kind == "check":
        raise InvalidRequest(Problem((), "a check is part of a transaction only"))
    claim = None if key is None else Claim.of(write, key)
    step = Step(0, write, claim)
    plain = claim is None and not write.needs_item
    unit = PlainUnit(step) if plain else ItemUnit.of(step, asks=True)
    return whole(session, write, run(session, unit, call), call)


def whole(session: Session, write: Write, outcome: Outcome, call: Call) -> Outcome:
    """The outcome with what was not kept of it, the item as it is now, and with what the calls have consumed."""
    if outcome.current:
        image = session.item(write.model, write.key, call)
        shown = write.model.schema_.visible(image)
        outcome = replace(outcome, attributes=shown, version=None if image is None else image.get(VERSION))
    return replace(outcome, consumed=tuple(call.consumed))


def run(session: Session, unit: Unit, call: Call) -> Outcome:
    """Commits one unit with one result."""
    results: list[Result] = []

    def finish(ticket: int, result: Result) -> Iterable[Unit]:
        results.append(result)
        return ()

    Engine(session, call, finish).run([unit])
    (result,) = results
    return result.unwrap()

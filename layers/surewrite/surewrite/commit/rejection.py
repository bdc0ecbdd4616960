"""Rejections: the ledger says of a key, without consuming it, why a request under it was refused."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from ..errors import InvalidUpdate, Problem
from .engine import Engine
from .failures import forget_frames
from .outcome import Outcome, Result
from .parts import Part, Status, Verdict
from .records import Claim, Record
from .session import Call, Session
from .units import After, SingleUnit, Unit


class RejectionUnit(SingleUnit):
    """A claim with the reason of its rejection, and nothing else. `record` is what has consumed the key before."""

    def __init__(self, ticket: int, claim: Claim) -> None:
        super().__init__(ticket)
        self._claim = claim
        self.record: Record | None = None

    @property
    def weight(self) -> int:
        return 0

    @property
    def claims(self) -> Sequence[Claim]:
        return (self._claim,)

    @property
    def resources(self) -> tuple[Hashable, ...]:
        return (self._claim.key,)

    @property
    def size(self) -> int:
        return 2_000

    def prepare(self, session: Session, call: Call) -> tuple[Part | None, After]:
        return Part(self.claims, ()), After()

    def conclude(self, verdict: Verdict) -> After:
        match verdict.status:
            case Status.APPLIED:
                return self._done(Result(Outcome()))
            case Status.KEY_USED:
                (self.record,) = verdict.records
                return self._done(Result(Outcome()))
            case Status.REFUSED:
                return self.failed(InvalidUpdate(Problem((), verdict.message or "DynamoDB refuses the record")))
        return After(left=[self])


def reject(
    session: Session, claims: Iterable[Claim], call: Call, *, parallel: int = 8
) -> list[Record | Exception | None]:
    """Records the rejections, `claims` with a reason. For each, in order: None, the record of the write that has
    consumed its key, or the error."""
    units = [RejectionUnit(ticket, claim) for ticket, claim in enumerate(claims)]
    errors: dict[int, Exception] = {}

    def finish(ticket: int, result: Result) -> Iterable[Unit]:
        if result.error is not None:
            forget_frames(result.error)
            errors[ticket] = result.error
        return ()

    Engine(session, call, finish, parallel=parallel).run(units)
    return [errors.get(ticket, unit.record) for ticket, unit in enumerate(units)]

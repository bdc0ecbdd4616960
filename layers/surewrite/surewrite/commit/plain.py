"""`PlainUnit`: a write without a key, which is DynamoDB's own single call, at least once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..errors import ResponseLost
from ..expressions.evaluate import returned
from ..expressions.updates import Update
from ..model.item import VERSION
from ..model.wire import Image
from ..writes import Put, new_version
from .effects import explain
from .item_unit import ItemUnit
from .outcome import Outcome, Result
from .parts import Part, Status, Verdict
from .records import Claim
from .session import Call, Session
from .steps import Step
from .units import After, SingleUnit


class PlainUnit(SingleUnit):
    """A step without a claim, committed without a look at its item.

    Every attempt stamps a version of its own: a writer who read in between notices, and an attempt whose response was
    lost is known again by the version that it left.
    """

    def __init__(self, step: Step) -> None:
        super().__init__(step.ticket)
        self._step, self._write = step, step.write
        self._version = ""
        self._lost: set[str] = set()

    @property
    def claims(self) -> Sequence[Claim]:
        return ()

    @property
    def resources(self) -> tuple[Hashable, ...]:
        return (self._write.target,)

    @property
    def size(self) -> int:
        return self._write.size

    def prepare(self, session: Session, call: Call) -> tuple[Part | None, After]:
        write, self._version = self._write, new_version()
        kind, parameters = write.request(session.table(write.model), self._version, write.constraint)
        # a put is asked for the old item in any case, to know whether it created one
        parameters["ReturnValues"] = "ALL_OLD" if isinstance(write.action, Put) else write.return_values
        return Part((), [{kind: parameters}]), After()

    def conclude(self, verdict: Verdict) -> After:
        match verdict.status:
            case Status.APPLIED:
                return self._done(self._applied(verdict.image))
            case Status.RETRY:
                if verdict.unanswered:
                    self._lost.add(self._version)
                return After(left=[self])
            case Status.CONDITION_FAILED:
                return self._unmet(verdict.image)
        return After(left=[ItemUnit([self._step], sees=True)])

    def _unmet(self, image: Image | None) -> After:
        if image is not None and image.get(VERSION) in self._lost:
            return self._done(self._after_loss(image))
        if image is None and self._lost and self._write.kind == "delete":
            return self._done(Result(Outcome()))  # what was to be deleted is gone
        return After(doubts=[self._step.doubt(explain(self._write, image))])

    def _applied(self, shown: Image | None) -> Result:
        write = self._write
        visible = write.model.schema_.visible
        version = None if write.kind == "delete" else self._version
        if isinstance(write.action, Put):
            if shown is not None and shown.get(VERSION) in self._lost:
                return self._after_loss({**write.action.image, VERSION: self._version})
            new = visible(write.action.image)
            attributes = {"ALL_NEW": new, "ALL_OLD": visible(shown)}.get(write.return_values)
            return Result(Outcome(attributes, version, created=shown is None))
        # where an update creates the item, some engines return its bare key for ALL_OLD
        created = write.kind == "update" and write.return_values == "ALL_OLD" and shown == write.key
        return Result(Outcome(None if created else visible(shown) or None, version))

    def _after_loss(self, image: Image) -> Result:
        """The result of an attempt whose response was lost, from the item that it has left."""
        write, version = self._write, str(image[VERSION])
        visible = write.model.schema_.visible(image)
        if write.return_values in ("ALL_OLD", "UPDATED_OLD") and not write.absent:
            return Result(error=ResponseLost(version, visible))
        shown = visible if write.return_values == "ALL_NEW" else None
        if isinstance(write.action, Update) and write.return_values == "UPDATED_NEW":
            shown = returned(write.action, "UPDATED_NEW", None, visible or {})
        return Result(Outcome(shown, version, created=write.absent))

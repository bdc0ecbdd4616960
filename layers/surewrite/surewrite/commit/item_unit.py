"""`ItemUnit`: steps on one item that commit together, as one action on it (group commit)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Final

from ..errors import Conflict, InvalidRequest, InvalidUpdate, Problem, SurewriteError
from ..expressions.combine import Combiner
from ..expressions.constraints import NeedsRead, constraint_of
from ..expressions.updates import Update
from ..model.item import VERSION
from ..model.wire import Image
from ..writes import Target, Write, new_version
from .effects import effect, pinned_request, unread_effect
from .outcome import Outcome, Result, replayed
from .parts import Part, Status, Verdict
from .records import Claim
from .session import Call, Seen, Session
from .steps import Step
from .units import CLAIM_BYTES, After, Reads, Unit


class _Unseen(Enum):
    """Stands for an item that has not been read, for None is an item that does not exist."""

    UNSEEN = "unseen"


UNSEEN: Final = _Unseen.UNSEEN


class ItemUnit(Unit):
    """Steps on one item, in their order.

    It is committed either unread, under the conditions that the steps and the model's constraints make, or, where it
    `sees` its item, against the version of it that was read. With `asks` the record of its key is read, too: then a
    known key is answered without a transaction.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        sees: bool = False,
        asks: bool = False,
        attempts: int = 0,
        alone: bool = False,
        image: Image | _Unseen | None = UNSEEN,
    ) -> None:
        self.steps = list(steps)
        self._claims = _claims(steps)
        self.attempts, self.alone = attempts, alone
        self._sees = sees or self.steps[0].write.needs_item
        self._asks = asks
        self._image = image
        self._unmet: Image | _Unseen | None = UNSEEN
        self._unanswered: dict[str, Outcome] = {}
        self._known: After | None = None
        self._combiner: Combiner | None = None
        self._size = self.steps[0].write.size
        # of the prepared part
        self._version = ""
        self._outcomes: list[Outcome] = []
        self._rest: list[Step] = []
        self._new_image: Image | _Unseen | None = UNSEEN

    def join(self, step: Step) -> bool:
        """Takes the step in if it goes together with those that are there."""
        first = self.steps[0]
        if not (first.combinable and step.combinable):
            return False
        assert isinstance(first.write.action, Update)
        assert isinstance(step.write.action, Update)
        if self._combiner is None:
            self._combiner = Combiner(first.write.action)
        if not self._combiner.add(step.write.action):
            return False
        self.steps.append(step)
        self._claims += _claims([step])
        self._sees = self._sees or step.write.needs_item
        self._size += step.write.size
        return True

    @property
    def claims(self) -> list[Claim]:
        return self._claims

    @property
    def resources(self) -> tuple[Hashable, ...]:
        """The item, and a key that another step claims, too: such a step is not joined with others."""
        step = self.steps[0]
        if step.contested and step.claim is not None:
            return step.write.target, step.claim.key
        return (step.write.target,)

    @property
    def size(self) -> int:
        return self._size + CLAIM_BYTES * len(self.steps)

    @property
    def reads(self) -> Reads:
        if not self._sees or self._image is not UNSEEN:
            return Reads()
        keys = [claim.key for claim in self.claims] if self._asks else []
        return Reads([self.steps[0].write.target], keys)

    def see(self, seen: Seen) -> None:
        self._image = seen.images[self.steps[0].write.target]
        if self._asks:
            self._asks = False
            for step in self.steps:
                record = None if step.claim is None else seen.records[step.claim.key]
                if step.claim is not None and step.claim.barred_by(record):
                    self._known = After(done=[(step.ticket, replayed(step.claim, record))])

    def tell(self, target: Target, image: Image | None) -> None:
        if self._sees and not self._asks and self._image is UNSEEN:
            self._image = image

    # --- preparing -----------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, step: Step, *, asks: bool = False) -> ItemUnit:
        """A step by itself. One that has something to show, and whatever `asks` for it, reads its record, too."""
        shows = step.claim is not None and step.write.return_values != "NONE"
        sees = shows or step.write.needs_item
        return cls([step], sees=sees, asks=sees and (shows or asks) and step.claim is not None)

    def prepare(self, session: Session, call: Call) -> tuple[Part | None, After]:
        if self._known is not None:
            return None, self._known
        self._version, self._outcomes, self._rest = new_version(), [], []
        try:
            return self._prepare_seen(session) if self._sees else (self._prepare_unread(session), After())
        except Exception as error:
            return None, self._unprepared(error)

    def _prepare_unread(self, session: Session) -> Part:
        first = self.steps[0].write
        constraint = first.constraint
        if self._combiner is not None:
            write = replace(first, action=self._combiner.update())
            if any(step.write.constraint is not None for step in self.steps):
                constraint = constraint_of(first.model, *(_update(step.write) for step in self.steps))
        else:
            write = first
        kind, parameters = write.request(session.table(write.model), self._version, constraint)
        outcome = Outcome(version=None if write.kind == "delete" else self._version)
        self._outcomes = [outcome] * len(self.steps)
        return Part(self.claims, [{kind: parameters}])

    def _prepare_seen(self, session: Session) -> tuple[Part | None, After]:
        write, after = self._walk()
        if write is None:
            return None, after
        assert self._image is not UNSEEN
        try:
            kind, parameters = pinned_request(write, session.table(write.model), self._version, self._image)
            claims = [
                step.claim if step.write.return_values == "NONE" else replace(step.claim, outcome=outcome.stored())
                for step, outcome in zip(self.steps, self._outcomes, strict=True)
                if step.claim is not None
            ]
        except Exception as error:
            after += self._unprepared(error)
            return None, after
        return Part(claims, [{kind: parameters}]), after

    def _unprepared(self, error: Exception) -> After:
        """What becomes of steps that make no request. What one raises that was not foreseen is that one's alone."""
        if len(self.steps) == 1 and not isinstance(error, InvalidRequest | NeedsRead):
            return After(doubts=[self.steps[0].doubt(error)], left=self._units(self._rest))
        return self._apart(error if isinstance(error, InvalidRequest) else None)

    def _walk(self) -> tuple[Write | None, After]:
        """Applies the steps in turn to the item that was read: keeps those that fit, up to the first that does not fit
        after others. What does not fit the item as it is, is refused. The write does what the kept steps do in turn."""
        assert self._image is not UNSEEN
        after, image = After(), self._image
        kept: list[Step] = []
        together: Write | None = None
        combiner: Combiner | None = None
        for position, step in enumerate(self.steps):
            try:
                if not kept and image == self._unmet:
                    raise step.write.failed(image)
                write = step.write.resolved(image)
                made = effect(write, image, self._version)
            except Exception as error:
                if kept:
                    self._rest = self.steps[position:]
                    break
                after.doubts.append(step.doubt(error))
                continue
            if together is None:
                together = write
            else:
                combiner = combiner or Combiner(_update(together))
                if not combiner.add(_update(write)):
                    self._rest = self.steps[position:]
                    break
            image = made.image
            kept.append(step)
            self._outcomes.append(made.outcome)
        if together is not None:
            together = together if combiner is None else replace(together, action=combiner.update())
            self.steps, self._claims, self._new_image = kept, _claims(kept), image
        return together, after

    # --- concluding ----------------------------------------------------------------------------------------------

    def conclude(self, verdict: Verdict) -> After:
        match verdict.status:
            case Status.APPLIED:
                return self._applied()
            case Status.KEY_USED:
                return self._replays(verdict)
            case Status.RETRY:
                if verdict.unanswered and not self.claims:
                    self._unanswered[self._version] = self._outcomes[0]
                return After(left=self._again(self.steps, self._image))
            case Status.CONDITION_FAILED:
                return self._unmet_seen(verdict.image) if self._sees else self._unmet_unread(verdict.image)
        return self._apart(InvalidUpdate(Problem((), verdict.message or "DynamoDB refuses the write")))

    def failed(self, error: Exception) -> After:
        return After(done=[(step.ticket, Result(error=error)) for step in (*self.steps, *self._rest)])

    def _applied(self) -> After:
        done = zip(self.steps, self._outcomes, strict=True)
        after = After(done=[(step.ticket, Result(outcome)) for step, outcome in done])
        if self._sees and self._new_image is not UNSEEN:
            after.images[self.steps[0].write.target] = self._new_image
        after.left = self._units(self._rest)  # the first of them is told the new item
        return after

    def _replays(self, verdict: Verdict) -> After:
        """The steps whose keys are consumed are done; the others are free to be committed again."""
        after = After()
        free: list[Step] = []
        for step, record in zip(self.steps, verdict.records, strict=True):
            if record is None or step.claim is None:
                free.append(step)
            else:
                after.done.append((step.ticket, replayed(step.claim, record)))
        # the item may show the effect of those keys, so that what was read of it is no longer true
        after.left = self._again(free, UNSEEN)
        return after

    def _unmet_unread(self, image: Image | None) -> After:
        if image is None:
            return self._apart(None)  # there is no item, or AWS did not bring it: it does not promise to
        after = After()
        kept: list[Step] = []
        for position, step in enumerate(self.steps):
            try:
                image = unread_effect(step.write, image)
            except Exception as error:
                if kept:
                    after.left = [*self._units(kept), *self._units(self.steps[position:])]
                    return after
                after.doubts.append(step.doubt(error))
            else:
                kept.append(step)
        if len(kept) == len(self.steps):
            return self._apart(None)
        after.left = self._units(kept)
        return after

    def _unmet_seen(self, image: Image | None) -> After:
        first = self.steps[0]
        written = None if image is None else self._unanswered.get(image.get(VERSION, ""))
        if image is None and self._unanswered and first.write.kind == "delete":
            written = self._outcomes[0]
        if written is not None:  # the response was lost and the call repeated: what stands there is this write
            return After(done=[(first.ticket, Result(written))])
        if image is not None and image != self._image:
            return After(left=self._again(self.steps, image), raced=Conflict("other writers kept changing the item"))
        if image is not None or len(self.steps) > 1:
            # the item is the one that was read: no race, DynamoDB itself finds the condition unmet
            return self._apart(first.write.failed(image))
        # as above: it is read, and compared with the one for which the condition was not met
        again = self._again(self.steps, UNSEEN)
        again[0]._unmet = self._image
        return After(left=again)

    def _apart(self, error: SurewriteError | None) -> After:
        """A part that cannot be committed as it is: in halves; a single step once it has seen its item; at last the
        `error` stands."""
        if len(self.steps) == 1 and self._sees and error is not None:
            return After(doubts=[self.steps[0].doubt(error)], left=self._units(self._rest))
        if len(self.steps) == 1:
            return After(left=[ItemUnit(self.steps, sees=True, attempts=self.attempts, alone=self.alone)])
        return After(left=[*self.halves(), *self._units(self._rest)])

    def halves(self) -> list[ItemUnit]:
        half = len(self.steps) // 2
        return [unit for steps in (self.steps[:half], self.steps[half:]) for unit in self._units(steps)] if half else []

    def _again(self, steps: Sequence[Step], image: Image | _Unseen | None) -> list[ItemUnit]:
        """The steps once more, and then the rest."""
        units = self._units(steps, image, attempts=self.attempts, alone=self.alone)
        for unit in units:
            unit._unanswered = self._unanswered
        return [*units, *self._units(self._rest)]

    def _units(
        self,
        steps: Sequence[Step],
        image: Image | _Unseen | None = UNSEEN,
        *,
        attempts: int = 0,
        alone: bool = False,
    ) -> list[ItemUnit]:
        """The steps in units of their own: one again, unless a sum is no longer exact without those that are gone."""
        units: list[ItemUnit] = []
        for step in steps:
            if not units or not units[-1].join(step):
                units.append(ItemUnit([step], sees=self._sees, attempts=attempts, alone=alone))
        if units:
            units[0]._image = image
        return units


def _claims(steps: Sequence[Step]) -> list[Claim]:
    return [step.claim for step in steps if step.claim is not None]


def _update(write: Write) -> Update:
    assert isinstance(write.action, Update)
    return write.action

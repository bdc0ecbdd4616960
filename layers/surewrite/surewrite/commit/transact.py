"""Several writes and checks in one transaction: all of them are applied, or none."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from ..errors import ConditionFailed, Conflict, InvalidRequest, InvalidUpdate, Problem
from ..model.wire import Image
from ..writes import Target, TransactWrite, Write, new_version
from .effects import effect, pinned_request, unread_effect
from .idempotency_key import IdempotencyKey
from .one import run
from .outcome import Outcome, Result, replayed
from .parts import Part, Status, Verdict
from .records import Claim
from .session import Call, Seen, Session
from .units import CLAIM_BYTES, After, Doubt, Reads, SingleUnit


class TransactUnit(SingleUnit):
    """The writes with their claim, None without a key.

    Each is committed unread, under its condition and the model's constraint; or, where the model asks for more,
    DynamoDB refuses it or AWS does not bring its item, against the version that was read. `contested` says that another
    request of the batch has its key.
    """

    def __init__(self, ticket: int, transact: TransactWrite, claim: Claim | None, *, contested: bool = False) -> None:
        super().__init__(ticket)
        self.claim, self.contested = claim, contested
        self._writes = transact.writes
        self._size = transact.size + CLAIM_BYTES
        self._resources = (*(write.target for write in self._writes), *(one.key for one in self.claims))
        self._sees = {position for position, write in enumerate(self._writes) if write.needs_item}
        self._images: dict[Target, Image | None] = {}
        self._asked = False
        self._known: Result | None = None
        # the items for which DynamoDB found a condition unmet, but brought none
        self._unmet: dict[int, Image | None] = {}
        self._version = ""

    @property
    def weight(self) -> int:
        return len(self._writes)

    @property
    def claims(self) -> Sequence[Claim]:
        return () if self.claim is None else (self.claim,)

    @property
    def resources(self) -> tuple[Hashable, ...]:
        return self._resources

    @property
    def size(self) -> int:
        return self._size

    @property
    def reads(self) -> Reads:
        """The items that it has to see, and with the first of them the record of its key."""
        targets = [self._writes[position].target for position in sorted(self._sees)]
        unread = [target for target in targets if target not in self._images]
        return Reads(unread, [] if self._asked or not unread else [claim.key for claim in self.claims])

    def see(self, seen: Seen) -> None:
        for target in self.reads.targets:
            self._images[target] = seen.images[target]
        if not self._asked and self.claim is not None:
            record = seen.records.get(self.claim.key)
            if self.claim.barred_by(record):
                self._known = replayed(self.claim, record)
        self._asked = True

    def prepare(self, session: Session, call: Call) -> tuple[Part | None, After]:
        if self._known is not None:
            return None, self._done(self._known)
        self._version = new_version()
        actions = []
        for position, write in enumerate(self._writes):
            try:
                actions.append(dict([self._action(session, position, write)]))
            except Exception as error:
                return None, self._doubt(error, position)
        claims = [replace(claim, outcome=Outcome(version=self._version).stored()) for claim in self.claims]
        return Part(claims, actions, atomic=True), After()

    def _action(self, session: Session, position: int, write: Write) -> tuple[str, dict[str, object]]:
        table = session.table(write.model)
        if position not in self._sees:
            return write.request(table, self._version, write.constraint)
        image = self._images[write.target]
        if position in self._unmet and image == self._unmet[position]:
            raise write.failed(image)
        resolved = write.resolved(image)
        effect(resolved, image, self._version)
        return pinned_request(resolved, table, self._version, image)

    def conclude(self, verdict: Verdict) -> After:
        match verdict.status:
            case Status.APPLIED:
                return self._done(Result(Outcome(version=self._version)))
            case Status.KEY_USED:
                (record,) = verdict.records
                assert self.claim is not None
                assert record is not None
                return self._done(replayed(self.claim, record))
            case Status.CONDITION_FAILED:
                assert verdict.action is not None
                return self._condition_failed(verdict.action, verdict.image)
            case Status.REFUSED:
                return self._refused(verdict.action, verdict.message)
        return self._again()

    def _condition_failed(self, position: int, image: Image | None) -> After:
        write = self._writes[position]
        if position not in self._sees:
            try:
                if image is not None:  # or there is none, or AWS did not bring it: it does not promise to
                    unread_effect(write, image)
            except Exception as error:
                return self._doubt(error, position)
            self._sees.add(position)
            return self._again()
        read = self._images[write.target]
        if image is not None and image == read:
            # no race: DynamoDB itself finds the condition unmet
            return self._doubt(write.failed(image), position)
        if image is None:
            self._unmet[position] = read
        return self._again(raced=True)

    def _refused(self, position: int | None, message: str) -> After:
        """A refusal stands if the item was read, so that the model has had its say."""
        at_fault = set(range(len(self._writes))) if position is None else {position}
        if at_fault <= self._sees:
            return self._doubt(InvalidUpdate(Problem((), message or "DynamoDB refuses the write")), position)
        self._sees |= at_fault
        return self._again()

    def _doubt(self, error: Exception, position: int | None) -> After:
        """A refusal that names the write by its position."""
        if position is not None and isinstance(error, InvalidRequest | ConditionFailed):
            error = error.under("writes", position)
        return After(doubts=[Doubt(self.ticket, self.claim, error)])

    def _again(self, *, raced: bool = False) -> After:
        self._images = {}
        return After(left=[self], raced=Conflict("other writers kept changing the items") if raced else None)


def transact(session: Session, writes: Sequence[Write], key: IdempotencyKey | None, call: Call) -> Outcome:
    """Applies all of the writes or none: once for each key, or at least once without one. `version` of the outcome is
    the new version of every item that was put or updated.

    Raises what `commit` does; a refusal names the write by its position: its location begins with `("writes", 3)`.
    """
    together = TransactWrite.of(writes, keyed=key is not None)
    unit = TransactUnit(0, together, None if key is None else Claim.of(together, key))
    return replace(run(session, unit, call), consumed=tuple(call.consumed))

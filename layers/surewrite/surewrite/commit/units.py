"""`Unit`: what the engine commits as one part of a transaction, and tells in return what is left to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from ..errors import Retryable
from ..model.wire import Image
from ..writes import Target
from .idempotency_key import IdempotencyKey
from .outcome import Result, replayed
from .parts import Part, Verdict
from .records import Claim, Record
from .session import Call, Seen, Session

CLAIM_BYTES = 400
"""What a claim adds to a request, roughly."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A request that is to be refused, unless its key has been consumed: then what was seen may be its own effect."""

    ticket: int
    claim: Claim | None
    error: Exception


@dataclass(frozen=True, slots=True)
class Reads:
    """Items and ledger records that have to be read."""

    targets: Sequence[Target] = ()
    keys: Sequence[IdempotencyKey] = ()

    def __len__(self) -> int:
        return len(self.targets) + len(self.keys)


@dataclass
class After:
    """What became of a unit: results by ticket, refusals that the ledger has yet to confirm, units that are left to
    be committed, items as the commit has left them. `raced` is the error to end with if there is no time left to try
    again after a lost race."""

    done: list[tuple[int, Result]] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    left: Sequence[Unit] = ()
    images: dict[Target, Image | None] = field(default_factory=dict)
    raced: Retryable | None = None

    def give_up(self, units: Sequence[Unit], error: Exception) -> None:
        """Ends those of the units that are left with the error: there is no time to commit them again."""
        self.left = [unit for unit in self.left if unit not in units]
        for unit in units:
            self += unit.failed(error)

    def __iadd__(self, other: After) -> After:
        self.done += other.done
        self.doubts += other.doubts
        self.left = [*self.left, *other.left]
        self.images |= other.images
        self.raced = self.raced or other.raced
        return self


class Unit(ABC):
    """What stands or falls together. A ticket is the number under which the engine keeps a result.

    `attempts` counts the failures that passed; a unit that has met one of its own travels `alone`, so that it holds up
    no other.
    """

    attempts = 0
    alone = False
    offered = False

    @property
    def weight(self) -> int:
        """How many of a transaction's actions it needs besides its claims."""
        return 1

    @property
    @abstractmethod
    def claims(self) -> Sequence[Claim]:
        """The keys that it consumes."""

    @property
    @abstractmethod
    def resources(self) -> tuple[Hashable, ...]:
        """What no two units may hold at a time."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Bytes in a request, roughly."""

    @property
    def reads(self) -> Reads:
        """What has to be read before it can be prepared."""
        return Reads()

    def halves(self) -> Sequence[Unit]:
        """The unit in two, where its claims have no room in one transaction; empty if it cannot be divided."""
        return ()

    def see(self, seen: Seen) -> None:  # noqa: B027 (most have nothing to see)
        """Takes what was read."""

    def tell(self, target: Target, image: Image | None) -> None:  # noqa: B027
        """Takes the item as a commit before this one has left it."""

    @abstractmethod
    def prepare(self, session: Session, call: Call) -> tuple[Part | None, After]:
        """The part to commit now, None if there is none, and what is decided or left to do besides."""

    @abstractmethod
    def conclude(self, verdict: Verdict) -> After:
        """What becomes of the prepared part."""

    def replay(self, claim: Claim, record: Record) -> Result:
        """The result of a request whose key was consumed before."""
        return replayed(claim, record)

    @abstractmethod
    def failed(self, error: Exception) -> After:
        """What becomes of it where it can neither be prepared nor tried again."""


class SingleUnit(Unit):
    """A unit with one result, that of its `ticket`."""

    def __init__(self, ticket: int) -> None:
        self.ticket = ticket

    def failed(self, error: Exception) -> After:
        return self._done(Result(error=error))

    def _done(self, result: Result) -> After:
        return After(done=[(self.ticket, result)])

"""`Step`: a write with its claim, on its way through the engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..expressions.merge_patch import MergeAction
from ..expressions.updates import Update
from ..writes import Write
from .records import Claim
from .units import Doubt


@dataclass(frozen=True)
class Step:
    """One write with its claim, None for a write without a key.

    A `contested` step shares its key with another one of the batch and may be refused: they are taken in turn, because
    a refused write leaves the key to the next.
    """

    ticket: int
    write: Write
    claim: Claim | None
    contested: bool = False

    @property
    def certain(self) -> bool:
        """Whether no state of a valid item can make DynamoDB or the model refuse the write."""
        write = self.write
        if write.needs_item or write.return_values != "NONE":
            return False
        if write.constraint is not None or write.condition is not None:
            return False
        return not isinstance(write.action, Update) or all(
            len(one.path) == 1 and not isinstance(one, MergeAction) and not tuple(one.reads())
            for one in write.action.actions
        )

    @cached_property
    def combinable(self) -> bool:
        """Whether it may be joined with others of its item."""
        alone = self.contested or self.write.condition is not None or self.write.return_values != "NONE"
        return not alone and isinstance(self.write.action, Update)

    def doubt(self, error: Exception) -> Doubt:
        return Doubt(self.ticket, self.claim, error)

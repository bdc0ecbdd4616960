"""What became of a write, and its form in the ledger."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import CallFailed, KeyReused, Rejected, Retryable, SurewriteError
from ..model.json import dumps, loads
from ..model.wire import Image, Wire, from_wire, image_to_wire
from .records import Claim, Record

MAX_OUTCOME_BYTES = 300 * 1024
"""A larger outcome is left out of its record; its replay shows the current item."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a write.

    `attributes` are what its ReturnValues show, None for nothing; `version` is the item's new version, None after a
    delete; `created` says that there was no item before. `replayed` marks an outcome from the ledger, `current` a
    replay whose outcome was not kept, because it was too large or its key is packed: the attributes are the item's as
    it is now. `consumed` lists the
    ConsumedCapacity of every call that was made, where asked for.
    """

    attributes: Image | None = None
    version: str | None = None
    created: bool = False
    replayed: bool = False
    current: bool = False
    consumed: tuple[Mapping[str, Any], ...] = ()

    def dump(self, *, chunks: int = 1) -> str:
        """As it stands in a record: attributes on the wire, so that every type comes back. `chunks` is how many a bulk
        write has."""
        wire = None if self.attributes is None else image_to_wire(self.attributes)
        several = {} if chunks == 1 else {"chunks": chunks}
        return dumps({"attributes": wire, "version": self.version, "created": self.created, **several})

    @classmethod
    def load(cls, text: str) -> Outcome:
        """The outcome of a record's text."""
        stored = loads(text)
        if stored.get("current"):
            return cls(current=True)
        wire = stored["attributes"]
        attributes = None if wire is None else {name: _from_json_wire(value) for name, value in wire.items()}
        return cls(attributes, stored["version"], stored["created"])

    def stored(self, *, chunks: int = 1) -> str:
        """`dump`, or the mark of an outcome that is too large."""
        text = self.dump(chunks=chunks)
        return text if len(text.encode()) <= MAX_OUTCOME_BYTES else '{"current":true}'

    def as_replay(self) -> Outcome:
        return replace(self, replayed=True)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request of many: an outcome, or the error that a commit of its own would have raised."""

    outcome: Outcome | None = None
    error: Exception | None = None

    @property
    def final(self) -> bool:
        """Whether sending the request again would be of no use."""
        if self.outcome is not None:
            return True
        return isinstance(self.error, SurewriteError) and not isinstance(self.error, Retryable | CallFailed)

    def unwrap(self) -> Outcome:
        """The outcome; raises the error where there is none."""
        if self.outcome is None:
            assert self.error is not None
            raise self.error
        return self.outcome


def chunks_of(record: Record) -> int:
    """How many chunks the write of the record has."""
    return 1 if record.outcome is None else int(loads(record.outcome).get("chunks", 1))


def replayed(claim: Claim, record: Record) -> Result:
    """What a claim becomes whose key has a record that stands in its way."""
    if record.rejected is not None:
        return Result(error=Rejected(record.rejected))
    if not record.matches(claim.fingerprint):
        return Result(error=KeyReused())
    outcome = Outcome(current=record.packed and claim.shows)
    if record.outcome is not None:
        outcome = Outcome.load(record.outcome)
    return Result(outcome.as_replay())


def _from_json_wire(wire: Wire) -> Any:
    """`from_wire` for a wire form that has been through JSON, where binary values are base64."""
    ((kind, value),) = wire.items()
    match kind:
        case "B":
            return base64.b64decode(value)
        case "BS":
            return {base64.b64decode(member) for member in value}
        case "M":
            return {name: _from_json_wire(member) for name, member in value.items()}
        case "L":
            return [_from_json_wire(member) for member in value]
    return from_wire(wire)

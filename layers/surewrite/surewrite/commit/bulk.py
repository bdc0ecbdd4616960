"""Many puts and deletes at once.

With a key they are committed chunk by chunk, each chunk one transaction with a ledger record of its own (the key,
`key#1`, `key#2`, …): a retry resumes where it stopped. Without one they are DynamoDB's BatchWriteItem: at least once,
in parallel, unprocessed items retried with full jitter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..errors import BulkIncomplete, InvalidUpdate, Problem
from ..model.item import Item
from ..model.wire import image_from_wire
from ..writes import BulkWrite, Put, Target, Write, digest, new_version
from .idempotency_key import IdempotencyKey
from .outcome import Outcome, Result, replayed
from .parts import Part, Status, Verdict
from .records import Claim
from .schedule import MAX_ACTIONS, MAX_BYTES
from .session import Call, Session
from .units import After, Doubt, SingleUnit

# "BatchWriteItem": items and bytes of one call
_MAX_BATCH_ITEMS = 25
_MAX_BATCH_BYTES = 16_000_000


class ChunkUnit(SingleUnit):
    """One chunk of a bulk write, under a key of its own. `gates` are what chunks wait for each other by: the first one
    holds all of them, so that a key that belongs to another request stops the others before they begin."""

    def __init__(self, ticket: int, writes: Sequence[Write], claim: Claim, gates: Sequence[Hashable]) -> None:
        super().__init__(ticket)
        self._writes, self._claim = writes, claim
        self._resources = (*(write.target for write in writes), claim.key, *gates)

    @property
    def targets(self) -> Sequence[Target]:
        """The items that it writes."""
        return [write.target for write in self._writes]

    @property
    def weight(self) -> int:
        return len(self._writes)

    @property
    def claims(self) -> Sequence[Claim]:
        return (self._claim,)

    @property
    def resources(self) -> tuple[Hashable, ...]:
        return self._resources

    @property
    def size(self) -> int:
        return sum(write.size for write in self._writes)

    def prepare(self, session: Session, call: Call) -> tuple[Part | None, After]:
        version = new_version()
        return Part(
            self.claims, [dict([write.request(session.table(write.model), version)]) for write in self._writes]
        ), After()

    def conclude(self, verdict: Verdict) -> After:
        match verdict.status:
            case Status.APPLIED:
                return self._done(Result(Outcome()))
            case Status.KEY_USED:
                (record,) = verdict.records
                assert record is not None
                return self._done(replayed(self._claim, record))
            case Status.REFUSED:
                location = () if verdict.action is None else (verdict.action,)
                error = InvalidUpdate(Problem(location, verdict.message or "DynamoDB refuses an item"))
                return After(doubts=[Doubt(self.ticket, self._claim, error)])
        return After(left=[self])


def chunk_units(bulk: BulkWrite, key: IdempotencyKey, source: str | None, first_ticket: int) -> list[ChunkUnit]:
    """A unit for each chunk, with tickets from `first_ticket`."""
    # a bulk of nothing is one chunk, too, so that its key is claimed and it has a result
    chunks = list(bulk.chunks(MAX_ACTIONS - 1, MAX_BYTES)) or [()]
    gates = [("gate", first_ticket + number) for number in range(1, len(chunks))]
    return [
        ChunkUnit(
            first_ticket + number,
            chunk,
            _claim(bulk, chunk, key, source, number, len(chunks)),
            gates if number == 0 else [gates[number - 1]],
        )
        for number, chunk in enumerate(chunks)
    ]


def head_claim(bulk: BulkWrite, key: IdempotencyKey) -> Claim:
    """The claim of the first chunk, whose key is the bulk's."""
    return chunk_units(bulk, key, None, 0)[0].claims[0]


def chunk_keys(key: IdempotencyKey, count: int) -> list[IdempotencyKey]:
    """The keys of a bulk write's chunks: the first has the bulk's own."""
    # a key may be as long as a key can be: hashed, so that the number finds room
    name = hashlib.sha256(key.key.encode()).hexdigest()
    return [key, *(IdempotencyKey(key.scope, f"{name}#{number}") for number in range(1, count))]


def _claim(
    bulk: BulkWrite, chunk: Sequence[Write], key: IdempotencyKey, source: str | None, number: int, count: int
) -> Claim:
    """The claim of one chunk. Its fingerprint is the bulk's and the chunk's: should the same bulk ever fall into other
    chunks, it is refused, and no item is taken for written that was not. The first one's record says how many there
    are."""
    fingerprint = digest([bulk.fingerprint, *(write.fingerprint for write in chunk)])
    outcome = Outcome().stored(chunks=count) if number == 0 and count > 1 else None
    return Claim(chunk_keys(key, number + 1)[number], fingerprint, outcome, source)


def write_batches(session: Session, bulk: BulkWrite, call: Call, *, parallel: int = 8) -> None:
    """Writes the items with BatchWriteItem: at least once, in no order. BulkIncomplete names what was not written."""
    chunks = list(bulk.chunks(_MAX_BATCH_ITEMS, _MAX_BATCH_BYTES))
    if len(chunks) <= 1:
        missing = [_write_batch(session, chunk, call) for chunk in chunks]
    else:
        with ThreadPoolExecutor(min(parallel, len(chunks))) as pool:
            missing = list(pool.map(lambda chunk: _write_batch(session, chunk, call), chunks))
    if any(missing):
        raise incomplete(session, bulk, {target for left in missing for target in left})


def incomplete(session: Session, bulk: BulkWrite, missing: Container[Target]) -> BulkIncomplete:
    """The error that names what was not written."""
    found = [(n, write) for n, write in enumerate(bulk.writes) if write.target in missing]
    keys = [(session.table(write.model), write.target.key_wire) for _, write in found]
    return BulkIncomplete(keys, [position for position, _ in found])


def _write_batch(session: Session, chunk: Sequence[Write], call: Call) -> list[Target]:
    """The items that could not be written in time."""
    items: dict[str, list[dict[str, Any]]] = {}
    for write in chunk:
        items.setdefault(session.table(write.model), []).append(_request(write))
    models = {session.table(write.model): write.model for write in chunk}
    _, left, _ = session.batch("BatchWriteItem", items, call)
    return [_target(models[table], one) for table, requests in left.items() for one in requests]


def _request(write: Write) -> dict[str, Any]:
    if isinstance(write.action, Put):
        return {"PutRequest": {"Item": write.request("", new_version())[1]["Item"]}}
    return {"DeleteRequest": {"Key": write.target.key_wire}}


def _target(model: type[Item], request: Mapping[str, Any]) -> Target:
    """The item of a request that came back."""
    wire = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    return Target.of(model, model.schema_.key_of(image_from_wire(wire)))

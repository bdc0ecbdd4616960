"""Many puts and deletes at once.

With a key they are committed chunk by chunk, each chunk one transaction with a ledger record of its own (the key,
`key#1`, `key#2`, …): a retry resumes where it stopped. Without one they are DynamoDB's BatchWriteItem: at least once,
in parallel, unprocessed items retried with full jitter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..errors import InvalidRequest, InvalidUpdate, KeyReused, Problem, Retryable, Throttled
from ..model.wire import Wire
from ..writes import Put, Write
from .ledger import Claim, IdempotencyKey, Outcome
from .schedule import MAX_ACTIONS, MAX_BYTES
from .transport import PASSING, REFUSED, Cancelled, Deadline, Refused

if TYPE_CHECKING:
    from .one import Writer

Duplicates: TypeAlias = Literal["error", "first", "last"]
"""What to do with several writes of one item: refuse the batch, or keep the first or the last of them."""

# "BatchWriteItem": items and bytes of one call
_MAX_BATCH_ITEMS = 25
_MAX_BATCH_BYTES = 16_000_000


class BatchFailed(Retryable):
    """Time ran out before every item was written; `keys` are the primary keys, with their tables, that were not."""

    def __init__(self, keys: Sequence[tuple[str, Wire]]) -> None:
        super().__init__(f"{len(keys)} item(s) were not written in time")
        self.keys = tuple(keys)


@dataclass(frozen=True)
class Batch:
    """Puts and deletes of distinct items, without conditions."""

    writes: tuple[Write, ...]

    @classmethod
    def of(cls, writes: Iterable[Write], duplicates: Duplicates = "error") -> Batch:
        """The batch; InvalidRequest for a write that a batch cannot hold, or a duplicate where those are errors."""
        kept: dict[tuple[str, str], Write] = {}
        for position, write in enumerate(writes):
            if write.kind == "update" or write.condition is not None or write.return_values != "NONE":
                raise InvalidRequest(Problem((position,), "a batch has plain puts and deletes only"))
            if write.target in kept and duplicates == "error":
                raise InvalidRequest(Problem((position,), "a second write of the same item"))
            if write.target not in kept or duplicates == "last":
                kept.pop(write.target, None)
                kept[write.target] = write
        return cls(tuple(kept.values()))

    @cached_property
    def fingerprint(self) -> str:
        return _digest(write.fingerprint for write in self.writes)

    def chunks(self, items: int, size: int) -> Iterator[tuple[Write, ...]]:
        """The writes in their order, at most so many and so large: the same batch always falls into the same chunks."""
        chunk: list[Write] = []
        bytes_ = 0
        for write in self.writes:
            if chunk and (len(chunk) == items or bytes_ + write.size > size):
                yield tuple(chunk)
                chunk, bytes_ = [], 0
            chunk.append(write)
            bytes_ += write.size
        if chunk:
            yield tuple(chunk)


def commit_batch(writer: Writer, batch: Batch, key: IdempotencyKey, *, deadline: Deadline | None = None) -> Outcome:
    """Applies every write once for the key. The outcome is a replay if nothing was left to do.

    Raises KeyReused where the key belongs to another batch, InvalidRequest where DynamoDB refuses a chunk, a Retryable
    where time ran out: the same call goes on with the first chunk that is missing.
    """
    until = deadline or writer.deadline()
    replayed = [
        _commit_chunk(writer, chunk, _claim(batch, chunk, key, number), until)
        for number, chunk in enumerate(batch.chunks(MAX_ACTIONS - 1, MAX_BYTES))
    ]
    return Outcome(replayed=bool(replayed) and all(replayed))


def _claim(batch: Batch, chunk: Sequence[Write], key: IdempotencyKey, number: int) -> Claim:
    """The claim of one chunk. Its fingerprint is the batch's and the chunk's: should the same batch ever fall into
    other chunks, it is refused, and no item is taken for written that was not."""
    if number:
        # A key may be as long as a key can be: hashed, so that the number finds room.
        key = IdempotencyKey(key.scope, f"{hashlib.sha256(key.key.encode()).hexdigest()}#{number}")
    return Claim(key, _digest([batch.fingerprint, *(write.fingerprint for write in chunk)]))


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]


def _commit_chunk(writer: Writer, chunk: Sequence[Write], claim: Claim, deadline: Deadline) -> bool:
    """Whether the chunk had been committed before."""
    backoff = writer.dynamodb.backoff(deadline)
    version = writer.version()
    while True:
        claims = writer.ledger.actions([claim])
        actions = [dict([write.request(writer.table(write.model), version)]) for write in chunk]
        try:
            writer.dynamodb.transact([*claims, *actions], deadline)
            return False
        except Refused as refused:
            raise InvalidUpdate(Problem((), refused.message)) from None
        except Cancelled as cancelled:
            record = writer.ledger.verdicts([claim], cancelled.reasons)[0]
            if record is not None:
                if record.fingerprint != claim.fingerprint:
                    raise KeyReused from None
                return True
            _raise_refusal(cancelled.reasons)
            backoff.wait(cancelled.passing)


def _raise_refusal(reasons: Sequence[Mapping[str, Any]]) -> None:
    for reason in reasons:
        if reason.get("Code") in REFUSED and not any(one.get("Code") in PASSING for one in reasons):
            raise InvalidUpdate(Problem((), reason.get("Message") or "DynamoDB refuses an item"))


def write_batch(writer: Writer, batch: Batch, *, deadline: Deadline | None = None, parallel: int = 8) -> None:
    """Writes the items with BatchWriteItem: at least once, in no order. BatchFailed names what could not be written."""
    until = deadline or writer.deadline()
    chunks = list(batch.chunks(_MAX_BATCH_ITEMS, _MAX_BATCH_BYTES))
    run = _chunk_runner(writer, until)
    if len(chunks) <= 1:
        left = [run(chunk) for chunk in chunks]
    else:
        with ThreadPoolExecutor(min(parallel, len(chunks))) as pool:
            left = list(pool.map(run, chunks))
    missing = [key for keys in left for key in keys]
    if missing:
        raise BatchFailed(missing)


def _chunk_runner(writer: Writer, deadline: Deadline) -> Callable[[Sequence[Write]], list[tuple[str, Wire]]]:
    def run(chunk: Sequence[Write]) -> list[tuple[str, Wire]]:
        """The keys that could not be written."""
        wanted: dict[str, list[dict[str, Any]]] = {}
        for write in chunk:
            wanted.setdefault(writer.table(write.model), []).append(_request(write, writer.version()))
        names = {writer.table(write.model): tuple(write.key) for write in chunk}
        backoff = writer.dynamodb.backoff(deadline)
        try:
            while wanted:
                response = writer.dynamodb.call("BatchWriteItem", {"RequestItems": wanted}, deadline)
                wanted = response.get("UnprocessedItems") or {}
                if wanted:
                    backoff.wait(Throttled("DynamoDB left items unprocessed"))
        except Refused as refused:
            raise InvalidRequest(Problem((), refused.message)) from None
        except Retryable:
            return [(table, _key(one, names[table])) for table, requests in wanted.items() for one in requests]
        return []

    return run


def _request(write: Write, version: str) -> dict[str, Any]:
    if isinstance(write.action, Put):
        return {"PutRequest": {"Item": write.request("", version)[1]["Item"]}}
    return {"DeleteRequest": {"Key": write.key_wire}}


def _key(request: Mapping[str, Any], names: Iterable[str]) -> Wire:
    item = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    return {name: item[name] for name in names}

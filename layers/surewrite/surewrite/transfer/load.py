"""A load: the rows of a file become bulk writes, block after block, each of them once.

The key of a block is that of the file and the block's number, so that whoever is killed and begins again writes no
block a second time: what another writer has changed since then stays. Nothing but the ledger knows how far a load has
come; there is no file of its state that could be lost, or be wrong.

    cut off                       and then, with the same file
    before a block's first chunk  the block is written
    in the midst of a block       its chunks have keys of their own: those that are missing are written
    after it                      the ledger says that all of its chunks are there; nothing is sent
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from ..client import Client
from ..commit.bulk import chunk_units
from ..commit.idempotency_key import IdempotencyKey
from ..commit.many import Entry
from ..commit.retry import Deadline
from ..errors import Retryable
from ..model.item import Item
from ..writes import BulkWrite
from .formats import Row
from .pace import Pace

BLOCK_ROWS = 3960
"""Rows of a block: forty transactions of ninety-nine. It is part of every key, and never changes."""

_BLOCK_SECONDS = 60


@dataclass
class Loaded:
    """How many rows were `written` by this load, `known` to be written by an earlier one, or `bad`."""

    written: int = 0
    known: int = 0
    bad: int = 0

    @property
    def rows(self) -> int:
        return self.written + self.known + self.bad


class Load:
    """Writes rows of a model. `identity` tells the file from others, as `Source.digest` does.

    `bad` is told every row that is not written, `report` what has become of the rows after each block. A later row of
    an item replaces an earlier one.
    """

    def __init__(
        self,
        client: Client,
        model: type[Item],
        identity: str,
        *,
        pace: Pace | None = None,
        bad: Callable[[Row], object] = lambda row: None,
        report: Callable[[Loaded], object] = lambda loaded: None,
    ) -> None:
        self._client, self._scope = client, f"load:{model.schema_.collection}"
        self._identity = hashlib.sha256(identity.encode()).hexdigest()
        self._pace = pace or Pace()
        self._bad, self._report = bad, report
        self._resuming = True

    def run(self, rows: Iterable[Row]) -> Loaded:
        """Writes all of them; the next block is read while one is written. Raises what the client does for a call that
        no retry mends, and KeyReused where `identity` was another file's."""
        loaded = Loaded()
        with ThreadPoolExecutor(1) as thread:
            under_way = None
            for number, block in enumerate(_blocks(rows)):
                if under_way is not None:
                    under_way.result()
                under_way = thread.submit(self._write, number, block, loaded)
            if under_way is not None:
                under_way.result()
        return loaded

    def _write(self, number: int, block: list[Row], loaded: Loaded) -> None:
        bad = [row for row in block if row.write is None]
        for row in bad:
            self._bad(row)
        bulk = BulkWrite.of((row.write for row in block if row.write is not None), duplicates="last")
        key = IdempotencyKey(self._scope, f"{self._identity}:{number}")
        known = self._resuming and self._known(bulk, key)
        self._resuming = known
        if not known:
            self._commit(bulk, key)
        good = len(block) - len(bad)
        loaded.bad += len(bad)
        loaded.known += good if known else 0
        loaded.written += 0 if known else good
        self._report(loaded)

    def _known(self, bulk: BulkWrite, key: IdempotencyKey) -> bool:
        """Whether every chunk was written. Blocks are written one after the other: behind the first one that was not,
        nothing is asked."""
        claims = [claim for unit in chunk_units(bulk, key, None, 0) for claim in unit.claims]
        session = self._client.session
        records = session.records([claim.key for claim in claims], session.begin(Deadline.after(_BLOCK_SECONDS)))
        found = ((claim, records[claim.key]) for claim in claims)
        return all(one is not None and one.consumed and one.matches(claim.fingerprint) for claim, one in found)

    def _commit(self, bulk: BulkWrite, key: IdempotencyKey) -> None:
        """Until it is there: whatever may pass is waited for."""
        while True:
            deadline, parallel = Deadline.after(_BLOCK_SECONDS), self._pace.parallel
            (result,) = self._client.commit_many([Entry(bulk, key)], deadline=deadline, parallel=parallel)
            self._pace.adapt()
            if not isinstance(result.error, Retryable):
                result.unwrap()
                return
            self._pace.sleep(1.0)


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while block := list(islice(rows, BLOCK_ROWS)):
        yield block

"""The commit engine: runs a schedule to its end, transaction by transaction, side by side where they may.

This is the one loop that commits: what is decided is done, what is refused is confirmed by the ledger, what is left is
committed again, after a wait where others were in the way.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

from ..errors import CallFailed, DeadlineExceeded, RequestRefused, Retryable, SurewriteError
from ..writes import Target
from .idempotency_key import IdempotencyKey
from .outcome import Result
from .parts import Part, Status, Verdict
from .records import Record
from .retry import Backoff
from .schedule import Schedule
from .session import Call, Session
from .units import After, Unit

MIN_COMMIT_TIME = 0.25
"""Seconds that a transaction among many should have to be answered in; with less it is not begun."""

_READ_AHEAD = 100

Finish = Callable[[int, Result], Iterable[Unit]]
"""Is told each result by its ticket; returns units that may be committed now."""


class _Delay(NamedTuple):
    """A unit that is to be committed again after a wait: what is left of it, the error to end with if there is no time
    to wait, and whether it `shared` what failed with others, so that it need not travel alone."""

    after: After
    error: Retryable
    shared: bool = False


class Engine:
    """One run. `finish` and `settled` are called under a lock, one at a time; `settled` is asked whether the result of
    a unit that is about to be committed is known already."""

    def __init__(
        self,
        session: Session,
        call: Call,
        finish: Finish,
        *,
        settled: Callable[[Unit], Sequence[tuple[int, Result]]] = lambda unit: (),
        parallel: int = 1,
        min_time: float = 0.0,
    ) -> None:
        self._session, self._call, self._finish, self._settled = session, call, finish, settled
        self._parallel, self._min_time = parallel, min_time
        self._taken: deque[list[Unit]] = deque()
        self._changed = threading.Condition()
        self._workers = 1
        self._failure: BaseException | None = None
        self._pool: ThreadPoolExecutor | None = None

    def run(self, units: Iterable[Unit]) -> None:
        """Commits the units, and those that `finish` returns. Raises what a transport raises out of turn."""
        self._schedule = Schedule(units, self._call.placement)
        try:
            while (taken := self._wait_for_next()) is not None:
                self._turn(taken)
        finally:
            with self._changed:
                self._parallel = 0
            if self._pool is not None:
                self._pool.shutdown()
        if self._failure is not None:
            raise self._failure

    # --- workers -------------------------------------------------------------------------------------------------

    def _wait_for_next(self) -> list[Unit] | None:
        """The next transaction; None if there will be none."""
        with self._changed:
            while not self._schedule.finished and self._failure is None:
                if taken := self._next():
                    return taken
                self._changed.wait()
        return None

    def _work(self) -> None:
        """Another thread: commits as long as there is something to do."""
        try:
            while True:
                with self._changed:
                    taken = self._next() if self._failure is None and self._parallel else None
                    if not taken:
                        self._workers -= 1
                        return
                self._turn(taken)
        except BaseException as error:
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()

    def _next(self) -> list[Unit]:
        """What to commit next, empty if nothing can be now. Hires a worker for what may run beside it."""
        taken = self._taken.popleft() if self._taken else self._schedule.take()
        if taken and (self._taken or not self._schedule.idle) and self._workers < self._parallel:
            self._workers += 1
            self._pool = self._pool or ThreadPoolExecutor(self._parallel)
            self._pool.submit(self._work)
        return taken

    # --- one transaction -----------------------------------------------------------------------------------------

    def _turn(self, taken: Sequence[Unit]) -> None:
        """Commits the units of one transaction, and settles each: at once, or after a wait where it was in the way of
        others."""
        concluded = self._before(taken)
        live = [unit for unit in taken if unit not in concluded]
        delayed: dict[Unit, _Delay] = {}
        concluded |= self._commit(live, delayed)
        self._settle({unit: after for unit, after in concluded.items() if unit not in delayed})
        if delayed:
            if not self._wait(delayed):
                for unit, delay in delayed.items():
                    concluded[unit].give_up(delay.after.left, delay.error)
            self._settle({unit: concluded[unit] for unit in delayed})

    def _before(self, taken: Sequence[Unit]) -> dict[Unit, After]:
        """What ends units before they are committed: a result or a key that is known already, or no time left."""
        with self._changed:
            ended = {unit: After(done=list(known)) for unit in taken if (known := self._settled(unit))}
        if self._call.deadline.remaining() < self._min_time:
            late = DeadlineExceeded("no time left in this invocation")
            return {unit: ended.get(unit) or unit.failed(late) for unit in taken}
        for unit in taken:
            if unit not in ended and (records := self._call.placement.consumed(unit.claims)):
                ended[unit] = unit.conclude(Verdict(Status.KEY_USED, records=records))
        return ended

    def _commit(self, units: Sequence[Unit], delayed: dict[Unit, _Delay]) -> dict[Unit, After]:
        """What became of each unit. Those to be committed again after a wait go into `delayed`."""
        concluded = {unit: unit.failed(error) for unit, error in self._read(units).items()}
        parts: dict[Unit, Part] = {}
        for unit in (one for one in units if one not in concluded):
            part, after = unit.prepare(self._session, self._call)
            concluded[unit] = after
            if part is not None:
                parts[unit] = part
            elif after.raced is not None:
                delayed[unit] = _Delay(after, after.raced)
        for unit, verdict in self._send(parts).items():
            if not isinstance(verdict, Verdict):
                concluded[unit] += unit.failed(verdict)
                continue
            after = unit.conclude(verdict)
            error = verdict.error if verdict.status is Status.RETRY else after.raced
            if error is not None:
                delayed[unit] = _Delay(after, error, verdict.shared)
            concluded[unit] += after
        self._confirm(concluded)
        return concluded

    def _send(self, parts: Mapping[Unit, Part]) -> dict[Unit, Verdict | SurewriteError]:
        """Commits the parts: a verdict for each, or the error of one that cannot be committed."""
        if not parts:
            return {}
        try:
            return dict(zip(parts, self._session.transact(list(parts.values()), self._call), strict=True))
        except (CallFailed, RequestRefused) as error:
            groups = _apart(list(parts), error)
            if len(groups) == 1:
                return dict.fromkeys(parts, error)
            sent = [self._send({unit: parts[unit] for unit in group}) for group in groups]
            return {unit: verdict for verdicts in sent for unit, verdict in verdicts.items()}

    def _wait(self, delayed: Mapping[Unit, _Delay]) -> bool:
        """Waits with full jitter before the units are committed again; False if the time would be over by then."""
        attempts = max(unit.attempts for unit in delayed) + 1
        for delay in delayed.values():
            for one in delay.after.left:
                one.attempts = attempts
                one.alone = one.alone or not delay.shared
        with self._changed:
            for unit in delayed:
                self._schedule.release(unit)
            self._changed.notify_all()
        return Backoff(self._call.deadline, self._session.sleep, attempts=attempts).try_wait()

    def _read(self, units: Sequence[Unit]) -> dict[Unit, Exception]:
        """Reads what the units need to see, and for as many of the next as one request has room for. Returns the errors
        of the units whose reads have failed."""
        count = sum(len(unit.reads) for unit in units)
        if not count:
            return {}
        ahead = self._take_ahead(count)
        try:
            failed = self._see([unit for unit in (*units, *chain.from_iterable(ahead)) if unit.reads])
        finally:
            with self._changed:
                self._taken.extend(ahead)
                self._changed.notify_all()
        # the others read for themselves when their turn comes
        return {unit: failed[unit] for unit in units if unit in failed}

    def _take_ahead(self, count: int) -> list[list[Unit]]:
        """The next transactions that have something to read. Those that have nothing are left to other workers: they
        need not wait for the read."""
        ahead: list[list[Unit]] = []
        with self._changed:
            while count < _READ_AHEAD and (taken := self._schedule.take()):
                reads = sum(len(unit.reads) for unit in taken)
                (ahead if reads else self._taken).append(taken)
                count += reads
            self._changed.notify_all()
        return ahead

    def _see(self, units: Sequence[Unit]) -> dict[Unit, Exception]:
        """Shows the units what they need to see; the errors of those for which that cannot be read."""
        targets = [target for unit in units for target in unit.reads.targets]
        keys = [key for unit in units for key in unit.reads.keys]
        try:
            seen = self._session.read(targets, keys, self._call)
        except Retryable as error:
            return dict.fromkeys(units, error)
        except (CallFailed, RequestRefused) as error:
            groups = _apart(units, error)
            if len(groups) == 1:
                return dict.fromkeys(units, error)
            return {unit: failure for group in groups for unit, failure in self._see(group).items()}
        for unit in units:
            unit.see(seen)
        return {}

    def _confirm(self, concluded: Mapping[Unit, After]) -> None:
        """Asks the ledger for the keys of all that is to be refused: what was seen may be a key's own effect, and AWS
        does not promise that a cancellation names every reason. So a refusal is final only with a key that is free."""
        doubts = [(unit, doubt) for unit, after in concluded.items() for doubt in after.doubts]
        keys = [doubt.claim.key for _, doubt in doubts if doubt.claim is not None]
        records: Mapping[IdempotencyKey, Record | None] = {}
        failure: Exception | None = None
        try:
            records = self._session.records(keys, self._call) if keys else {}
        except (CallFailed, Retryable) as error:
            failure = error
        for unit, doubt in doubts:
            claim, record = doubt.claim, records.get(doubt.claim.key) if doubt.claim is not None else None
            if claim is not None and claim.barred_by(record):
                result = unit.replay(claim, record)
            else:
                result = Result(error=failure or doubt.error)
            concluded[unit].done.append((doubt.ticket, result))

    def _settle(self, concluded: Mapping[Unit, After]) -> None:
        with self._changed:
            for unit, after in concluded.items():
                self._schedule.settle(unit, after.left)
                for target, image in after.images.items():
                    self._schedule.tell(target, image)
                for ticket, result in after.done:
                    self._schedule.add(self._finish(ticket, result))
            self._changed.notify_all()


def _apart(units: Sequence[Unit], error: CallFailed | RequestRefused) -> list[Sequence[Unit]]:
    """In which groups to try units again that have failed as a whole: those of each table where one may be denied or
    missing, halves where one of them may be refused. A single group: it is at fault."""
    if isinstance(error, RequestRefused):
        half = len(units) // 2
        return [group for group in (units[:half], units[half:]) if group]
    tables: dict[frozenset[str], list[Unit]] = {}
    for unit in units:
        own = frozenset(one.table for one in unit.resources if isinstance(one, Target))
        tables.setdefault(own, []).append(unit)
    return list(tables.values())

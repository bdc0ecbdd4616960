"""Commits a batch: runs the planner's transactions side by side and reads every cancellation.

What a cancellation says of each action is enough to go on: a key that is known is done, a condition that failed has
brought the item, so the steps are walked in order on it and those that do not fit are refused; all others are
committed again. Nothing is read for it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import Blocked, DeadlineExceeded, InvalidRequest, KeyReused, Retryable, SurewriteError
from ..expressions.conditions import all_of
from ..expressions.constraints import NeedsRead
from ..expressions.evaluate import apply, evaluate
from ..expressions.updates import Update
from ..model.wire import Image, image_from_wire
from ..writes import Put, Write
from .bulk import Batch, commit_batch
from .effects import explain
from .ledger import Claim, IdempotencyKey, Outcome, Record
from .schedule import Plan, Step, Unit
from .transport import PASSING, Cancelled, Deadline, Refused

if TYPE_CHECKING:
    from .one import Writer

_LEAST_TIME = 0.25
"""Seconds that a transaction should have to be answered in; with less it is not begun."""


_BLOCKED = "an earlier request of the group has to be settled first"


@dataclass(frozen=True)
class Entry:
    """One write of many, with its key. Entries of one `group` are committed in their order, and none after one that
    was not applied: those are Blocked."""

    write: Write | Batch
    key: IdempotencyKey
    group: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of one entry: an outcome, or the error that a lone commit would have raised.

    Neither of them means a failure that is not the request's: what DynamoDB's client raised, named by `cause`.
    """

    outcome: Outcome | None = None
    error: SurewriteError | None = None
    cause: str = ""

    @property
    def final(self) -> bool:
        """Whether sending the entry again would be of no use."""
        return self.outcome is not None or (self.error is not None and not isinstance(self.error, Retryable))


_REUSED = Result(error=KeyReused(), cause=KeyReused.__name__)


class Coalescer:
    """One batch under way."""

    def __init__(self, writer: Writer, deadline: Deadline, parallel: int) -> None:
        self._writer, self._deadline, self._parallel = writer, deadline, parallel
        self._results: dict[int, Result] = {}
        self._stopped: set[str] = set()
        self._contested: dict[IdempotencyKey, tuple[str, Result]] = {}
        self._changed = threading.Condition()
        self._failed = False

    def run(self, entries: Sequence[Entry]) -> list[Result]:
        """One result for each entry."""
        results: list[Result] = []
        for whole, group in groupby(entries, lambda entry: isinstance(entry.write, Batch)):
            segment = list(group)
            results += map(self._batch, segment) if whole else self._coalesced(segment)
        return results

    def _batch(self, entry: Entry) -> Result:
        batch = entry.write
        assert isinstance(batch, Batch)
        if entry.group in self._stopped:
            return Result(error=Blocked(_BLOCKED), cause=Blocked.__name__)
        result = _result(lambda: commit_batch(self._writer, batch, entry.key, deadline=self._deadline))
        if entry.group is not None and result.outcome is None:
            self._stopped.add(entry.group)
        return result

    def _coalesced(self, entries: Sequence[Entry]) -> list[Result]:
        self._results, self._contested = {}, {}
        steps, repeats = self._steps(entries)
        self._plan = Plan(steps, weigh=self._writer.ledger.weigh)
        first = self._plan.take()
        if self._plan.idle:
            self._work(first)
        else:
            with ThreadPoolExecutor(self._parallel) as pool:
                starts = [first] + [None] * (self._parallel - 1)
                for future in [pool.submit(self._work, start) for start in starts]:
                    future.result()
        for index, leader in repeats.items():
            self._results[index] = self._repeated(entries[index], entries[leader], self._results[leader])
        return [self._results[index] for index in range(len(entries))]

    def _steps(self, entries: Sequence[Entry]) -> tuple[list[Step], dict[int, int]]:
        """The steps, and the entries that repeat the key of one that cannot be refused: those share its fate."""
        leaders: dict[IdempotencyKey, Step] = {}
        steps: list[Step] = []
        repeats: dict[int, int] = {}
        uses = Counter(entry.key for entry in entries)
        for index, entry in enumerate(entries):
            write = entry.write
            assert isinstance(write, Write)
            if (leader := leaders.get(entry.key)) is not None and not leader.contested:
                repeats[index] = leader.index
                continue
            step = Step.of(index, write, Claim(entry.key, write.fingerprint), entry.group)
            if uses[entry.key] > 1 and (leader is not None or not step.certain):
                step = replace(step, contested=True)
            leaders.setdefault(entry.key, step)
            steps.append(step)
        return steps, repeats

    def _repeated(self, entry: Entry, leader: Entry, result: Result) -> Result:
        """What becomes of a key's second entry after its first."""
        same = entry.write.fingerprint == leader.write.fingerprint
        if result.outcome is not None:
            return replace(result, outcome=result.outcome.as_replay()) if same else _REUSED
        return result if same or not result.final else self._alone(entry)

    def _settled_before(self, step: Step) -> bool:
        """Whether an earlier step of a contested key has decided this one as well."""
        prior = self._contested.get(step.claim.key)
        if prior is None or (prior[1].final and prior[1].outcome is None):
            return False
        fingerprint, result = prior
        if result.outcome is not None:
            same = fingerprint == step.claim.fingerprint
            result = replace(result, outcome=result.outcome.as_replay()) if same else _REUSED
        self._finish(step, result)
        return True

    # --- transactions --------------------------------------------------------------------------------------------

    def _work(self, units: list[Unit] | None) -> None:
        """Runs one transaction after the other until none is left."""
        try:
            while units or (units := self._next()):
                left = self._transact(units)
                with self._changed:
                    for unit, remains in left:
                        self._plan.settle(unit, remains)
                    self._changed.notify_all()
                units = None
        except BaseException:
            with self._changed:
                self._failed = True
                self._changed.notify_all()
            raise

    def _next(self) -> list[Unit] | None:
        """Waits for the next transaction; None if there will be none."""
        with self._changed:
            while not self._failed and not self._plan.finished:
                if units := self._plan.take():
                    return units
                self._changed.wait()
        return None

    def _transact(self, units: list[Unit]) -> list[tuple[Unit, list[Unit]]]:
        """Runs the units in one transaction; what is left to do of each."""
        blocked = [unit for unit in units if unit.steps[0].group in self._stopped]
        if blocked:
            for unit in blocked:
                self._fail(unit, Blocked(_BLOCKED))
            units = [unit for unit in units if unit not in blocked]
        done: list[tuple[Unit, list[Unit]]] = [(unit, []) for unit in blocked]
        if not units:
            return done
        if self._deadline.remaining() < _LEAST_TIME:
            for unit in units:
                self._fail(unit, DeadlineExceeded("no time left in this invocation"))
            return done + [(unit, []) for unit in units]
        settled = [unit for unit in units if unit.steps[0].contested and self._settled_before(unit.steps[0])]
        done += [(unit, []) for unit in settled]
        units = [unit for unit in units if unit not in settled]
        if not units:
            return done
        if units[0].solo:
            step = units[0].steps[0]
            self._finish(step, self._alone(Entry(step.write, step.claim.key)))
            return [*done, (units[0], [])]
        return done + self._commit(units)

    def _commit(self, units: list[Unit]) -> list[tuple[Unit, list[Unit]]]:
        version = self._writer.version()
        actions: list[dict[str, Any]] = []
        spans: list[tuple[int, int]] = []
        apart: list[tuple[Unit, list[Unit]]] = []
        for unit in list(units):
            try:
                own = self._actions(unit, version)
            except (InvalidRequest, NeedsRead):
                apart.append((unit, self._split(unit)))
                units.remove(unit)
                continue
            spans.append((len(actions), len(actions) + len(own) - 1))
            actions += own
        return apart + (self._sent(units, actions, spans, version) if units else [])

    def _actions(self, unit: Unit, version: str) -> list[dict[str, Any]]:
        """The unit's claims and its write. InvalidRequest if its conditions together are too long for one request."""
        kind, parameters = unit.write.request(self._writer.table(unit.write.model), version, unit.constraint)
        return [*self._writer.ledger.actions(unit.claims), {kind: parameters}]

    def _sent(
        self, units: list[Unit], actions: list[dict[str, Any]], spans: list[tuple[int, int]], version: str
    ) -> list[tuple[Unit, list[Unit]]]:
        try:
            self._writer.dynamodb.transact(actions, self._deadline)
        except Cancelled as cancelled:
            return self._cancelled(units, spans, cancelled)
        except Refused:
            return self._refused(units)
        except Retryable as error:
            for unit in units:
                self._fail(unit, error)
        except (ClientError, BotoCoreError) as error:
            for unit in units:
                self._fail(unit, None, type(error).__name__)
        else:
            for unit in units:
                self._applied(unit, version)
        return [(unit, []) for unit in units]

    def _refused(self, units: list[Unit]) -> list[tuple[Unit, list[Unit]]]:
        """The request was refused whole, and nobody says for which action: its halves are tried, down to one step."""
        if len(units) > 1:
            half = len(units) // 2
            return self._commit(units[:half]) + self._commit(units[half:])
        return [(units[0], self._split(units[0]))]

    def _split(self, unit: Unit) -> list[Unit]:
        """A unit that DynamoDB refuses, in halves; a single step by itself, where it is read and its error found."""
        if len(unit.steps) == 1:
            return [Unit([replace(unit.steps[0], solo=True)])]
        half = len(unit.steps) // 2
        return Unit.of(unit.steps[:half]) + Unit.of(unit.steps[half:])

    # --- cancellations -------------------------------------------------------------------------------------------

    def _cancelled(
        self, units: list[Unit], spans: list[tuple[int, int]], cancelled: Cancelled
    ) -> list[tuple[Unit, list[Unit]]]:
        left: list[tuple[Unit, list[Unit]]] = []
        delayed: list[Unit] = []
        for unit, (start, end) in zip(units, spans, strict=True):
            claims, reason = cancelled.reasons[start:end], cancelled.reasons[end]
            remains = self._peeled(unit, claims, reason)
            left.append((unit, remains))
            if any(one.get("Code") in PASSING for one in (*claims, reason)):
                delayed += remains
        if not delayed and sum(len(one.steps) for _, remains in left for one in remains) == _steps_in(units):
            # Nothing was learned. Whatever it was, it is not met again at once.
            delayed = [one for unit, remains in left for one in remains if len(remains) == 1 and not one.solo]
        if delayed and not self._wait(delayed):
            for unit in delayed:
                self._fail(unit, cancelled.passing)
            gone = set(map(id, delayed))
            left = [(unit, [one for one in remains if id(one) not in gone]) for unit, remains in left]
        return left

    def _wait(self, units: list[Unit]) -> bool:
        """Waits with full jitter before the units are tried again; False if the time would be over by then."""
        attempts = max(unit.attempts for unit in units) + 1
        for unit in units:
            unit.attempts = attempts
        backoff = self._writer.dynamodb.backoff(self._deadline, attempts)
        return backoff.try_wait()

    def _peeled(self, unit: Unit, claims: Sequence[Mapping[str, Any]], reason: Mapping[str, Any]) -> list[Unit]:
        """What is left of a unit after a cancellation, whose reasons these are."""
        steps = self._unclaimed(unit, claims)
        code = reason.get("Code", "None")
        if not steps:
            return []
        # As long as a claim is undecided, the item may show the effect of that very key.
        if code == "ConditionalCheckFailed" and not any(one.get("Code") in PASSING for one in claims):
            item = reason.get("Item")
            kept, rest = self._walked(steps, image_from_wire(item) if item else None)
            if len(kept) == len(unit.steps):
                return self._split(unit)
            return [*Unit.of(kept), *Unit.of(rest)]
        if code != "None" and code != "ConditionalCheckFailed" and code not in PASSING:
            return [half for one in Unit.of(steps) for half in self._split(one)]
        return Unit.of(steps, attempts=unit.attempts)

    def _unclaimed(self, unit: Unit, claims: Sequence[Mapping[str, Any]]) -> list[Step]:
        """The steps whose keys nobody has consumed; the others are answered from their records."""
        verdicts = self._writer.ledger.verdicts(unit.claims, claims)
        for step, record in zip(unit.steps, verdicts, strict=True):
            if record is not None:
                self._finish(step, _replayed(step, record))
        return [step for step, record in zip(unit.steps, verdicts, strict=True) if record is None]

    def _walked(self, steps: Sequence[Step], image: Image | None) -> tuple[list[Step], Sequence[Step]]:
        """The steps that fit if they are applied to the item one by one, and the rest, from the next that does not.

        What does not fit the item as it is is refused. What would not fit it after others is not: those have not been
        committed yet.
        """
        kept: list[Step] = []
        for position, step in enumerate(steps):
            demanded = all_of([step.write.condition, step.constraint])
            try:
                if demanded is not None and not evaluate(demanded, image):
                    raise explain(step.write, image)
                image = _applied_to(step.write, image)
            except SurewriteError as error:
                if kept:
                    return kept, steps[position:]
                self._finish(step, Result(error=error, cause=type(error).__name__))
            else:
                kept.append(step)
        return kept, ()

    # --- results -------------------------------------------------------------------------------------------------

    def _alone(self, entry: Entry) -> Result:
        write = entry.write
        assert isinstance(write, Write)
        return _result(lambda: self._writer.commit(write, entry.key, deadline=self._deadline))

    def _applied(self, unit: Unit, version: str) -> None:
        stamped = version if unit.steps[0].write.kind != "delete" else None
        for step in unit.steps:
            self._finish(step, Result(outcome=Outcome(version=stamped)))

    def _fail(self, unit: Unit, error: Retryable | None, cause: str = "") -> None:
        for step in unit.steps:
            self._finish(step, Result(error=error, cause=cause or type(error).__name__))

    def _finish(self, step: Step, result: Result) -> None:
        self._results[step.index] = result
        if step.contested and not isinstance(result.error, KeyReused):
            self._contested[step.claim.key] = (step.claim.fingerprint, result)
        if step.group is not None and result.outcome is None:
            self._stopped.add(step.group)


def _steps_in(units: Sequence[Unit]) -> int:
    return sum(len(unit.steps) for unit in units)


def _result(commit: Callable[[], Outcome]) -> Result:
    try:
        return Result(outcome=commit())
    except SurewriteError as error:
        return Result(error=error, cause=type(error).__name__)
    except (ClientError, BotoCoreError) as error:
        return Result(cause=type(error).__name__)


def _replayed(step: Step, record: Record) -> Result:
    if record.fingerprint != step.claim.fingerprint:
        return _REUSED
    return Result(outcome=Outcome(replayed=True))


def _applied_to(write: Write, image: Image | None) -> Image | None:
    """The item after the write; InvalidUpdate where DynamoDB would refuse."""
    match write.action:
        case Update() as update:
            return apply(update, {**write.key, **(image or {})})
        case Put(image=new):
            return new
    return None

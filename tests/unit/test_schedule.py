"""Which units share a transaction."""

from collections.abc import Hashable, Sequence
from typing import Any

import pytest

from surewrite.commit.idempotency_key import IdempotencyKey
from surewrite.commit.ledger import Ledger
from surewrite.commit.parts import Part, Verdict
from surewrite.commit.placement import Placement
from surewrite.commit.records import Claim
from surewrite.commit.schedule import MAX_BYTES, Schedule
from surewrite.commit.units import After, Unit


class Plain(Unit):
    """A unit that is nothing but its measures."""

    def __init__(
        self, name: str, *, on: Hashable = None, weight: int = 1, size: int = 100, alone: bool = False
    ) -> None:
        self.name, self.alone, self.attempts = name, alone, int(alone)
        self._on, self._weight, self._size = on or name, weight, size

    @property
    def weight(self) -> int:
        return self._weight

    @property
    def claims(self) -> Sequence[Claim]:
        return [Claim(IdempotencyKey("app", self.name), "f")]

    @property
    def resources(self) -> tuple[Hashable, ...]:
        return (self._on,)

    @property
    def size(self) -> int:
        return self._size

    def prepare(self, session: Any, call: Any) -> tuple[Part | None, After]:
        raise NotImplementedError

    def conclude(self, verdict: Verdict) -> After:
        raise NotImplementedError

    def failed(self, error: Exception) -> After:
        raise NotImplementedError


def schedule_of(units: Sequence[Unit]) -> Schedule:
    return Schedule(units, Placement(Ledger("Ledger")))


def taken(schedule: Schedule) -> list[list[str]]:
    """The names of what is taken until nothing may run beside it."""
    names = []
    while units := schedule.take():
        names.append([unit.name for unit in units if isinstance(unit, Plain)])
    return names


@pytest.mark.parametrize(
    ("measures", "transactions"),
    [
        pytest.param({}, [50, 50, 20], id="a claim and an action each"),
        pytest.param({"weight": 32}, [3] * 40, id="an action too many"),
        pytest.param({"size": MAX_BYTES // 3 + 1}, [2] * 60, id="a byte too many"),
        pytest.param({"alone": True}, [1] * 120, id="what was in the way travels alone"),
    ],
)
def test_what_fits_into_a_transaction(measures: Any, transactions: list[int]) -> None:
    schedule = schedule_of([Plain(str(number), **measures) for number in range(120)])
    assert [len(names) for names in taken(schedule)] == transactions


def test_what_does_not_fit_lets_others_pass() -> None:
    schedule = schedule_of([Plain("a"), Plain("large", weight=99), Plain("b")])
    assert taken(schedule) == [["a", "b"], ["large"]]


def test_what_was_in_the_way_comes_last_and_alone() -> None:
    schedule = schedule_of([Plain("busy", alone=True), Plain("a"), Plain("b")])
    assert taken(schedule) == [["a", "b"], ["busy"]]


def test_one_after_the_other_on_one_item() -> None:
    first, second = Plain("first", on="item"), Plain("second", on="item")
    schedule = schedule_of([first, second])
    assert taken(schedule) == [["first"]]
    schedule.settle(first, [Plain("rest of first", on="item")])
    assert taken(schedule) == [["rest of first"]]
    assert not schedule.finished

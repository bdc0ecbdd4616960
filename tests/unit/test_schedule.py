"""Which units share a transaction, and which may be under way side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surewrite.commit.idempotency_key import IdempotencyKey
from surewrite.commit.ledger import Ledger
from surewrite.commit.parts import Part, Verdict
from surewrite.commit.placement import Placement
from surewrite.commit.records import Claim
from surewrite.commit.schedule import MAX_BYTES, Schedule
from surewrite.commit.slots import MAX_CLAIMS, Slot
from surewrite.commit.units import After, Unit

TIME = 1_767_225_600_000
_numbers = count()


def packed(*slots: int) -> list[Claim]:
    """A claim in each of the slots."""
    keys = (IdempotencyKey("queue:q", f"{TIME + 100 * slot}-{next(_numbers)}") for slot in slots)
    return [Claim(key, "f") for key in keys]


class Plain(Unit):
    """A unit that is nothing but its measures; by default it claims a record."""

    def __init__(
        self,
        name: str,
        *,
        on: Hashable = None,
        weight: int = 1,
        size: int = 100,
        alone: bool = False,
        claims: Sequence[Claim] | None = None,
    ) -> None:
        self.name, self.alone, self.attempts = name, alone, int(alone)
        self._on, self._weight, self._size = on or name, weight, size
        self._claims = [Claim(IdempotencyKey("app", name), "f")] if claims is None else claims

    @property
    def weight(self) -> int:
        return self._weight

    @property
    def claims(self) -> Sequence[Claim]:
        return self._claims

    @property
    def resources(self) -> tuple[Hashable, ...]:
        return (self._on,)

    @property
    def size(self) -> int:
        return self._size

    def halves(self) -> Sequence[Unit]:
        half = len(self._claims) // 2
        parts = enumerate((self._claims[:half], self._claims[half:]))
        return [Plain(f"{self.name}{part}", on=self._on, claims=claims) for part, claims in parts if half]

    def prepare(self, session: Any, call: Any) -> tuple[Part | None, After]:
        raise NotImplementedError

    def conclude(self, verdict: Verdict) -> After:
        raise NotImplementedError

    def failed(self, error: Exception) -> After:
        raise NotImplementedError


def in_slots(number: int, *slots: int, prefix: str = "", **measures: Any) -> list[Plain]:
    """So many units, each with a claim in each of the slots."""
    return [Plain(f"{prefix}{n}", claims=packed(*slots), **measures) for n in range(number)]


def schedule_of(units: Sequence[Unit], placement: Placement | None = None) -> Schedule:
    return Schedule(units, placement or Placement(Ledger("Ledger")))


def taken(schedule: Schedule) -> list[list[str]]:
    """The names of what is taken until nothing may run beside it."""
    names = []
    while units := schedule.take():
        names.append(names_of(units))
    return names


def names_of(units: Iterable[Unit]) -> list[str]:
    return [unit.name for unit in units if isinstance(unit, Plain)]


def closed(slot: int) -> Slot:
    return Slot(f"queue:q#t{TIME // 100 + slot}", {}, 512, 0)


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


# --- slots -----------------------------------------------------------------------------------------------------------


def drained(schedule: Schedule) -> list[list[str]]:
    """The names of every transaction, where each is settled before the next is taken."""
    names = []
    while units := schedule.take():
        names.append(names_of(units))
        for unit in units:
            schedule.settle(unit)
    assert schedule.finished
    return names


@pytest.mark.parametrize(
    ("measures", "transactions"),
    [
        pytest.param({}, [99, 99, 2], id="an action each"),
        pytest.param({"weight": 2}, [49, 49, 49, 49, 4], id="two actions each"),
        pytest.param({"weight": 0}, [130, 70], id="as many claims as one action can have"),
        pytest.param({"size": MAX_BYTES // 3 + 1}, [2] * 100, id="a byte too many"),
    ],
)
def test_what_claims_in_one_slot_shares_its_action(measures: Any, transactions: list[int]) -> None:
    schedule = schedule_of(in_slots(200, 1, **measures))
    assert [len(names) for names in drained(schedule)] == transactions


def test_transactions_that_are_under_way_have_no_slot_in_common() -> None:
    schedule = schedule_of(in_slots(150, 1, prefix="a") + in_slots(150, 2, prefix="b"))
    first, second = schedule.take(), schedule.take()
    assert {name[0] for name in names_of(first)} | {name[0] for name in names_of(second)} == {"a", "b"}
    assert (len(first), len(second)) == (99, 99)
    assert schedule.take() == []
    for unit in second:
        schedule.settle(unit)
    assert {name[0] for name in names_of(schedule.take())} == {names_of(second)[0][0]}


def test_a_slot_is_free_when_its_transaction_has_been_answered() -> None:
    """Even though its units wait before they are committed again."""
    schedule = schedule_of(in_slots(150, 1))
    first = schedule.take()
    for unit in first[:-1]:
        schedule.release(unit)
    assert schedule.take() == []
    assert schedule.idle
    schedule.release(first[-1])
    assert not schedule.idle
    assert len(schedule.take()) == 51
    for unit in first:
        schedule.settle(unit, [unit])
    assert schedule.take() == []


def test_a_unit_is_released_once() -> None:
    """Settled after that, it frees nothing of another transaction that claims in the slot meanwhile."""
    first, second, third = in_slots(3, 1, weight=60)
    schedule = schedule_of([first, second, third])
    assert schedule.take() == [first]
    schedule.release(first)
    assert schedule.take() == [second]
    schedule.settle(first)
    assert schedule.take() == []


def test_what_waits_for_a_slot_holds_up_nothing_else() -> None:
    waiting = Plain("waiting", claims=packed(1, 2))
    schedule = schedule_of([*in_slots(99, 1), waiting, *in_slots(3, 3, prefix="c")])
    first = schedule.take()
    assert "waiting" in names_of(first)  # what claims in many slots comes first
    schedule = schedule_of(in_slots(2, 1, weight=60))
    schedule.take()
    schedule.add([waiting, *in_slots(3, 3, prefix="c")])
    assert taken(schedule) == [["c0", "c1", "c2"]]


def test_neighbours_come_together_wherever_they_stand() -> None:
    mixed = [Plain(f"{'abc'[number % 3]}{number}", claims=packed(number % 3)) for number in range(90)]
    assert drained(schedule_of(mixed)) == [[f"{'abc'[s]}{n}" for s in range(3) for n in range(s, 90, 3)]]


def test_what_would_be_torn_has_a_transaction_of_its_own() -> None:
    """A slot is written once rather than twice, if half of a transaction is full."""
    schedule = schedule_of(in_slots(60, 1, prefix="a") + in_slots(60, 2, prefix="b"))
    assert [len(names) for names in drained(schedule)] == [60, 60]


def test_a_small_part_is_torn() -> None:
    schedule = schedule_of(in_slots(30, 1, prefix="a") + in_slots(80, 2, prefix="b"))
    assert [len(names) for names in drained(schedule)] == [98, 12]


def test_more_claims_than_a_slots_action_can_have() -> None:
    units = [Plain(name, claims=packed(*[1] * 100)) for name in ("a", "b")]
    assert drained(schedule_of(units)) == [["a"], ["b"]]
    assert drained(schedule_of([Plain("a", claims=packed(*[1] * MAX_CLAIMS))])) == [["a"]]


def test_a_unit_that_has_no_room_is_divided() -> None:
    assert drained(schedule_of([Plain("a", claims=packed(*[1] * (MAX_CLAIMS + 1)))])) == [["a0"], ["a1"]]
    assert drained(schedule_of([Plain("a", claims=packed(*range(100)))])) == [["a0"], ["a1"]]


def test_what_comes_after_a_divided_unit_stays_behind_it() -> None:
    units = [Plain("a", on="item", claims=packed(*range(100))), Plain("b", on="item", claims=packed(1))]
    assert drained(schedule_of(units)) == [["a0"], ["a1"], ["b"]]


def test_a_slot_that_was_closed_meanwhile() -> None:
    """Its keys take an action each, and wait for no one."""
    placement = Placement(Ledger("Ledger"))
    schedule = schedule_of(in_slots(130, 1), placement)
    first = schedule.take()
    placement.learn(closed(1))
    for unit in first:
        schedule.settle(unit, [unit])
    assert [len(names) for names in taken(schedule)] == [50, 50, 30]


def test_a_unit_that_becomes_too_large_when_its_slot_is_closed_is_divided() -> None:
    placement = Placement(Ledger("Ledger"))
    schedule = schedule_of([Plain("a", claims=packed(*[1] * 120))], placement)
    placement.learn(closed(1))
    assert drained(schedule) == [["a0"], ["a1"]]


def test_what_was_parked_for_a_slot_that_closed() -> None:
    placement = Placement(Ledger("Ledger"))
    first, second = in_slots(2, 1, weight=60)
    schedule = schedule_of([first, second], placement)
    assert schedule.take() == [first]
    assert schedule.take() == []
    placement.learn(closed(1))
    schedule.release(first)
    assert schedule.take() == [second]


# --- whatever happens ------------------------------------------------------------------------------------------------

_measures = st.fixed_dictionaries(
    {
        "on": st.integers(0, 8).map(lambda item: f"item {item}"),
        "claims": st.lists(st.integers(0, 3), max_size=12).map(lambda slots: packed(*slots)),
        "weight": st.integers(0, 3),
        "alone": st.sampled_from([False, False, False, True]),
    }
)


@given(data=st.data(), measures=st.lists(_measures, min_size=1, max_size=40))
def test_everything_is_handed_out_in_order_and_no_slot_twice_at_a_time(data: st.DataObject, measures: Any) -> None:
    """However many units are settled, released or left, and whatever is learned of slots meanwhile."""
    placement, limit = Placement(Ledger("Ledger", close_at=512)), 10
    units = [Plain(str(number), **each) for number, each in enumerate(measures)]
    schedule = Schedule(units, placement, max_actions=limit)
    orders: dict[Hashable, list[Claim]] = {}
    for unit in units:
        orders.setdefault(unit.resources, []).extend(unit.claims)
    handed: dict[Hashable, list[Claim]] = {on: [] for on in orders}
    under_way: dict[Plain, frozenset[str]] = {}
    waiting: list[Plain] = []

    def check(transaction: list[Plain]) -> None:
        load = placement.load([claim for unit in transaction for claim in unit.claims])
        actions = load.actions + sum(unit.weight for unit in transaction)
        assert actions <= limit or (len(transaction) == 1 and not transaction[0].halves())
        assert max(load.slots.values(), default=0) <= MAX_CLAIMS
        assert len(transaction) == 1 or not any(unit.alone for unit in transaction)
        assert not set(load.slots) & set().union(*under_way.values())
        under_way.update({unit: frozenset(placement.load(unit.claims).slots) for unit in transaction})
        resources = Counter(one for unit in (*under_way, *waiting) for one in unit.resources)
        assert set(resources.values()) == {1}

    while not schedule.finished:
        if transaction := [unit for unit in schedule.take() if isinstance(unit, Plain)]:
            check(transaction)
            continue
        assert under_way or waiting, "nothing is under way, and nothing is handed out"
        chosen = data.draw(st.sampled_from([*under_way, *waiting]))
        match data.draw(st.sampled_from(["settle", "settle", "again", "release", "closed", "gone"])):
            case "release" if chosen in under_way:
                schedule.release(chosen)
                del under_way[chosen]
                waiting.append(chosen)
            case "closed":
                placement.learn(closed(data.draw(st.integers(0, 3))))
            case "gone":
                placement.learn(closed(data.draw(st.integers(0, 3)))._replace(size=0))
            case what:
                under_way.pop(chosen, None)
                waiting = [unit for unit in waiting if unit is not chosen]
                again = what == "again" and chosen.attempts < 2
                chosen.attempts += 1
                schedule.settle(chosen, [chosen] if again else [])
                handed[chosen.resources] += [] if again else chosen.claims
    assert handed == orders

"""Where claims go, and what a cancellation says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from surewrite import IdempotencyKey, Ledger
from surewrite.commit.placement import Load, Placement, Standing
from surewrite.commit.records import Claim, Record
from surewrite.commit.slots import MARGIN, MAX_CLAIMS, Slot, attribute, short
from surewrite.errors import Conflict, Throttled
from surewrite.model.wire import image_to_wire
from surewrite.testing import Clock

TIME = 1_767_225_600_000
SLOT = f"queue:q#t{TIME // 100}"
RETENTION, CLOSE_AT = 1000, 5

FREE, ELSEWHERE = Standing(), Standing(elsewhere=True)
CHECK_FAILED = "ConditionalCheckFailed"


class Rig:
    """A placement, and the claims of keys in one slot and elsewhere."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.ledger = Ledger("Ledger", retention=RETENTION, clock=self.clock, close_at=CLOSE_AT)
        self.placement = Placement(self.ledger)

    @property
    def expiry(self) -> int:
        """Of a record that is written now."""
        return int(self.clock() + RETENTION)

    def learn(self, *keys: str, marked: Sequence[str] = (), size: int | None = None, expires_at: int = 0) -> None:
        self.placement.learn(slot(*keys, marked=marked, size=size, expires_at=expires_at))

    def moves(self, *claims: Claim) -> list[tuple[str, Any]]:
        return list(self.placement.plan(claims).moves())

    def standings(self, claims: Sequence[Claim], *reasons: Mapping[str, Any]) -> list[Standing]:
        return self.placement.plan(claims).standings(reasons)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def claim(name: str = "a", *, time: int = TIME, rejected: str | None = None, source: str | None = "m1") -> Claim:
    """Of a key that is packed in the slot of its time."""
    return Claim(IdempotencyKey("queue:q", f"{time}-{name}"), f"print of {name}", source=source, rejected=rejected)


def own(name: str = "own") -> Claim:
    """Of a key that has a record of its own in any case."""
    return Claim(IdempotencyKey("queue:q", name), f"print of {name}", source="m1")


def name_of(key: str) -> str:
    return attribute(claim(key).key)


def slot(*keys: str, marked: Sequence[str] = (), size: int | None = None, expires_at: int = 0) -> Slot:
    entries: dict[str, bytes | None] = {name_of(key): short(f"print of {key}") for key in keys}
    entries |= {name_of(key): None for key in marked}
    return Slot(SLOT, entries, len(entries) if size is None else size, expires_at)


def wire(seen: Slot) -> Any:
    entries = {name: {"NULL": True} if value is None else {"B": value} for name, value in seen.keys.items()}
    return {"id": {"S": SLOT}, "n": {"N": str(seen.size)}, "expires_at": {"N": str(seen.expires_at)}, **entries}


def failed(item: Any = None) -> dict[str, Any]:
    return {"Code": CHECK_FAILED} if item is None else {"Code": CHECK_FAILED, "Item": item}


def ids(actions: Sequence[Mapping[str, Any]]) -> list[str]:
    return [(request.get("Item") or request["Key"])["id"]["S"] for action in actions for request in action.values()]


# --- where claims go -------------------------------------------------------------------------------------------------


def test_keys_of_one_slot_share_an_action(rig: Rig) -> None:
    claims = [claim("a"), own(), claim("b"), claim("c", time=TIME + 100)]
    actions = rig.placement.plan(claims).actions()
    assert ids(actions) == [SLOT, f"queue:q#t{TIME // 100 + 1}", own().key.record_id]
    assert list(actions[0]["Update"]["ExpressionAttributeNames"].values()) == [name_of("a"), name_of("b")]
    assert [list(action) for action in actions] == [["Update"], ["Update"], ["Put"]]


def test_a_slot_outlives_what_is_claimed_in_it(rig: Rig) -> None:
    (action,) = rig.placement.plan([claim()]).actions()
    assert action["Update"]["ExpressionAttributeValues"][":e"] == {"N": str(rig.expiry + MARGIN)}


def test_a_rejection_is_a_mark_and_a_record(rig: Rig) -> None:
    plan = rig.placement.plan([claim("a"), claim("b", rejected="no")])
    in_slot, record = plan.actions()
    assert in_slot["Update"]["ExpressionAttributeValues"][":0"] == {"B": short("print of a")}
    assert in_slot["Update"]["ExpressionAttributeValues"][":1"] == {"NULL": True}
    assert record["Update"]["Key"] == {"id": {"S": claim("b").key.record_id}}
    assert not plan.repeatable
    assert plan.keys == [{"id": {"S": one}} for one in ids([in_slot, record])]


@pytest.mark.parametrize(
    ("claims", "repeatable"),
    [
        ([claim(rejected="no")], True),
        ([claim(rejected="no"), claim("b", rejected="no")], True),
        ([claim()], False),
        ([claim(rejected="no"), claim("b")], False),
    ],
    ids=["a rejection", "rejections", "a claim", "both"],
)
def test_only_rejections_by_record_may_be_made_twice(rig: Rig, claims: Sequence[Claim], repeatable: bool) -> None:
    rig.learn(size=CLOSE_AT)
    assert rig.placement.plan(claims).repeatable == repeatable
    assert not Rig().placement.plan(claims).repeatable


def test_nothing_is_repeatable_without_a_claim(rig: Rig) -> None:
    assert not rig.placement.plan([]).repeatable


def test_a_closed_slot_sends_its_keys_to_records(rig: Rig) -> None:
    rig.learn("x", size=CLOSE_AT)
    other = claim("b", time=TIME + 100)
    assert ids(rig.placement.plan([claim("a"), other]).actions()) == [
        f"queue:q#t{TIME // 100 + 1}",
        claim("a").key.record_id,
    ]


def test_a_closed_slot_is_asked_for_the_keys_that_it_holds(rig: Rig) -> None:
    """They are claimed in it all the same, to be told that they are consumed."""
    rig.learn("a", size=CLOSE_AT)
    assert ids(rig.placement.plan([claim("a"), claim("b")]).actions()) == [SLOT, claim("b").key.record_id]


def test_an_open_slot_sends_its_marked_keys_to_records(rig: Rig) -> None:
    rig.learn("x", marked=["a"])
    plan = rig.placement.plan([claim("a"), claim("b"), claim("a", rejected="no")])
    assert ids(plan.actions()) == [SLOT, claim("a").key.record_id, claim("a").key.record_id]


@pytest.mark.parametrize("before", [{"size": CLOSE_AT}, {"marked": ["a"]}], ids=["closed", "marked"])
def test_a_slot_that_is_gone_takes_keys_again(rig: Rig, before: Any) -> None:
    rig.learn(**before)
    learned = rig.placement.learned
    rig.learn()
    assert rig.placement.learned != learned
    assert ids(rig.placement.plan([claim("a")]).actions()) == [SLOT]


def test_what_counts_as_learned(rig: Rig) -> None:
    """As long as it stays the same, so do the places of all claims."""
    rig.learn("x", "y")
    assert rig.placement.learned == 0
    rig.learn("x", marked=["a"])
    marked = rig.placement.learned
    rig.learn("x", size=CLOSE_AT)
    assert len({0, marked, rig.placement.learned}) == 3


@pytest.mark.parametrize("claims", [[], [own()], [claim()], [claim(rejected="no")], [claim(), claim("b"), own()]])
def test_what_claims_take(rig: Rig, claims: Sequence[Claim]) -> None:
    """As many actions as their plan has."""
    for known in ({}, {"marked": ["a"]}, {"size": CLOSE_AT}):
        rig.learn(**known)
        assert rig.placement.load(claims).actions == len(rig.placement.plan(claims).actions())


def test_a_slot_that_is_to_take_too_many_keys(rig: Rig) -> None:
    many = [claim(str(number)) for number in range(MAX_CLAIMS + 1)]
    assert rig.placement.plan(many).overfull
    assert not rig.placement.plan(many[1:]).overfull
    rig.learn(size=CLOSE_AT)
    assert not rig.placement.plan(many).overfull


def load(records: int = 0, **slots: int) -> Load:
    made = Load()
    made.records, made.slots = records, slots
    return made


@pytest.mark.parametrize(
    ("one", "other", "actions"),
    [
        (load(), load(), 0),
        (load(2), load(3), 5),
        (load(a=1), load(a=1), 1),
        (load(1, a=1), load(2, b=1), 5),
        (load(a=MAX_CLAIMS - 1), load(a=1), 1),
        (load(a=MAX_CLAIMS), load(a=1), None),
        (load(), load(a=MAX_CLAIMS + 1), None),
        (load(a=MAX_CLAIMS), load(b=MAX_CLAIMS), 2),
    ],
)
def test_what_two_loads_take_together(one: Load, other: Load, actions: int | None) -> None:
    assert one.with_(other) == actions
    if actions is not None:
        one.add(other)
        assert one.actions == actions


# --- nothing outlives its slot ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [{"size": CLOSE_AT}, {"marked": ["a"]}], ids=["closed", "marked"])
@pytest.mark.parametrize("rejected", [None, "no"])
def test_a_slot_is_moved_before_it_is_outlived(rig: Rig, known: Any, rejected: str | None) -> None:
    rig.learn(expires_at=rig.expiry - 1, **known)
    ((moved, request),) = rig.moves(claim("a", rejected=rejected), own())
    assert moved == SLOT
    assert request["ExpressionAttributeValues"][":e"] == {"N": str(rig.expiry + MARGIN)}
    assert ("n>=:close" in request["ConditionExpression"]) == ("size" in known)
    assert list(request["ExpressionAttributeNames"].values()) == [name_of("a")]


def test_a_slot_is_not_moved_where_it_stands_long_enough(rig: Rig) -> None:
    rig.learn(size=CLOSE_AT, expires_at=rig.expiry)
    assert not rig.moves(claim("a"))


def test_a_slot_is_not_moved_for_what_is_claimed_in_it(rig: Rig) -> None:
    rig.learn(marked=["a"], expires_at=0)
    assert not rig.moves(claim("b"), claim("b", rejected="no"), own())


def test_only_the_marks_that_count_have_to_stand(rig: Rig) -> None:
    rig.learn(marked=["a", "b", "c"])
    ((_, request),) = rig.moves(claim("a"), claim("c"), claim("x"))
    assert sorted(request["ExpressionAttributeNames"].values()) == sorted([name_of("a"), name_of("c")])


def test_no_record_outlives_its_slot_however_long_the_move_takes(rig: Rig) -> None:
    rig.learn(size=CLOSE_AT, expires_at=rig.expiry)
    plan = rig.placement.plan([claim("a")])
    until = rig.expiry
    assert not list(plan.moves())
    rig.clock.now += 900
    (action,) = plan.actions()
    assert action["Put"]["Item"]["expires_at"] == {"N": str(until)}


def test_what_other_threads_learn_meanwhile_changes_no_plan(rig: Rig) -> None:
    """The slot is gone: another thread has noticed. Here the move will."""
    rig.learn(size=CLOSE_AT)
    plan = rig.placement.plan([claim("a")])
    rig.learn()
    ((moved, _),) = plan.moves()
    assert not plan.outlives(moved, {})
    assert ids(plan.actions()) == [claim("a").key.record_id]


def test_a_slot_is_moved_once(rig: Rig) -> None:
    rig.learn(size=CLOSE_AT)
    plan = rig.placement.plan([claim("a")])
    assert plan.outlives(SLOT, None)
    assert not rig.moves(claim("b"))


@pytest.mark.parametrize(
    ("known", "seen", "stands"),
    [
        ({"size": CLOSE_AT}, slot(size=CLOSE_AT), True),
        ({"size": CLOSE_AT}, slot(size=CLOSE_AT - 1), False),
        ({"size": CLOSE_AT}, slot(marked=["a"]), True),
        ({"size": CLOSE_AT}, slot("a", size=CLOSE_AT), False),
        ({"marked": ["a", "b"]}, slot(marked=["a"]), True),
        ({"marked": ["a", "b"]}, slot(marked=["b"]), False),
        ({"marked": ["a"]}, slot("a"), False),
        ({"marked": ["a"]}, slot(marked=["a"], size=CLOSE_AT), True),
        ({"marked": ["a"]}, slot(), False),
        ({"marked": ["a"]}, slot(size=CLOSE_AT), True),
    ],
)
@pytest.mark.parametrize("late", [True, False])
def test_a_slot_that_cannot_be_moved(rig: Rig, known: Any, seen: Slot, stands: bool, late: bool) -> None:
    """Another worker has moved it, or it is not what it was taken for any more."""
    rig.learn(**known)
    plan = rig.placement.plan([claim("a")])
    found = seen._replace(expires_at=rig.expiry - late)
    assert plan.outlives(SLOT, wire(found)) == (stands and not late)


def test_a_slot_that_is_gone_cannot_be_moved(rig: Rig) -> None:
    rig.learn(size=CLOSE_AT)
    plan = rig.placement.plan([claim("a")])
    assert not plan.outlives(SLOT, {})
    assert ids(rig.placement.plan([claim("a")]).actions()) == [SLOT]


# --- what a cancellation says ----------------------------------------------------------------------------------------


def test_a_slot_says_of_each_key_what_it_is(rig: Rig) -> None:
    seen = slot("a", "b", marked=["c"], expires_at=77)
    names = ("a", "c", "d")
    standings = rig.standings([claim(name) for name in names], failed(wire(seen)))
    held = Record(short("print of a").hex(), None, None, 77, packed=True)
    assert standings == [Standing(held), ELSEWHERE, FREE]
    assert ids(rig.placement.plan([claim(name) for name in names]).actions()) == [SLOT, claim("c").key.record_id]


def test_a_closed_slot_says_it_of_all(rig: Rig) -> None:
    seen = slot("a", marked=["c"], size=CLOSE_AT, expires_at=77)
    first, *others = rig.standings([claim(name) for name in "acd"], failed(wire(seen)))
    assert first.record is not None
    assert others == [ELSEWHERE, ELSEWHERE]


@pytest.mark.parametrize(
    "item", [None, wire(slot()), wire(slot("x", size=CLOSE_AT - 1))], ids=["gone", "empty", "open"]
)
def test_a_slot_in_which_nothing_is_in_the_way_any_more(rig: Rig, item: Any) -> None:
    standings = rig.standings([claim("a"), claim("b")], failed(item))
    assert all(isinstance(one.undecided, Conflict) and one.shared for one in standings)


@pytest.mark.parametrize(
    ("code", "error"), [("TransactionConflict", Conflict), ("ThrottlingError", Throttled)], ids=["conflict", "throttle"]
)
def test_a_busy_slot_leaves_all_its_keys_undecided(rig: Rig, code: str, error: type[Exception]) -> None:
    in_slot, second, by_record = rig.standings([claim("a"), claim("b"), own()], {"Code": code}, {"Code": "None"})
    for standing in (in_slot, second):
        assert isinstance(standing.undecided, error)
        assert standing.shared
    assert by_record == FREE
    *free, alone = rig.standings([claim("a"), claim("b"), own()], {"Code": "None"}, {"Code": code})
    assert free == [FREE, FREE]
    assert isinstance(alone.undecided, error)
    assert not alone.shared


def test_the_same_key_in_two_places_has_two_standings(rig: Rig) -> None:
    """Two claims are told apart even where they are equal."""
    first, second = claim("a"), claim("a")
    assert first == second
    rig.learn(marked=["a"])
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    free, busy = rig.standings([first, second], *reasons)
    assert free == FREE
    assert isinstance(busy.undecided, Conflict)


def record(expires_at: int, **fields: Any) -> Any:
    return image_to_wire({"id": "x", "fingerprint": "print of a", "expires_at": Decimal(expires_at), **fields})


SLOT_REASONS: dict[str, Any] = {
    "free": ({"Code": "None"}, lambda one: one == FREE),
    "busy": ({"Code": "TransactionConflict"}, lambda one: one.undecided is not None and one.shared),
    "used": (failed(wire(slot("a", expires_at=9))), lambda one: one.record is not None and one.record.packed),
    "marked": (failed(wire(slot(marked=["a"]))), lambda one: one == ELSEWHERE),
    "closed": (failed(wire(slot(size=CLOSE_AT))), lambda one: one == ELSEWHERE),
    "raced": (failed(), lambda one: isinstance(one.undecided, Conflict) and one.shared),
}
LATER = int(Clock().now) + 9
RECORD_REASONS: dict[str, Any] = {
    "free": ({"Code": "None"}, lambda one: one == FREE),
    "busy": ({"Code": "ThrottlingError"}, lambda one: isinstance(one.undecided, Throttled) and not one.shared),
    "used": (failed(record(LATER)), lambda one: one.record is not None and not one.record.packed),
    "expired": (failed(record(LATER - 9)), lambda one: isinstance(one.undecided, Conflict) and not one.shared),
    "gone": (failed(), lambda one: isinstance(one.undecided, Conflict) and not one.shared),
    "refused": (
        failed(record(LATER, rejected="no", message_ids={"m1"})),
        lambda one: one.record is not None and one.record.rejected == "no",
    ),
    "others refused": (
        failed(record(LATER, rejected="no", message_ids={"m2"})),
        lambda one: isinstance(one.undecided, Conflict),
    ),
}


@pytest.mark.parametrize(("in_slot", "by_record"), list(product(SLOT_REASONS, RECORD_REASONS)))
def test_every_pair_of_reasons_of_a_rejection(rig: Rig, in_slot: str, by_record: str) -> None:
    """Of its mark and of its record: the slot comes first, the record counts where the slot says nothing."""
    (reason, says), (other, other_says) = SLOT_REASONS[in_slot], RECORD_REASONS[by_record]
    (standing,) = rig.standings([claim("a", rejected="no")], reason, other)
    assert (other_says if in_slot == "free" else says)(standing)


@pytest.mark.parametrize(("in_slot", "by_record"), list(product(SLOT_REASONS, RECORD_REASONS)))
def test_every_pair_of_reasons_of_two_claims(rig: Rig, in_slot: str, by_record: str) -> None:
    (reason, says), (other, other_says) = SLOT_REASONS[in_slot], RECORD_REASONS[by_record]
    record_first = rig.standings([own(), claim("a")], reason, other)
    assert [other_says(record_first[0]), says(record_first[1])] == [True, True]

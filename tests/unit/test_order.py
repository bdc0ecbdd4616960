"""The order in which a standard queue's batch is committed."""

import random
from collections import Counter

import pytest

from surewrite import IdempotencyKey, Ledger
from surewrite.commit.order import by_slots

START = 1_767_225_600_000


def keys(count: int, rate: int, *, seed: int | None = 1) -> list[IdempotencyKey]:
    """Keys of messages that were sent at so many a second, in any order; in their order without a `seed`."""
    made = [IdempotencyKey("queue:q", f"{START + number * 1000 // rate}-{number}") for number in range(count)]
    if seed is not None:
        random.Random(seed).shuffle(made)  # noqa: S311
    return made


@pytest.mark.parametrize("rate", [1, 100, 1300])
def test_a_batch_that_one_transaction_could_claim_stays_as_it_comes(rate: int) -> None:
    count = min(50, 5 * rate)
    assert [list(group) for group in by_slots(Ledger("Ledger"), keys(count, rate))] == [list(range(count))]


@pytest.mark.parametrize(
    ("count", "rate", "slots", "groups"),
    [(10_000, 1000, 20, 5), (1000, 100, 50, 2), (2000, 4000, 20, 4), (600, 6000, 20, 5), (10_000, 10_000, 20, 8)],
    ids=["many slots", "few keys in each", "many keys in each", "one slot", "full slots"],
)
def test_groups_that_a_transaction_can_claim(count: int, rate: int, slots: int, groups: int) -> None:
    """At most 130 keys of a slot, and fifty slots, or twenty where they hold a thousand."""
    ledger = Ledger("Ledger")
    batch = keys(count, rate)
    found = by_slots(ledger, batch)
    assert sorted(position for group in found for position in group) == list(range(count))
    assert len(found) == groups
    for group in found:
        held = Counter(ledger.slot(batch[position]) for position in group)
        assert max(held.values()) <= 130
        assert len(held) <= slots


def test_what_has_no_slot_stays_in_turn() -> None:
    plain = [IdempotencyKey("queue:q", f"k{number}") for number in range(50)]
    packed = keys(600, 6000)
    groups = by_slots(Ledger("Ledger"), [*packed[:300], None, *plain, None, *packed[300:]])
    assert len(groups) == 5
    assert [position for position in groups[0] if 300 <= position < 352] == list(range(300, 352))


def test_without_packing_every_order_costs_the_same() -> None:
    (group,) = by_slots(Ledger("Ledger", packing=False), keys(10_000, 1000))
    assert list(group) == list(range(10_000))

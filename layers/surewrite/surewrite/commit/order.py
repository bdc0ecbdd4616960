"""In which order to commit many requests that may be committed in any: so that few transactions claim in each slot.

SQS hands out a backlog in any order. Taken as it comes, every transaction of a busy item claims in all slots of the
batch, as many as it has room for, and the next one in all of them again; each time they are written, and paid for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from .idempotency_key import IdempotencyKey
from .ledger import Ledger
from .slots import MAX_CLAIMS

# Slots that a group has at most: these leave as much room for items in a transaction. Fewer are better where many keys
# share them, for each claim in a slot pays for all that it holds; but every group writes its items once more.
_MOST_SLOTS, _SLOTS, _KEYS = 50, 20, 1000


def by_slots(ledger: Ledger, keys: Sequence[IdempotencyKey | None]) -> list[Sequence[int]]:
    """The positions of the keys in groups, in the order in which to commit them; those of None stay in turn.

    It is one group, in the order in which they come, unless they belong to more slots, or more of them to one, than a
    transaction should claim: then the groups are such that one transaction can claim all keys of an item in a group.
    """
    slots = [None if key is None else ledger.slot(key) for key in keys]
    sizes = Counter(slot for slot in slots if slot is not None)
    portions = max(_portions(len(sizes), _MOST_SLOTS), min(_portions(len(sizes), _SLOTS), len(keys) // _KEYS))
    if portions <= 1 and max(sizes.values(), default=0) <= MAX_CLAIMS:
        return [range(len(keys))]
    width = _portions(len(sizes), max(portions, 1))
    span = {slot: rank // width for rank, slot in enumerate(sorted(sizes))}  # in a scope the ids are in order of time
    share = {slot: _portions(size, _portions(size, MAX_CLAIMS)) for slot, size in sizes.items()}
    taken: Counter[str] = Counter()
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for position, slot in enumerate(slots):
        if slot is None:
            groups[0, 0].append(position)
        else:
            groups[span[slot], taken[slot] // share[slot]].append(position)
            taken[slot] += 1
    return [groups[group] for group in sorted(groups)]


def _portions(count: int, size: int) -> int:
    """How many portions of a size it takes; or, of what size so many portions are."""
    return -(-count // size)

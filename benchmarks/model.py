"""A model of what the packed ledger costs, for rates and concurrencies that no engine on one machine can show.

It takes the messages' times, deals them out as a queue does, and bills every claim of a slot at DynamoDB's prices. All
messages have a key of their own and add to few items: then only the slots say how many claims there are. What a worker
pays to learn that a slot is closed is left out, as is what conflicts between workers cost.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from benchmarks.messages import arrive
from benchmarks.prices import TRANSACTED, item_size, number_size, write_units
from benchmarks.stream import deal

WINDOW = 1.0
"""Seconds for which a batch is gathered: the template's MaximumBatchingWindowInSeconds."""

BATCH = 10_000
"""Messages that a batch has at most: the template's BatchSize."""

CLOSE_AT, MAX_CLAIMS = 512, 130
"""Keys at which a slot closes, and how many of one slot a transaction claims."""

_KEY = len("kHq2uMhDzR1w") + 4
_SLOT = item_size(
    {"id": {"S": "queue:WritesQueue#t17672256000"}, "n": {"NULL": True}, "expires_at": {"N": "1769904001"}}
)
_RECORD = TRANSACTED
_LEAST, _WINDOWS = 5000, 3


def units_a_message(rate: float, workers: int, slot_ms: int) -> float:
    """Ledger write units a message where `rate` messages a second are handed out to so many workers."""
    count, dealt = batches(rate, workers)
    return ledger_units(dealt, slot_ms) / count


def batches(rate: float, workers: int) -> tuple[int, list[list[int]]]:
    """How many messages there are, and the times of each batch of them, in milliseconds."""
    count = max(_LEAST, int(_WINDOWS * rate * WINDOW))
    times = list(islice(arrive(rate, random.Random(0)), count))  # noqa: S311
    size = min(BATCH, max(1, round(rate * WINDOW / workers)))
    return count, list(deal(times, workers, size))


def ledger_units(batches: Iterable[Sequence[int]], slot_ms: int) -> int:
    """Write units of all claims, batch by batch; each is given by the times of its keys in milliseconds."""
    units = 0
    keys: Counter[int] = Counter()
    for batch in batches:
        for slot, left in Counter(time // slot_ms for time in batch).items():
            while left and keys[slot] < CLOSE_AT:
                claimed = min(left, MAX_CLAIMS)
                keys[slot] += claimed
                left -= claimed
                units += TRANSACTED * write_units(slot_size(keys[slot]))
            units += left * _RECORD
    return units


def slot_size(keys: int) -> int:
    """Bytes of a slot with so many keys."""
    return _SLOT - 1 + number_size(str(keys)) + keys * _KEY

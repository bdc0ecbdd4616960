"""A stream of messages, and how a queue hands it out to several workers."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.messages import RATE, Event, Message, arrive, event, fresh

_WARM_UP = 25
# A producer that sends again after a timeout, and a message that the queue delivers again.
_SOON, _LATE = 0.2, 3.0


T = TypeVar("T")


@dataclass(frozen=True)
class Stream:
    """Messages in the order in which the queue receives them, and those of each worker before the watch starts.

    `deliveries` and `keys` count, by title, the messages and the distinct idempotency keys of both together.
    """

    warm_ups: Sequence[Event]
    messages: Sequence[Message]
    deliveries: Mapping[str, int] = field(repr=False)
    keys: Mapping[str, int] = field(repr=False)


def make_stream(
    scenario: str, messages: int, workers: int, duplicates: float = 0.0, seed: int = 0, rate: float = RATE
) -> Stream:
    """`messages` that arrive at `rate` a second; the share `duplicates` repeats the key of another message, one half of
    them a moment later, the other half seconds later.
    """
    chance = random.Random(f"{scenario}/{messages}/{duplicates}/{seed}")  # noqa: S311
    repeated = round(messages * duplicates)
    arrivals = arrive(rate * (1 - duplicates), chance)
    warm_ups = [fresh(scenario, _WARM_UP, arrivals, chance, f"before {number}") for number in range(workers)]
    originals = fresh(scenario, messages - repeated, arrivals, chance, "now")
    again = [
        (message, chance.uniform(0, _LATE if number % 2 else _SOON))
        for number, message in enumerate(chance.choices(originals, k=repeated))
    ]
    received = [(float(message.sent), message) for message in originals]
    received += [(message.sent + 1000 * delay, message) for message, delay in again]
    received.sort()
    everything = [message for batch in warm_ups for message in batch] + [message for _, message in received]
    return Stream(
        warm_ups=[event(batch, chance) for batch in warm_ups],
        messages=[message for _, message in received],
        deliveries=Counter(message.title for message in everything),
        keys=Counter(message.title for message in set(everything)),
    )


def deal(messages: Sequence[T], workers: int, size: int, seed: int = 0) -> Iterator[list[T]]:
    """Batches of up to `size` messages, as SQS hands them out to `workers` that ask at the same time: what is in the
    queue then goes to each of them at random."""
    chance = random.Random(seed)  # noqa: S311
    for start in range(0, len(messages), workers * size):
        window = list(messages[start : start + workers * size])
        chance.shuffle(window)
        yield from (window[first : first + size] for first in range(0, len(window), size))

"""Many faults at random. A failure names the seed and the faults: `Exactly(injected)` brings them back."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from surewrite import Outcome
from surewrite.testing import Randomly
from tests.engine.house import House, Keys
from tests.faults.ways import IMPATIENT, WAYS, broken, check, prepare, shown, until_done

SEEDS = 10
DELIVERIES = 4


@pytest.mark.parametrize("deadline", [None, IMPATIENT], ids=["patient", "impatient"])
@pytest.mark.parametrize("way", WAYS)
def test_one_delivery_after_the_other(house: House, name: str, keys: Keys, way: str, deadline: Any) -> None:
    injected = 0
    for seed in range(SEEDS):
        item = f"{name}/{seed}"
        write, key = prepare(house, WAYS[way], item, keys)
        transport = broken(house, Randomly(seed, rate=0.7, calls=20))
        with shown(transport):
            for _ in range(3):
                outcome = until_done(house, transport, lambda w, c=write, k=key: w.commit(c, k, deadline=deadline))  # type: ignore[misc]
                check(house, WAYS[way], item, outcome, keys)
        injected += len(transport.injected)
    assert injected > SEEDS


@pytest.mark.parametrize("way", WAYS)
def test_deliveries_at_once(house: House, name: str, keys: Keys, way: str) -> None:
    for seed in range(SEEDS // 2):
        item = f"{name}/{seed}"
        write, key = prepare(house, WAYS[way], item, keys)
        transports = [broken(house, Randomly(seed * DELIVERIES + number)) for number in range(DELIVERIES)]

        def deliver(number: int, w: Any = write, k: Any = key, t: Any = transports) -> Outcome:
            return until_done(house, t[number], lambda writer: writer.commit(w, k))

        with shown(*transports), ThreadPoolExecutor(DELIVERIES) as pool:
            outcomes = list(pool.map(deliver, range(DELIVERIES)))
            assert sum(not outcome.replayed for outcome in outcomes) <= 1
            for outcome in outcomes:
                check(house, WAYS[way], item, outcome, keys)

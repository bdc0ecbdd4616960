"""Messages arrive at a rate, under keys that carry their times, and a queue deals them out."""

import json
from collections import Counter
from typing import Any

import pytest

from benchmarks.messages import make_round
from benchmarks.stream import deal, make_stream
from surewrite.commit.idempotency_key import IdempotencyKey


@pytest.mark.parametrize("rate", [1000.0, 20_000.0])
def test_keys_carry_the_times_of_messages_that_arrive_at_a_rate(rate: float) -> None:
    records = make_round("hot", 2000, rate=rate).measured["Records"]
    sent = sorted(int(record["attributes"]["SentTimestamp"]) for record in records)
    assert sorted(time_of(record) for record in records) == sent
    assert sent[-1] - sent[0] == pytest.approx(2000 / rate * 1000, rel=0.1)


def test_a_repeated_key_has_the_time_of_the_first() -> None:
    for record in make_round("zipf", 200, 0.3).measured["Records"]:
        assert time_of(record) == int(record["attributes"]["SentTimestamp"])


def time_of(record: dict[str, Any]) -> int:
    timestamp = IdempotencyKey("queue:Writes", json.loads(record["body"])["idempotency_key"]).timestamp
    assert timestamp is not None
    return timestamp


def test_rounds_have_times_of_their_own() -> None:
    times = [
        time_of(make_round(scenario, 10, seed=seed).measured["Records"][0])
        for scenario in ("hot", "zipf")
        for seed in (0, 1)
    ]
    assert len({time // 60_000 for time in times}) == 4


@pytest.mark.parametrize("duplicates", [0.0, 0.3])
def test_a_stream_has_its_share_of_duplicates(duplicates: float) -> None:
    stream = make_stream("zipf", 1000, 4, duplicates)
    assert len(stream.messages) == 1000
    assert 1000 - len(set(stream.messages)) == 1000 * duplicates
    assert sum(stream.deliveries.values()) - sum(stream.keys.values()) == 1000 * duplicates
    assert len(stream.warm_ups) == 4
    assert make_stream("zipf", 1000, 4, duplicates) == stream
    assert make_stream("zipf", 1000, 4, duplicates, seed=1) != stream


def test_one_worker_gets_the_messages_in_turn_and_several_share_each_moment() -> None:
    messages = range(1000)
    assert [sorted(batch) for batch in deal(messages, 1, 300)] == [
        [*range(300)],
        [*range(300, 600)],
        [*range(600, 900)],
        [*range(900, 1000)],
    ]
    batches = list(deal(messages, 4, 100))
    assert Counter(message for batch in batches for message in batch) == Counter(messages)
    for batch in batches[:4]:
        assert max(batch) < 400
        assert max(batch) - min(batch) > 300

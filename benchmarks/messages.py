"""The messages of a run: the same for every contender, and the same again for the same seed."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.aws import REGION, arn

SCENARIOS = {
    "hot": "hot counter",
    "distinct": "distinct items",
    "zipf": "zipf mix",
}
"""All messages add to one item; each to an item of its own; to 1,000 items, the k-th with a weight of 1/k."""

AUTHOR = "Benchmark"
_ZIPF_ITEMS = 1000
_LEAST_WARM_UP = 100

Event = dict[str, Any]


@dataclass(frozen=True)
class Round:
    """Events to send: those before the watch starts, and those that are measured.

    `deliveries` and `keys` count, by title, the messages and the distinct idempotency keys of both together.
    """

    warm_up: Event
    measured: Event
    deliveries: Mapping[str, int] = field(repr=False)
    keys: Mapping[str, int] = field(repr=False)


def make_round(scenario: str, messages: int, duplicates: float = 0.0, seed: int = 0) -> Round:
    """A batch of `messages`, of which the share `duplicates` repeats the key of another message: one half of them of
    this batch, the other half of the batch before, which serves to warm up.
    """
    chance = random.Random(f"{scenario}/{messages}/{duplicates}/{seed}")  # noqa: S311
    repeated = round(messages * duplicates)
    across = repeated // 2
    warm_up = _fresh(scenario, max(across, _LEAST_WARM_UP), chance, "before")
    fresh = _fresh(scenario, messages - repeated, chance, "now")
    batch = fresh + chance.sample(warm_up, across) + chance.choices(fresh, k=repeated - across)
    chance.shuffle(batch)
    everything = warm_up + batch
    return Round(
        warm_up=_event(warm_up, chance),
        measured=_event(batch, chance),
        deliveries=Counter(title for title, _ in everything),
        keys=Counter(title for title, _ in set(everything)),
    )


def _fresh(scenario: str, count: int, chance: random.Random, label: str) -> list[tuple[str, str]]:
    """Titles and keys."""
    match scenario:
        case "hot":
            titles: Sequence[str] = ["Title 0"] * count
        case "distinct":
            titles = [f"Title {label} {number}" for number in range(count)]
        case "zipf":
            ranks = range(1, _ZIPF_ITEMS + 1)
            drawn = chance.choices(ranks, weights=[1 / rank for rank in ranks], k=count)
            titles = [f"Title {rank}" for rank in drawn]
        case _:
            raise ValueError(f"there is no scenario {scenario}")
    return [(title, f"{chance.getrandbits(128):032x}") for title in titles]


def _event(batch: Sequence[tuple[str, str]], chance: random.Random) -> Event:
    return {"Records": [_record(title, key, f"{chance.getrandbits(128):032x}") for title, key in batch]}


def _record(title: str, key: str, message_id: str) -> dict[str, Any]:
    body = json.dumps(
        {
            "op": "update",
            "collection": "books",
            "key": {"Author": AUTHOR, "Title": title},
            "add": {"Views": 1},
            "idempotency_key": key,
        }
    )
    return {
        "messageId": f"{message_id[:8]}-{message_id[8:12]}-{message_id[12:16]}-{message_id[16:20]}-{message_id[20:]}",
        "receiptHandle": message_id * 4,
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1767225600000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1767225600001",
        },
        "messageAttributes": {},
        "md5OfBody": message_id,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn("sqs", "WritesQueue"),
        "awsRegion": REGION,
    }


def update_request(table: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a handler of one's own sends for a message: an `UpdateItem` with `ADD`."""
    ((attribute, by),) = body["add"].items()
    return {
        "TableName": table,
        "Key": {name: {"S": value} for name, value in body["key"].items()},
        "UpdateExpression": "ADD #attribute :by",
        "ExpressionAttributeNames": {"#attribute": attribute},
        "ExpressionAttributeValues": {":by": {"N": str(by)}},
    }

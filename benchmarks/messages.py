"""The messages of a run: the same for every contender, and the same again for the same seed."""

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from local.aws import REGION, arn

SCENARIOS = {
    "hot": "hot counter",
    "distinct": "distinct items",
    "zipf": "zipf mix",
}
"""All messages add to one item; each to an item of its own; to 1,000 items, the k-th with a weight of 1/k."""

AUTHOR = "Benchmark"
RATE = 1000.0
"""Messages a second: a batch of 1,000 is a second's traffic."""

_ZIPF_ITEMS = 1000
_LEAST_WARM_UP = 100
# Every round has a time of its own in this year: in a ledger that is used again its slots are new.
_YEAR, _SECONDS = 1_767_225_600_000, 365 * 86_400

Event = dict[str, Any]


class Message(NamedTuple):
    """A view of a title, under a key; `sent` is in milliseconds since 1970."""

    title: str
    key: str
    sent: int


@dataclass(frozen=True)
class Round:
    """Events to send: those before the watch starts, and those that are measured.

    `deliveries` and `keys` count, by title, the messages and the distinct idempotency keys of both together.
    """

    warm_up: Event
    measured: Event
    deliveries: Mapping[str, int] = field(repr=False)
    keys: Mapping[str, int] = field(repr=False)


def make_round(scenario: str, messages: int, duplicates: float = 0.0, seed: int = 0, rate: float = RATE) -> Round:
    """A batch of `messages`, of which the share `duplicates` repeats the key of another message: one half of them of
    this batch, the other half of the batch before, which serves to warm up. They arrive at `rate` a second.
    """
    chance = random.Random(f"{scenario}/{messages}/{duplicates}/{seed}")  # noqa: S311
    repeated = round(messages * duplicates)
    across = repeated // 2
    arrivals = arrive(rate * (1 - duplicates), chance)
    warm_up = fresh(scenario, max(across, _LEAST_WARM_UP), arrivals, chance, "before")
    batch = fresh(scenario, messages - repeated, arrivals, chance, "now")
    batch += chance.sample(warm_up, across) + chance.choices(batch, k=repeated - across)
    chance.shuffle(batch)
    everything = warm_up + batch
    return Round(
        warm_up=event(warm_up, chance),
        measured=event(batch, chance),
        deliveries=Counter(message.title for message in everything),
        keys=Counter(message.title for message in set(everything)),
    )


def arrive(rate: float, chance: random.Random) -> Iterator[int]:
    """When messages are sent that do not know of each other, `rate` a second: milliseconds since 1970."""
    now = _YEAR + 1000.0 * chance.randrange(_SECONDS)
    while True:
        now += 1000 * chance.expovariate(rate)
        yield int(now)


def fresh(scenario: str, count: int, arrivals: Iterator[int], chance: random.Random, label: str) -> list[Message]:
    """The next messages to arrive, each with a key of its own."""
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
    sent = islice(arrivals, count)
    return [Message(title, _uuid7(time, chance), time) for title, time in zip(titles, sent, strict=True)]


def _uuid7(milliseconds: int, chance: random.Random) -> str:
    """RFC 9562, 5.7: 48 bits of time, the version, 12 random bits, the variant, 62 random bits."""
    value = milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
    return str(uuid.UUID(int=value))


def event(batch: Sequence[Message], chance: random.Random) -> Event:
    """The messages as SQS delivers them."""
    return {"Records": [_record(message, uuid.UUID(int=chance.getrandbits(128))) for message in batch]}


def _record(message: Message, message_id: uuid.UUID) -> dict[str, Any]:
    body = json.dumps(
        {
            "op": "update",
            "collection": "books",
            "key": {"Author": AUTHOR, "Title": message.title},
            "add": {"Views": 1},
            "idempotency_key": message.key,
        }
    )
    return {
        "messageId": str(message_id),
        "receiptHandle": message_id.hex * 4,
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(message.sent),
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": str(message.sent + 1),
        },
        "messageAttributes": {},
        "md5OfBody": message_id.hex,
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

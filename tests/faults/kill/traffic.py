"""What producers send: requests of every kind, some of them hopeless, a third of the messages repeating another one."""

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from tests.faults.kill.queues import SENT, Message

WRITES, OTHERS, ORDERED = "WritesQueue", "OtherWrites", "OrderedWritesQueue.fifo"
AUTHOR = "Kill Test"
STOCK = 40
_DELETED = 30

Row = tuple[str, str]
"""A table by its logical id, and the item's title or number."""


class Fate(Enum):
    """What becomes of a request in the end."""

    APPLIED = auto()
    REJECTED = auto()
    EITHER = auto()
    """Applied or rejected, whoever comes first."""


@dataclass(frozen=True)
class Effect:
    """What a request does to one item, if it is applied: `value` is added to the attribute or appended to its list;
    without an attribute it is the new item, None a deletion."""

    row: Row
    attribute: str | None
    value: Any


@dataclass(frozen=True, eq=False)
class Request:
    """One request of a producer: however often it is sent, it may have its effect once.

    `carrier` is where its messages carry the key: in the body, as a message attribute, or nowhere: then `name` is the
    message's id, which only a redelivery repeats.
    """

    queue: str
    name: str
    body: Any
    fate: Fate
    effects: tuple[Effect, ...] = ()
    carrier: str = "body"
    group: str | None = None

    @property
    def key(self) -> str:
        """Of a message that carries none it is made of when it was sent, and its id."""
        return f"{SENT}-{self.name}" if self.carrier == "id" else _key(self.name)

    def message(self, number: int, chance: random.Random) -> Message:
        """A message of this request, with its fields in any order."""
        key = self.key if self.carrier == "attribute" else None
        identity = self.name if self.carrier == "id" else f"m{number}"
        if not isinstance(self.body, dict):
            text = self.body
        else:
            fields = {**self.body, **({"idempotency_key": self.key} if self.carrier == "body" else {})}
            text = json.dumps(dict(chance.sample(list(fields.items()), len(fields))), indent=chance.choice([None, 2]))
        return Message(self.queue, identity, text, self.group, key)


def _key(name: str) -> str:
    """A UUIDv7 of the second after SENT; for every eighth the name, which carries no time."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    number = int(digest, 16)
    if number % 8 == 0:
        return name
    return str(uuid.UUID(f"{SENT + number % 1000:012x}7{digest[:3]}a{digest[3:18]}"))


@dataclass
class Traffic:
    """Requests, and the messages that carry them, in the order of sending."""

    requests: list[Request] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


def book(title: str) -> dict[str, Any]:
    return {"collection": "books", "key": {"Author": AUTHOR, "Title": title}}


def product(number: int) -> dict[str, Any]:
    return {"collection": "products", "key": {"Id": number}}


def seeds() -> dict[Row, dict[str, Any]]:
    """The items that are there before."""
    return {
        ("Books", "stock"): {"Stock": STOCK, "Category": "Bounded"},
        ("Books", "conditional"): {"Category": "Suspense", "Views": 0},
        ("Books", "scarce"): {"Stock": 1},
        ("ProductCatalog", "4999"): {"Description": "to be kept"},
        **{
            ("ProductCatalog", str(number)): {"Description": "to be deleted"} for number in range(5000, 5000 + _DELETED)
        },
    }


def add(title: str, attribute: str = "Views", by: int = 1, **more: Any) -> tuple[dict[str, Any], tuple[Effect, ...]]:
    body = {"op": "update", **book(title), "add": {attribute: by}, **more}
    return body, (Effect(("Books", title), attribute, by),)


def _append(number: int, mark: int) -> tuple[dict[str, Any], tuple[Effect, ...]]:
    body = {"op": "update", **product(number), "append": {"RelatedItems": [mark]}}
    return body, (Effect(("ProductCatalog", str(number)), "RelatedItems", mark),)


def _put(number: int) -> tuple[dict[str, Any], tuple[Effect, ...]]:
    item = {"Id": number, "Description": f"number {number}", "QuantityOnHand": 3}
    when = {"Id": {"not_exists": True}}  # a second time would be refused
    effect = Effect(("ProductCatalog", str(number)), None, {"Description": item["Description"], "QuantityOnHand": 3})
    return {"op": "put", "collection": "products", "item": item, "when": when}, (effect,)


def _delete(queue: str, n: int) -> Request:
    body = {"op": "delete", **product(5000 + n), "when": {"Id": {"exists": True}}}  # a second time would be refused
    return Request(queue, f"delete {n}", body, Fate.APPLIED, (Effect(("ProductCatalog", str(5000 + n)), None, None),))


def _bulk(first: int, size: int) -> tuple[dict[str, Any], tuple[Effect, ...]]:
    """Puts `size` new products, each with a quantity of 5, and deletes one that is not there."""
    new: dict[str, Any] = {"Description": f"bulk {first}", "QuantityOnHand": 5}
    items = [{"Id": first + n, **new} for n in range(size)]
    effects = (Effect(("ProductCatalog", str(item["Id"])), None, new) for item in items)
    return {"op": "batch", "collection": "products", "put": items, "delete": [{"Id": first + size}]}, tuple(effects)


_Maker = Callable[[int, random.Random], tuple[dict[str, Any], tuple[Effect, ...]]]
_SOUND: Sequence[tuple[int, _Maker]] = (
    (10, lambda n, chance: add(f"hot {chance.randrange(3)}", by=chance.randint(1, 3))),
    (4, lambda n, chance: add(f"own {n}")),
    (3, lambda n, chance: add("conditional", when={"Category": {"eq": "Suspense"}})),
    (2, lambda n, chance: add("hot 0", return_values=chance.choice(["ALL_NEW", "UPDATED_OLD"]))),
    (2, lambda n, chance: add("hot 1", "Stock", 2)),
    (2, lambda n, chance: _append(4000 + chance.randrange(2), n)),
    (2, lambda n, chance: _put(10_000 + n)),
)

_HOPELESS: Sequence[Mapping[str, Any] | str] = (
    "no JSON {",
    "[1, 2]",
    "null",
    "[" * 20_000,
    '{"op": "update", "collection": "books", "key": {"Author": "A", "Title": "\\ud800"}, "add": {"Views": 1}}',
    '{"op": "update", "collection": "books", "key": {"Author": "A", "Title": "B"}, "add": {"Views": 1e200}}',
    '{"op": "update", "collection": "books", "key": {"Author": "A", "Title": "B"}, "add": {"Views": NaN}}',
    json.dumps({"op": "update", **book("hot 0"), "add": {"Views": 1}, "idempotency_key": "k" * 300}),
    json.dumps({"op": "update", **book("hot 0"), "add": {"Views": 1}, "idempotency_key": 7}),
    {"op": "explode", **book("hot 0")},
    {"op": "update", **book("hot 0")},
    {"op": "update", "collection": "nowhere", "key": {"Id": 1}, "add": {"Views": 1}},
    {"op": "update", **book("hot 0"), "add": {"Nothing": 1}},
    {"op": "update", **book("hot 0"), "add": {"Views": 1}, "set": {"Title": "another"}},
    {"op": "update", **book("hot 0"), "add": {"Category": 1}},
    {"op": "update", **book("hot 0"), "add": {"Views": 1, "Tags": []}},
    {"op": "update", **book("hot 0"), "set": {"Views": "many"}},
    {"op": "update", **book("hot 0"), "set": {"Views": -1}},
    {"op": "update", **book("hot 0"), "add": {"Views": 1}, "surprise": True},
    {"op": "update", **book("hot 0"), "add": {"Views": 1}, "when": {"Category": {"eq": "none"}}},
    {"op": "update", **book("nobody's"), "add": {"Views": -1}},
    # DynamoDB alone refuses this one: there is no Price to add to
    {"op": "update", **book("hot 1"), "increment": {"Price": 1}, "add": {"Views": 1}},
    {"op": "put", "collection": "products", "item": {"Description": "no key"}},
    {"op": "put", "collection": "products", "item": {"Id": 10_000_000, "Price": -1}},
    {"op": "put", "collection": "products", "item": {"Id": 4999}, "when": {"Id": {"exists": False}}},
    {"op": "delete", **book("hot 0"), "when": {"Stock": {"gt": 10**9}}},
    {"op": "batch", "collection": "products"},
    {"op": "batch", "collection": "products", "put": [{"Id": 10_000_001}, {"Id": 10_000_001}]},
    {"op": "batch", "collection": "products", "put": [{"Id": 10_000_002}, {"Id": 10_000_003, "Price": -1}]},
)


def _hopeless(queue: str, number: int, body: Mapping[str, Any] | str) -> Request:
    if isinstance(body, str):
        return Request(queue, f"poison {number}", body, Fate.REJECTED, carrier="id")
    return Request(queue, f"poison {number}", dict(body), Fate.REJECTED)


def mixed(messages: int, chance: random.Random) -> Traffic:
    """Everything at once, in three queues."""
    distinct = messages - messages // 3
    requests = [_hopeless(chance.choice([WRITES, OTHERS]), n, body) for n, body in enumerate(_HOPELESS)]
    bounded = min(distinct // 5, 2 * STOCK)
    for n in range(bounded):
        body, effects = add("stock", "Stock", -1, **({"return_values": "ALL_NEW"} if n % 10 == 9 else {}))
        requests.append(Request(WRITES, f"stock {n}", body, Fate.EITHER, effects))
    for n in range(distinct // 50):
        for by in (1, 2):  # one key, two requests
            body, effects = add(f"rival {n}", by=by)
            requests.append(Request(WRITES, f"rival {n}", body, Fate.EITHER, effects))
    requests += [_delete(chance.choice([WRITES, OTHERS]), n) for n in range(min(distinct // 20, _DELETED))]
    requests += _ordered(distinct // 6)
    for n in range(distinct // 100):
        body, effects = _bulk(40_000 + 1000 * n, chance.choice([2, 110]))
        requests.append(Request(chance.choice([WRITES, OTHERS]), f"bulk {n}", body, Fate.APPLIED, effects))
    makers, weights = [maker for _, maker in _SOUND], [weight for weight, _ in _SOUND]
    for n in range(max(0, distinct - len(requests))):
        body, effects = chance.choices(makers, weights)[0](n, chance)
        # a key of another queue is another key
        queue, key = chance.choice([(WRITES, f"k{n}"), (WRITES, f"k{n}"), (OTHERS, f"k{n - 1}")])
        carrier = chance.choices(["body", "attribute", "id"], [8, 1, 1])[0]
        requests.append(Request(queue, key, body, Fate.APPLIED, effects, carrier))
    return _sent(requests, messages, chance)


def counting(messages: int, chance: random.Random) -> Traffic:
    """One hot counter, and poisoned messages in between."""
    distinct = messages - messages // 3
    requests = [_hopeless(WRITES, n, _HOPELESS[n % len(_HOPELESS)]) for n in range(distinct // 20)]
    body, effects = add("hot 0")
    requests += [Request(WRITES, f"k{n}", body, Fate.APPLIED, effects) for n in range(distinct - len(requests))]
    return _sent(requests, messages, chance)


def one_of_each(chance: random.Random) -> Traffic:
    """One message of each kind or three, all of one queue, some of them twice."""
    requests = [_hopeless(WRITES, n, body) for n, body in enumerate(_HOPELESS) if n % 5 == 3]
    requests.append(_delete(WRITES, 0))
    for n in range(3):
        body, effects = add("scarce", "Stock", -1)  # there is one
        requests.append(Request(WRITES, f"scarce {n}", body, Fate.EITHER, effects))
        body, effects = add("rival", by=n + 1)
        requests.append(Request(WRITES, "rival", body, Fate.EITHER, effects))
    body, effects = _bulk(40_000, 100)  # two chunks
    requests.append(Request(WRITES, "bulk", body, Fate.APPLIED, effects))
    for kind, (_, maker) in enumerate(_SOUND):
        for n in range(1 + (kind == 0)):
            body, effects = maker(n, chance)
            requests.append(Request(WRITES, f"k{kind}-{n}", body, Fate.APPLIED, effects))
    return _sent(requests, len(requests) * 4 // 3, chance)


def _ordered(count: int) -> Iterator[Request]:
    """Requests of a FIFO queue: three groups, each with its own list, and something else now and then."""
    for n in range(count):
        body, effects = _append(9000 + n % 3, n)
        group = f"group {n % 3}"
        yield Request(ORDERED, f"ordered {n}", body, Fate.APPLIED, effects, group=group)
        if n % 10 == 5:
            hopeless = {**body, "when": {"Description": {"exists": True}}}
            yield Request(ORDERED, f"ordered poison {n}", hopeless, Fate.REJECTED, group=group)
        if n % 10 == 7:
            yield from _too_early(n, group)
        if n % 20 == 2:
            yield from _bulk_and_more(n, group)


def _too_early(n: int, group: str) -> Iterator[Request]:
    """A request whose condition is met by the next one only, and no more by the one after that: what was refused may
    not be applied when it is delivered once more."""
    body, effects = _append(9000 + n % 3, -n)
    yield Request(ORDERED, f"early {n}", {**body, "when": {"Price": {"eq": n}}}, Fate.REJECTED, effects, group=group)
    for name, price in (("opened", n), ("closed", 0)):
        body = {"op": "update", **product(9000 + n % 3), "set": {"Price": price}}
        yield Request(ORDERED, f"{name} {n}", body, Fate.APPLIED, group=group)


def _bulk_and_more(n: int, group: str) -> Iterator[Request]:
    """A bulk of two chunks, and updates of its first and its last item, which it would undo if it came again."""
    first, size = 60_000 + 1000 * n, 110
    body, effects = _bulk(first, size)
    yield Request(ORDERED, f"ordered bulk {n}", body, Fate.APPLIED, effects, group=group)
    for number in (first, first + size - 1):
        body = {"op": "update", **product(number), "add": {"QuantityOnHand": 1}}
        effect = Effect(("ProductCatalog", str(number)), "QuantityOnHand", 1)
        yield Request(ORDERED, f"more of {number}", body, Fate.APPLIED, (effect,), group=group)


def _sent(requests: Sequence[Request], messages: int, chance: random.Random) -> Traffic:
    """Once each, and copies up to that many messages. The FIFO queue's keep their order, a copy follows its first."""
    repeatable = [request for request in requests if request.carrier != "id"]
    sent = [*requests, *chance.choices(repeatable, k=max(0, messages - len(requests)))]
    chance.shuffle(sent)
    place = {request: position for position, request in enumerate(dict.fromkeys(requests))}
    ordered = iter(sorted((one for one in sent if one.group), key=place.__getitem__))
    sent = [next(ordered) if request.group else request for request in sent]
    return Traffic(list(requests), [request.message(number, chance) for number, request in enumerate(sent)])

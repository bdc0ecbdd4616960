"""What may happen to several workers on two queues: requests and their messages, visits of workers, and all that goes
wrong with them. Hypothesis draws it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from surewrite import IdempotencyKey
from surewrite.testing import Fault, sqs_record
from tests.faults.wires import EDITS, Edit, as_they_are

HOUR = 3600.0
CLOCKS = (0.0, -5 * HOUR, 5 * HOUR)
"""By how much the workers' clocks are fast."""
ITEMS = (1, 2)


@dataclass(frozen=True)
class Asked:
    """A request that leaves its number in an item's list; and it takes one of the stock, or needs one to be there."""

    number: int
    item: int
    takes: bool = False
    when: bool = False
    shown: bool = False

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"op": "update", "collection": "products", "key": {"Id": self.item}}
        body["append"] = {"RelatedItems": [self.number]}
        body["add"] = {"QuantityOnHand": -1} if self.takes else {"Price": 1}
        if self.when:
            body["when"] = {"QuantityOnHand": {"ge": 1}}
        return {**body, "return_values": "ALL_NEW"} if self.shown else body


@dataclass(frozen=True, eq=False)
class Message:
    """One message. Those of a group are in a FIFO queue; there the deduplication id is the key."""

    id: str
    key: str
    asked: Asked
    group: str | None = None
    redriven: bool = False

    @property
    def queue(self) -> str:
        return "Ordered.fifo" if self.group else "Writes"

    def scoped_key(self) -> IdempotencyKey:
        """As it stands in the ledger. A redriven copy names it whole."""
        in_group = self.group and not self.redriven
        return IdempotencyKey(f"queue:{self.queue}", f"{self.group} {self.key}" if in_group else self.key)

    def record(self, received: int) -> dict[str, Any]:
        attributes = {"IdempotencyKey": self.key} if self.redriven or not self.group else {}
        return sqs_record(
            json.dumps(self.asked.body()),
            message_id=self.id,
            attributes=attributes,
            group=self.group,
            deduplication_id=self.key if self.group else None,
            queue=self.queue,
            received=received,
        )


@dataclass(frozen=True)
class Visit:
    """A worker's invocation with some of the messages that wait, and what happens to its calls."""

    worker: int
    order: Sequence[int]
    faults: Mapping[int, Fault] = field(default_factory=dict)
    delayed: frozenset[int] = frozenset()
    throttled: frozenset[int] = frozenset()
    edit: Edit = as_they_are
    hurried: bool = False
    events: Sequence[tuple[tuple[int, str], Any]] = ()
    """At which moments another visit is made, a request arrives, time passes (`"stall"`), or slots are forgotten."""


SELDOM = st.sampled_from([False] * 5 + [True])
_CALLS = st.integers(1, 5)
_MOMENTS = st.tuples(_CALLS, st.sampled_from(["before", "after"]))
_NUMBERS = st.sampled_from([frozenset[int]()] * 4 + [frozenset({call}) for call in range(1, 5)])
_KINDS = st.sampled_from([one for one in Fault if one is not Fault.PASS])
_FAULTS: st.SearchStrategy[Mapping[int, Fault]] = st.dictionaries(_CALLS, _KINDS, min_size=1, max_size=3)


def _visits(events: st.SearchStrategy[Any]) -> st.SearchStrategy[Visit]:
    return st.builds(
        Visit,
        worker=st.integers(0, len(CLOCKS) - 1),
        order=st.lists(st.integers(0, 99), min_size=1, max_size=10),
        faults=st.one_of(_FAULTS, st.just({})),
        delayed=_NUMBERS,
        throttled=_NUMBERS,
        edit=st.sampled_from(EDITS),
        hurried=SELDOM,
        events=st.one_of(st.lists(st.tuples(_MOMENTS, events), min_size=1, max_size=2), st.just([])),
    )


_SMALL = st.sampled_from(["stall", "arrive", "forget"])
VISIT = _visits(st.one_of(_visits(_SMALL), _SMALL))
ASKED = st.fixed_dictionaries(
    {
        "item": st.sampled_from(ITEMS),
        "takes": st.booleans(),
        "when": SELDOM,
        "shown": SELDOM,
    }
)

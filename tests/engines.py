"""The engines that the suites run on, and where each is known to differ from DynamoDB on AWS.

`make test ENGINE=ministack` runs the suites that need an engine on another one than Dynoxide. `ENGINE=http://…` takes
an endpoint that runs already, DynamoDB Local for example: it has to accept any credentials, and nothing is deleted.

What concerns the items that a property draws stands in `tests.property.engine`.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from local import engines

RUN = f"{os.getpid():x}-{time.time_ns() % 10**9:x}-"
"""Begins the names of this process's tables: an engine that runs already may have those of others."""


@dataclass(frozen=True)
class Engine:
    """`start` yields its endpoint. `differs` are the tests that fail on it, each by the end of its node id, and why:
    they have to fail, so that nothing stands here for longer than it is true; properties may fail, as examples fall."""

    start: Callable[[], AbstractContextManager[str]]
    differs: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def _ministack() -> Iterator[str]:
    with engines.ministack("dynamodb") as endpoint:
        yield endpoint


_ENGINES = {
    "dynoxide": Engine(engines.dynoxide),
    "ministack": Engine(
        _ministack,
        {
            "test_conditions.py::test_evaluate_is_the_engines_verdict": "two missing operands are equal",
            "test_evaluate.py::test_apply_makes_what_update_item_stores": "an empty map where there are no attributes",
            "test_operands_within_operands_are_refused_where_the_engine_refuses": "it takes operands within operands",
            "test_consumed_capacity_is_reported_for_every_call[ALL_NEW-idempotency_key2-2]": "none for BatchGetItem",
            "test_table.py::test_every_type_comes_back": "the key 1E-130 is not found again",
            "test_amounts_that_only_a_known_one_has_held_together": "sums are rounded to 28 digits",
        },
    ),
}


def chosen() -> Engine:
    """The engine that ENGINE names; Dynoxide, if it names none."""
    name = os.environ.get("ENGINE") or "dynoxide"
    if name.startswith(("http://", "https://")):
        return Engine(lambda: _running(name))
    if name not in _ENGINES:
        raise ValueError(f"ENGINE must be one of {', '.join(_ENGINES)}, or the URL of a running one")
    return _ENGINES[name]


@contextmanager
def _running(endpoint: str) -> Iterator[str]:
    yield endpoint

"""The engines that the suites run on, and where each is known to differ from DynamoDB on AWS.

`make test ENGINE=ministack` runs the suites that need an engine on another one than Dynoxide, `ENGINE=dynamodb-local`
on AWS's own (with Java and Maven). `ENGINE=http://…` takes an endpoint that runs already: it has to accept any
credentials, and nothing is deleted.

What concerns the items that a property draws stands in `tests.property.engine`.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local import engines
from local.engines import EngineError

RUN = f"{os.getpid():x}-{time.time_ns() % 10**9:x}-"
"""Begins the names of this process's tables: an engine that runs already may have those of others."""


@dataclass(frozen=True)
class Engine:
    """`start` yields its endpoint. `differs` are the tests that fail on it, each by the end of its node id, and why:
    they have to fail, so that nothing stands here for longer than it is true; properties may fail, as examples fall.
    `quirks`: whether it has those of `tests.property.engine`."""

    start: Callable[[], AbstractContextManager[str]]
    differs: Mapping[str, str] = field(default_factory=dict)
    quirks: bool = True


@contextmanager
def _ministack() -> Iterator[str]:
    with engines.ministack("dynamodb") as endpoint:
        yield endpoint


@contextmanager
def _dynamodb_local() -> Iterator[str]:
    jars = engines.ROOT / ".engines" / "dynamodb-local" / "lib"
    if not jars.is_dir():
        raise EngineError("DynamoDB Local is missing: `make test ENGINE=dynamodb-local` installs it")

    def command(port: int) -> list[str]:
        # One processor and few megabytes for each: every worker of the tests has one.
        java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"]
        library = f"-Dsqlite4java.library.path={jars}"
        launcher = Path(__file__).parent / "dynamodb_local" / "Launcher.java"
        return [*java, library, "-classpath", f"{jars}/*", str(launcher), str(port)]

    variables = {**os.environ, "DDB_LOCAL_TELEMETRY": "0"}
    with engines.process("DynamoDB Local", command, lambda port: variables, "/") as endpoint:
        yield endpoint


_ENGINES = {
    "dynoxide": Engine(
        engines.dynoxide,
        {"test_index_reads.py::test_a_local_index_fetches_what_it_does_not_hold": "it has only what the index holds"},
    ),
    "ministack": Engine(
        _ministack,
        {
            "test_conditions.py::test_evaluate_is_the_engines_verdict": "two missing operands are equal",
            "test_evaluate.py::test_apply_makes_what_update_item_stores": "an empty map where there are no attributes",
            "test_operands_within_operands_are_refused_where_the_engine_refuses": "it takes operands within operands",
            "test_consumed_capacity_is_reported_for_every_call[ALL_NEW-idempotency_key2-2]": "none for BatchGetItem",
            "test_consumed_capacity_is_reported_for_every_call[ALL_NEW-idempotency_key4-2]": "none for BatchGetItem",
            "test_index_reads.py::test_a_local_index_fetches_what_it_does_not_hold": "it has only what the index holds",
            "test_reading.py::test_many_keys_once_each_in_their_order": "no consumed capacity of BatchGetItem",
            "test_table.py::test_every_type_comes_back": "the key 1E-130 is not found again",
            "test_amounts_that_only_a_known_one_has_held_together[own]": "sums are rounded to 28 digits",
            "test_amounts_that_only_a_known_one_has_held_together[packed]": "sums are rounded to 28 digits",
        },
    ),
    "dynamodb-local": Engine(
        _dynamodb_local,
        {
            "test_measure.py::test_item_collections_of_tables_with_local_indexes": "it has no item collection metrics",
            "test_return_values.py::test_update[nested-UPDATED_NEW]": "UPDATED_NEW has whole maps",
            "test_return_values.py::test_update[every type replaced-UPDATED_NEW]": "UPDATED_NEW has whole maps",
            "test_consumed_capacity_is_reported_for_every_call[ALL_NEW-idempotency_key2-2]": "none for missing keys",
            "test_consumed_capacity_is_reported_for_every_call[ALL_NEW-idempotency_key4-2]": "none for missing keys",
            "test_table.py::test_a_page_counts_what_the_filter_leaves_out": "1 MB of what the filter has left",
        },
        quirks=False,
    ),
}


def chosen() -> Engine:
    """The engine that ENGINE names; Dynoxide, if it names none. Raises EngineError."""
    name = os.environ.get("ENGINE") or "dynoxide"
    if name.startswith(("http://", "https://")):
        return Engine(lambda: _running(name))
    if name not in _ENGINES:
        raise EngineError(f"ENGINE must be one of {', '.join(_ENGINES)}, or the URL of a running one")
    return _ENGINES[name]


@contextmanager
def _running(endpoint: str) -> Iterator[str]:
    yield endpoint

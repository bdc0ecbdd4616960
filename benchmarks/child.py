"""One contender in a process of its own, so that its CPU time and its memory are its own.

Reads one JSON document a line from stdin: first who it is and its tables, then event after event. Answers each by one
line: what the event has cost, and to `null` what the refused writes of all events have cost at most, in write units.
`benchmarks.process` is the other end.
"""

import contextlib
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from benchmarks import contenders, observe
from local import aws
from local.functions import Function

_MAX_DELIVERIES = 50
_MAX_SECONDS = 240.0
_NO_EVENT = "null\n"


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What the handler logs and its metrics cost what they cost, and go nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    who = json.loads(sys.stdin.readline())
    tables = contenders.Tables(**who["tables"])
    os.environ.update(contenders.environment(who["contender"], tables, who["endpoint"]))
    with observe.watching() as traffic:
        handler = contenders.load(who["contender"], tables, who["endpoint"])
        gc.collect()
        idle = _resident("VmRSS")
        _answer(answers, {"idle": idle})
        refusals: list[observe.Refusal] = []
        for line in sys.stdin:
            if line != _NO_EVENT:
                cost, refused = _run(handler, line, idle, traffic)
                refusals += refused
                _answer(answers, cost)
            else:
                _answer(answers, observe.refused_units(refusals, aws.dynamodb_client(who["endpoint"])))


def _run(
    handler: Function, line: str, idle: float, traffic: observe.Traffic
) -> tuple[dict[str, Any], Sequence[observe.Refusal]]:
    """What the event has cost, and the writes that were refused. Memory counts from the moment the event arrives as
    text."""
    _forget_peak()
    traffic.take()
    event = json.loads(line)
    wall, cpu = time.perf_counter(), time.process_time()
    deliveries = _deliver(handler, event)
    cost = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    counts, refused = traffic.take()
    return {**cost, **counts, "deliveries": deliveries, "peak": _resident("VmHWM") - idle}, refused


def _deliver(handler: Function, event: Mapping[str, Any]) -> int:
    """Delivers what was not acknowledged again, as SQS does, until nothing is left. Returns how often."""
    records = event["Records"]
    until = time.monotonic() + _MAX_SECONDS
    for delivery in range(1, _MAX_DELIVERIES + 1):
        answer = handler({"Records": records})
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        if not failed:
            return delivery
        if time.monotonic() > until:
            break
        records = [record for record in records if record["messageId"] in failed]
    raise RuntimeError(f"{len(failed)} messages were never acknowledged")


def _answer(answers: IO[str], value: Any) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _resident(name: str) -> float:
    """MiB that the process holds now (VmRSS), or held at most (VmHWM)."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name + ":"))


def _forget_peak() -> None:
    """Linux only: elsewhere the peak is that of the whole life."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()

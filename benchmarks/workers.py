"""Several worker processes on one queue, all at once: whichever is free takes the next batch."""

import json
import random
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

from benchmarks import process
from benchmarks.contenders import Tables
from benchmarks.messages import Event, event
from benchmarks.stream import Stream, deal

_SUMS = ("cpu", "round_trips", "write_units", "refused", "conflicts")
_MOST = ("deliveries", "peak")


def run(contender: str, tables: Tables, endpoint: str, stream: Stream, batch: int) -> dict[str, Any]:
    """What the stream costs all workers together, as many as it has warm-ups for: the fields of a `Sample`."""
    workers = len(stream.warm_ups)
    queue = _queue(stream, workers, batch)
    who = {"contender": contender, "endpoint": endpoint, "tables": vars(tables)}
    # The processes end before the pool does, and with them what its threads wait for.
    with ThreadPoolExecutor(workers) as pool, ExitStack() as stack:
        children = [stack.enter_context(process.running("benchmarks.child")) for _ in range(workers)]
        list(pool.map(_warm_up, children, [who] * workers, stream.warm_ups))
        began = time.perf_counter()
        costs = [cost for costs in pool.map(_work, children, [queue] * workers) for cost in costs]
        seconds = time.perf_counter() - began
        refused_units = sum(child.ask(None) for child in children)
    sums = {name: sum(cost[name] for cost in costs) for name in _SUMS}
    most = {name: max(cost[name] for cost in costs) for name in _MOST}
    return {"seconds": seconds, **sums, **most, "refused_units": refused_units}


def _queue(stream: Stream, workers: int, size: int) -> SimpleQueue[str | None]:
    """The batches as lines, and an end for each worker."""
    chance = random.Random(size)  # noqa: S311
    queue: SimpleQueue[str | None] = SimpleQueue()
    for batch in deal(stream.messages, workers, size):
        queue.put(json.dumps(event(batch, chance)))
    for _ in range(workers):
        queue.put(None)
    return queue


def _warm_up(child: process.Process, who: Mapping[str, Any], warm_up: Event) -> None:
    child.ask(who)
    child.ask(warm_up)


def _work(child: process.Process, queue: SimpleQueue[str | None]) -> list[Mapping[str, Any]]:
    return [child.ask_line(batch) for batch in iter(queue.get, None)]

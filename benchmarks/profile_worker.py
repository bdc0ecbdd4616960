"""Where the worker's time goes: one batch through the real handler, under cProfile.

    .venv/bin/python -m benchmarks.profile_worker [--scenario zipf] [--messages 1000] [--duplicates 0.3]
        [--wall] [--sort cumulative] [--top 40] [--contender powertools] [--save worker.prof]

Times are CPU time of all threads together, or with --wall what the clock says, waiting for the engine included.
Python 3.12 and later profile one thread at a time: there the other threads are missing.
"""

import argparse
import contextlib
import cProfile
import io
import pstats
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import contenders
from benchmarks.messages import SCENARIOS, Event, make_round
from local import aws, engines


class Profiler:
    """Profiles the calling thread and every thread that starts within the block."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer, self._profiles = timer, list[cProfile.Profile]()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        threading.setprofile(self._begin)
        own = self._new()
        own.enable()
        try:
            yield
        finally:
            own.disable()
            threading.setprofile(None)

    def stats(self, output: io.StringIO) -> pstats.Stats:
        stats = pstats.Stats(self._profiles[0], stream=output)
        for profile in self._profiles[1:]:
            stats.add(profile)
        return stats

    def _new(self) -> cProfile.Profile:
        profile = cProfile.Profile(self._timer)
        self._profiles.append(profile)
        return profile

    def _begin(self, *event: Any) -> None:
        """The first profiling event of a new thread: from here on cProfile takes over."""
        with contextlib.suppress(ValueError):
            self._new().enable()


def main() -> None:
    options = _parse()
    with engines.dynoxide() as endpoint:
        client = aws.dynamodb_client(endpoint)
        round_ = make_round(options.scenario, options.messages, options.duplicates)
        # Once without the profiler: it doubles the time.
        with contenders.fresh_tables(client) as tables, _silent():
            handler = contenders.load(options.contender, tables, endpoint)
            handler(round_.warm_up)
            wall, cpu = time.perf_counter(), time.process_time()
            _checked(handler(round_.measured))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        with contenders.fresh_tables(client) as tables, _silent():
            profiler = _profiled(contenders.load(options.contender, tables, endpoint), round_, options.wall)
    print(f"{options.contender}, {SCENARIOS[options.scenario]}, {options.messages} messages: {wall:.3f} s, ", end="")
    print(f"{options.messages / wall:.0f} messages/s, {cpu / options.messages * 1e6:.0f} µs CPU a message")
    _print(profiler, options)


def _profiled(handler: Callable[[Event], Any], round_: Any, wall: bool) -> Profiler:
    profiler = Profiler(time.perf_counter if wall else time.thread_time)
    handler(round_.warm_up)
    with profiler.running():
        answer = handler(round_.measured)
    _checked(answer)
    return profiler


def _checked(answer: Any) -> None:
    if answer["batchItemFailures"]:
        sys.exit(f"{len(answer['batchItemFailures'])} messages are to be delivered again")


def _print(profiler: Profiler, options: argparse.Namespace) -> None:
    output = io.StringIO()
    stats = profiler.stats(output)
    if options.save:
        stats.dump_stats(options.save)
    if options.short:
        stats.strip_dirs()
    stats.sort_stats(options.sort).print_stats(options.top)
    print(output.getvalue().replace(f"{engines.ROOT}/", ""))


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The handler's log and metrics are not printed."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_worker")
    parser.add_argument("--scenario", choices=SCENARIOS, default="zipf")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--duplicates", type=float, default=0.0)
    parser.add_argument("--contender", choices=contenders.CONTENDERS, default=contenders.SUREWRITE)
    parser.add_argument("--sort", choices=["tottime", "cumulative", "ncalls"], default="tottime")
    parser.add_argument("--top", type=int, default=40)
    parser.add_argument("--wall", action="store_true", help="clock time instead of CPU time")
    parser.add_argument("--short", action="store_true", help="file names without their folders")
    parser.add_argument("--save", help="a file for pstats or snakeviz")
    return parser.parse_args()


if __name__ == "__main__":
    main()

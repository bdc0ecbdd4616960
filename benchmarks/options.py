"""What `python -m benchmarks.run` is asked for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import messages
from benchmarks.contenders import CONTENDERS
from benchmarks.messages import SCENARIOS

PARTS = {
    "starts": "cold starts of the handlers",
    "bare": "the contenders on the bare engine",
    "latencies": "the contenders with the latencies of the real one",
    "workers": "several workers on one queue",
    "sizes": "surewrite by batch size and ledger",
}


@dataclass(frozen=True)
class Options:
    """A run. `grid` are the scenarios and shares of duplicates; `latencies` those of the part of that name."""

    parts: Sequence[str]
    contenders: Sequence[str]
    grid: Sequence[tuple[str, float]]
    latencies: Sequence[tuple[str, float]]
    messages: int
    rate: float
    rounds: int
    slow_rounds: int
    starts: int
    ledger: int
    workers: Sequence[int]
    sizes: Sequence[int] = (1000, 3000, 10_000)
    quick: bool = False
    output: Path | None = None

    @property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(scenario for scenario, _ in self.grid))


def parse(arguments: Sequence[str] | None, description: str) -> Options:
    """The options of a command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=description)
    add = parser.add_argument
    add("--quick", action="store_true", help="everything once and small: says nothing about speed")
    add("--parts", nargs="+", choices=PARTS, default=[*PARTS], help="what to measure (default: everything)")
    add("--contenders", nargs="+", choices=CONTENDERS, default=[*CONTENDERS], help="(default: all)")
    add("--scenarios", nargs="+", choices=SCENARIOS, default=[*SCENARIOS], help="(default: all)")
    add("--duplicates", nargs="+", type=float, default=[0.0, 0.3], metavar="SHARE", help="(default: 0 and 0.3)")
    add("--messages", type=int, default=1000, help="in a batch (default: %(default)s)")
    add("--workers", nargs="+", type=int, default=[1, 2, 4], metavar="N", help="on one queue (default: 1, 2 and 4)")
    add("--rate", type=float, default=messages.RATE, help="messages sent a second (default: %(default)s)")
    add("--rounds", type=int, default=3, help="on the bare engine (default: %(default)s)")
    add("--slow-rounds", type=int, default=2, help="with latencies (default: %(default)s)")
    add("--starts", type=int, default=15, help="cold starts of each handler (default: %(default)s)")
    add("--ledger", type=int, default=1_000_000, help="keys in the full one (default: %(default)s)")
    add("--output", type=Path, help="folder of results.md and its plot; without it, the terminal only")
    asked = parser.parse_args(arguments)
    grid = [(scenario, duplicates) for scenario in asked.scenarios for duplicates in asked.duplicates]
    options = Options(
        parts=asked.parts,
        contenders=asked.contenders,
        grid=grid,
        latencies=grid,
        messages=asked.messages,
        rate=asked.rate,
        rounds=asked.rounds,
        slow_rounds=asked.slow_rounds,
        starts=asked.starts,
        ledger=asked.ledger,
        workers=asked.workers,
        output=asked.output,
    )
    return _quick(options) if asked.quick else options


def _quick(options: Options) -> Options:
    return replace(
        options,
        grid=[("hot", 0.3), ("zipf", 0.0)],
        latencies=[("distinct", 0.3)],
        messages=60,
        rounds=1,
        slow_rounds=1,
        starts=1,
        ledger=1000,
        workers=[2],
        sizes=(100, 200),
        quick=True,
    )

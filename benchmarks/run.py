"""`make bench`: surewrite, the Powertools recipe and a plain UpdateItem each, side by side.

The same engine, the same messages, fresh tables every time, the contenders in turn; the medians of all rounds go to the
terminal and to a folder as results.md with a plot. A contender whose counters end wrong ends the run.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import coldstart, contenders, ledger, process, proxy, report
from benchmarks.contenders import CONTENDERS, PLAIN, SUREWRITE, Tables, fresh_tables
from benchmarks.messages import SCENARIOS, Round, make_round
from benchmarks.process import BenchError
from benchmarks.results import BARE, REAL, Case, Results, Sample, Size
from local import aws, engines
from local.engines import EngineError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Bench:
    """An engine, the proxy in front of it, and what has been measured on them."""

    def __init__(self, endpoint: str, slow_endpoint: str, slow: process.Process, options: argparse.Namespace) -> None:
        self.endpoint, self._slow_endpoint, self._slow, self._options = endpoint, slow_endpoint, slow, options
        self.client: DynamoDBClient = aws.dynamodb_client(endpoint)
        self.results = Results()

    def compare(self, network: str, rounds: int) -> None:
        """Every contender on every case, in turn, round after round."""
        for number in range(rounds):
            _say(f"{network}, round {number + 1} of {rounds}")
            for scenario, duplicates in self._options.cases[network]:
                case = Case(network, scenario, duplicates, self._options.messages)
                round_ = make_round(scenario, case.messages, duplicates, number)
                for contender in CONTENDERS:
                    with fresh_tables(self.client) as tables:
                        self.results.add(case, contender, self._measure(contender, tables, round_, network))

    def scale(self) -> None:
        """surewrite alone: larger batches, and a ledger that is full already."""
        with fresh_tables(self.client) as tables:
            full = tables.ledger
            _say(f"writing {self._options.ledger:,} records to a ledger")
            ledger.fill(self.endpoint, full, self._options.ledger)
            for number in range(self._options.rounds):
                _say(f"batch sizes and ledgers, round {number + 1} of {self._options.rounds}")
                self._scale(number, full)

    def _scale(self, number: int, full: str) -> None:
        for scenario in self._options.scenarios:
            for messages in self._options.sizes:
                for records in (0, self._options.ledger):
                    round_ = make_round(scenario, messages, seed=1000 * (number + 1) + bool(records))
                    with fresh_tables(self.client, full if records else None) as tables:
                        sample = self._measure(SUREWRITE, tables, round_, BARE)
                    self.results.add_size(Size(scenario, messages, records), sample)

    def _measure(self, contender: str, tables: Tables, round_: Round, network: str) -> Sample:
        endpoint = self.endpoint if network == BARE else self._slow_endpoint
        who = {"contender": contender, "endpoint": endpoint, "tables": vars(tables)}
        with process.running("benchmarks.child") as child:
            child.ask(who)
            child.ask(round_.warm_up)
            self._slow.ask(network == REAL)
            cost = child.ask(round_.measured)
            self._slow.ask(False)
        excess = self._check(contender, tables, round_)
        return Sample(messages=len(round_.measured["Records"]), excess=excess, **cost)

    def _check(self, contender: str, tables: Tables, round_: Round) -> int:
        """How much too high the counters are; raises BenchError where they are not what this contender promises."""
        found = contenders.counters(self.client, tables)
        if found != dict(round_.deliveries if contender == PLAIN else round_.keys):
            raise BenchError(f"{CONTENDERS[contender]} ended at wrong counters: nothing that it measured counts")
        return sum(found.values()) - sum(round_.keys.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 after one clear line on stderr."""
    options = _parse(arguments)
    began = time.monotonic()
    try:
        results = _run(options)
    except (BenchError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    shape = (options.rounds, options.slow_rounds, options.starts, options.quick)
    facts = report.Facts.now(*shape, time.monotonic() - began)
    print(report.terminal(results, facts))
    if options.output is not None:
        from benchmarks import plot

        options.output.mkdir(parents=True, exist_ok=True)
        plot.draw(results, options.output / report.PLOT)
        (options.output / "results.md").write_text(report.markdown(results, facts), encoding="utf-8")
    return 0


def _run(options: argparse.Namespace) -> Results:
    with engines.dynoxide() as endpoint, proxy.running(endpoint) as (slow_endpoint, slow):
        bench = Bench(endpoint, slow_endpoint, slow, options)
        _say("cold starts")
        bench.results.starts = coldstart.measure(options.starts)
        bench.compare(BARE, options.rounds)
        bench.compare(REAL, options.slow_rounds)
        bench.scale()
        return bench.results


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what} …", file=sys.stderr, flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="everything once and small: says nothing about speed")
    parser.add_argument("--messages", type=int, default=1000, help="in a batch (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="on the bare engine (default: %(default)s)")
    parser.add_argument("--slow-rounds", type=int, default=2, help="with latencies (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=15, help="cold starts of each handler (default: %(default)s)")
    parser.add_argument("--ledger", type=int, default=1_000_000, help="records of the full one (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="folder of results.md and its plot; without it, the terminal only")
    options = parser.parse_args(arguments)
    options.scenarios, options.sizes = list(SCENARIOS), [1000, 3000, 10_000]
    grid = [(scenario, duplicates) for scenario in SCENARIOS for duplicates in (0.0, 0.3)]
    options.cases = {BARE: grid, REAL: grid}
    if options.quick:
        options.messages, options.rounds, options.slow_rounds, options.starts = 60, 1, 1, 1
        options.ledger, options.scenarios, options.sizes = 1000, ["zipf"], [100, 200]
        options.cases = {BARE: [("hot", 0.3), ("zipf", 0.0)], REAL: [("distinct", 0.3)]}
    return options


if __name__ == "__main__":
    # Ended from outside, it ends its children first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())

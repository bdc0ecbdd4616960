"""`make bench`: surewrite, the Powertools recipe and a plain UpdateItem each, side by side.

The same engine, the same messages, fresh tables every time, the contenders in turn; the medians of all rounds go to the
terminal and to a folder as results.md with a plot. A contender whose counters end wrong ends the run.
"""

import signal
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks import coldstart, contenders, ledger, options, process, proxy, report, workers
from benchmarks.contenders import CONTENDERS, PLAIN, RECORDS, SUREWRITE, Tables, fresh_tables
from benchmarks.messages import Round, make_round
from benchmarks.options import Options
from benchmarks.process import BenchError
from benchmarks.results import BARE, REAL, Case, Results, Sample, Shared, Size
from benchmarks.stream import Stream, make_stream
from local import aws, engines
from local.engines import EngineError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCHES = 8
"""Of each stream that several workers share."""


class Bench:
    """An engine, the proxy in front of it, and what has been measured on them."""

    def __init__(self, endpoint: str, slow_endpoint: str, slow: process.Process, options: Options) -> None:
        self.endpoint, self._slow_endpoint, self._slow, self._options = endpoint, slow_endpoint, slow, options
        self.client: DynamoDBClient = aws.dynamodb_client(endpoint)
        self.results = Results()

    def compare(self, network: str, grid: Sequence[tuple[str, float]], rounds: int) -> None:
        """Every contender on every case, in turn, round after round."""
        for number in range(rounds):
            _say(f"{network}, round {number + 1} of {rounds}")
            for scenario, duplicates in grid:
                case = Case(network, scenario, duplicates, self._options.messages)
                round_ = make_round(scenario, case.messages, duplicates, number, self._options.rate)
                for contender in self._options.contenders:
                    with fresh_tables(self.client) as tables:
                        self.results.add(case, contender, self._measure(contender, tables, round_, network))

    def share(self) -> None:
        """surewrite with several workers on one queue, packing and not."""
        for number in range(self._options.rounds):
            _say(f"workers on one queue, round {number + 1} of {self._options.rounds}")
            for scenario, duplicates in self._options.grid:
                for count in self._options.workers:
                    self._share(Shared(count, scenario, duplicates, _BATCHES * self._options.messages), number)

    def _share(self, shared: Shared, number: int) -> None:
        case = (shared.scenario, shared.messages, shared.workers, shared.duplicates)
        stream = make_stream(*case, number, self._options.rate)
        for contender in (SUREWRITE, RECORDS):
            with fresh_tables(self.client) as tables:
                cost = workers.run(contender, tables, self.endpoint, stream, self._options.messages)
                excess = self._check(contender, tables, stream)
            self.results.add_shared(shared, contender, Sample(messages=shared.messages, excess=excess, **cost))

    def scale(self) -> None:
        """surewrite alone: larger batches, and a ledger that is full already."""
        with fresh_tables(self.client) as tables:
            full = tables.ledger
            _say(f"writing {self._options.ledger:,} keys to a ledger")
            ledger.fill(self.endpoint, full, self._options.ledger)
            for number in range(self._options.rounds):
                _say(f"batch sizes and ledgers, round {number + 1} of {self._options.rounds}")
                self._scale(number, full)

    def _scale(self, number: int, full: str) -> None:
        for scenario in self._options.scenarios:
            for messages in self._options.sizes:
                for keys in (0, self._options.ledger):
                    seed = 1000 * (number + 1) + bool(keys)
                    round_ = make_round(scenario, messages, seed=seed, rate=self._options.rate)
                    with fresh_tables(self.client, full if keys else None) as tables:
                        sample = self._measure(SUREWRITE, tables, round_, BARE)
                    self.results.add_size(Size(scenario, messages, keys), sample)

    def _measure(self, contender: str, tables: Tables, round_: Round, network: str) -> Sample:
        endpoint = self.endpoint if network == BARE else self._slow_endpoint
        who = {"contender": contender, "endpoint": endpoint, "tables": vars(tables)}
        with process.running("benchmarks.child") as child:
            child.ask(who)
            child.ask(round_.warm_up)
            self._slow.ask(network == REAL)
            self._slow.ask(network == REAL)
            cost = child.ask(round_.measured)
            self._slow.ask(False)
            refused = child.ask(None)
        excess = self._check(contender, tables, round_)
        return Sample(messages=len(round_.measured["Records"]), excess=excess, refused_units=refused, **cost)

    def _check(self, contender: str, tables: Tables, sent: Round | Stream) -> int:
        """How much too high the counters are; raises BenchError where they are not what this contender promises."""
        found = contenders.counters(self.client, tables)
        if found != dict(sent.deliveries if contender == PLAIN else sent.keys):
            raise BenchError(f"{CONTENDERS[contender]} ended at wrong counters: nothing that it measured counts")
        return sum(found.values()) - sum(sent.keys.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 after one clear line on stderr."""
    asked = options.parse(arguments, __doc__.splitlines()[0])
    began = time.monotonic()
    try:
        results = _run(asked)
    except (BenchError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    facts = report.Facts.now(asked, time.monotonic() - began)
    print(report.terminal(results, facts))
    if asked.output is not None:
        from benchmarks import plot

        asked.output.mkdir(parents=True, exist_ok=True)
        plot.draw(results, asked.output / report.PLOT)
        (asked.output / "results.md").write_text(report.markdown(results, facts), encoding="utf-8")
    return 0


def _run(asked: Options) -> Results:
    with engines.dynoxide() as endpoint, proxy.running(endpoint) as (slow_endpoint, slow):
        bench = Bench(endpoint, slow_endpoint, slow, asked)
        if "starts" in asked.parts:
            _say("cold starts")
            bench.results.starts = coldstart.measure(asked.starts)
        if "bare" in asked.parts:
            bench.compare(BARE, asked.grid, asked.rounds)
        if "latencies" in asked.parts:
            bench.compare(REAL, asked.latencies, asked.slow_rounds)
        if "workers" in asked.parts:
            bench.share()
        if "sizes" in asked.parts:
            bench.scale()
        return bench.results


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Ended from outside, it ends its children first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())

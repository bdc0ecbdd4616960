"""What was measured, and whether it is what we want."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks import coldstart
from benchmarks.contenders import POWERTOOLS, SUREWRITE
from benchmarks.messages import SCENARIOS

BARE, REAL = "bare engine", "real-world latencies"


@dataclass(frozen=True)
class Case:
    """What the contenders are compared on."""

    network: str
    scenario: str
    duplicates: float
    messages: int


@dataclass(frozen=True)
class Size:
    """What surewrite alone is measured on: messages in one batch, records in the ledger before."""

    scenario: str
    messages: int
    ledger: int


@dataclass(frozen=True)
class Sample:
    """One batch. CPU time, round trips and write units are those of all deliveries until nothing was left.

    `excess` is how much too high the counters ended, both batches of the round together.
    """

    messages: int
    seconds: float
    cpu: float
    round_trips: int
    write_units: float
    refused_units: float
    deliveries: int
    peak: float
    excess: int

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


@dataclass(frozen=True)
class Medians:
    """Per message, except `rate` (messages/s), `peak` (MiB above idle) and `excess`."""

    rate: float
    round_trips: float
    write_units: float
    refused_units: float
    cpu: float
    peak: float
    excess: float

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "Medians":
        rounds = list(samples)

        def median(value: Callable[[Sample], float]) -> float:
            return statistics.median(map(value, rounds))

        return cls(
            rate=median(lambda sample: sample.rate),
            round_trips=median(lambda sample: sample.round_trips / sample.messages),
            write_units=median(lambda sample: sample.write_units / sample.messages),
            refused_units=median(lambda sample: sample.refused_units / sample.messages),
            cpu=median(lambda sample: sample.cpu / sample.messages),
            peak=median(lambda sample: sample.peak),
            excess=median(lambda sample: sample.excess),
        )


@dataclass
class Results:
    """Every sample of a run."""

    cases: dict[Case, dict[str, list[Sample]]] = field(default_factory=dict)
    sizes: dict[Size, list[Sample]] = field(default_factory=dict)
    starts: Mapping[str, list[float]] = field(default_factory=dict)

    def add(self, case: Case, contender: str, sample: Sample) -> None:
        self.cases.setdefault(case, {}).setdefault(contender, []).append(sample)

    def add_size(self, size: Size, sample: Sample) -> None:
        self.sizes.setdefault(size, []).append(sample)

    def medians(self, case: Case) -> dict[str, Medians]:
        """By contender."""
        return {contender: Medians.of(samples) for contender, samples in self.cases[case].items()}

    def start(self, name: str) -> float:
        return statistics.median(self.starts[name])


@dataclass(frozen=True)
class Target:
    """A figure that surewrite is to reach."""

    what: str
    wanted: str
    measured: str
    reached: bool


_FASTER = {"hot": 25.0, "distinct": 12.0, "zipf": 15.0}
_WRITE_UNITS = 2.05
_MEMORY = 150.0
_FLAT = 0.9
_COLD = 1.10


def targets(results: Results) -> list[Target]:
    """What surewrite is to reach, and what it does."""
    bare = [case for case in results.cases if case.network == BARE and not case.duplicates]
    found = [_faster(case, results) for case in bare]
    found += [_write_units(case, results) for case in bare]
    sizes = {size: Medians.of(samples) for size, samples in results.sizes.items()}
    if sizes:
        found += [_memory(sizes), *_flat(sizes)]
    cold = results.start(coldstart.WORKER) / results.start(coldstart.LEAN)
    return [*found, Target("cold import of the worker / lean handler", f"≤ {_COLD:.2f}", f"{cold:.2f}", cold <= _COLD)]


def _faster(case: Case, results: Results) -> Target:
    medians, wanted = results.medians(case), _FASTER[case.scenario]
    factor = medians[SUREWRITE].rate / medians[POWERTOOLS].rate
    what = f"{SCENARIOS[case.scenario]}: messages/s against the Powertools recipe"
    return Target(what, f"≥ {wanted:.0f} x", f"{factor:.1f} x", factor >= wanted)


def _write_units(case: Case, results: Results) -> Target:
    units = results.medians(case)[SUREWRITE].write_units
    what = f"{SCENARIOS[case.scenario]}: write units a message"
    return Target(what, f"≤ {_WRITE_UNITS:.2f}", f"{units:.2f}", units <= _WRITE_UNITS)


def _memory(sizes: Mapping[Size, Medians]) -> Target:
    largest = max(size.messages for size in sizes)
    peak = max(medians.peak for size, medians in sizes.items() if size.messages == largest)
    what = f"memory of {largest:,} messages above idle"
    return Target(what, f"≤ {_MEMORY:.0f} MiB", f"{peak:.0f} MiB", peak <= _MEMORY)


def _flat(sizes: Mapping[Size, Medians]) -> list[Target]:
    """The slowest of all scenarios counts."""
    smallest, largest = min(size.messages for size in sizes), max(size.messages for size in sizes)
    full = max(size.ledger for size in sizes)
    pairs: dict[str, list[float]] = {
        f"throughput of {largest:,} messages / of {smallest:,}": [
            sizes[Size(size.scenario, largest, size.ledger)].rate / medians.rate
            for size, medians in sizes.items()
            if size.messages == smallest and Size(size.scenario, largest, size.ledger) in sizes
        ],
        f"throughput with {full:,} records in the ledger / with none": [
            medians.rate / sizes[Size(size.scenario, size.messages, 0)].rate
            for size, medians in sizes.items()
            if size.ledger == full
        ],
    }
    return [
        Target(what, f"≥ {_FLAT:.1f}", f"{min(ratios):.2f}", min(ratios) >= _FLAT)
        for what, ratios in pairs.items()
        if ratios
    ]

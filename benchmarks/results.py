"""What was measured."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

BARE, REAL = "bare engine", "real-world latencies"


@dataclass(frozen=True)
class Case:
    """What the contenders are compared on."""

    network: str
    scenario: str
    duplicates: float
    messages: int


@dataclass(frozen=True)
class Shared:
    """What surewrite is measured on where several workers share a queue of `messages`."""

    workers: int
    scenario: str
    duplicates: float
    messages: int


@dataclass(frozen=True)
class Size:
    """What surewrite alone is measured on: messages in one batch, keys in the ledger before."""

    scenario: str
    messages: int
    ledger: int


@dataclass(frozen=True)
class Sample:
    """One batch, or all that several workers share. CPU time, round trips and write units are those of all deliveries
    until nothing was left; `refused` and `conflicts` count responses, `refused_units` is the most that they can cost.

    `excess` is how much too high the counters ended, all batches of the round together.
    """

    messages: int
    seconds: float
    cpu: float
    round_trips: int
    write_units: float
    refused: int
    conflicts: int
    refused_units: float
    deliveries: int
    peak: float
    excess: int

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


@dataclass(frozen=True)
class Medians:
    """Per message, except `rate` (messages/s), `refused`, `conflicts`, `peak` (MiB above idle) and `excess`."""

    rate: float
    round_trips: float
    write_units: float
    refused: float
    conflicts: float
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
            refused=median(lambda sample: sample.refused),
            conflicts=median(lambda sample: sample.conflicts),
            refused_units=median(lambda sample: sample.refused_units / sample.messages),
            cpu=median(lambda sample: sample.cpu / sample.messages),
            peak=median(lambda sample: sample.peak),
            excess=median(lambda sample: sample.excess),
        )


@dataclass
class Results:
    """Every sample of a run: of a case and of a shared queue by contender."""

    cases: dict[Case, dict[str, list[Sample]]] = field(default_factory=dict)
    shared: dict[Shared, dict[str, list[Sample]]] = field(default_factory=dict)
    sizes: dict[Size, list[Sample]] = field(default_factory=dict)
    starts: Mapping[str, list[float]] = field(default_factory=dict)

    def add(self, case: Case, contender: str, sample: Sample) -> None:
        self.cases.setdefault(case, {}).setdefault(contender, []).append(sample)

    def add_shared(self, shared: Shared, contender: str, sample: Sample) -> None:
        self.shared.setdefault(shared, {}).setdefault(contender, []).append(sample)

    def add_size(self, size: Size, sample: Sample) -> None:
        self.sizes.setdefault(size, []).append(sample)

    def medians(self, case: Case | Shared) -> dict[str, Medians]:
        """By contender."""
        samples = self.cases[case] if isinstance(case, Case) else self.shared[case]
        return {contender: Medians.of(rounds) for contender, rounds in samples.items()}

    def start(self, name: str) -> float:
        """The median, in seconds."""
        return statistics.median(self.starts[name])

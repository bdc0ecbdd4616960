"""What surewrite is to reach, and what it does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks import coldstart
from benchmarks.contenders import POWERTOOLS, SUREWRITE
from benchmarks.messages import SCENARIOS
from benchmarks.results import BARE, Case, Medians, Results, Size

_FASTER = {"hot": 60.0, "distinct": 18.0, "zipf": 40.0}
_WRITE_UNITS = {"hot": 0.10, "distinct": 2.15, "zipf": 0.80}
_SHARED = {
    1: _WRITE_UNITS,
    4: {"hot": 0.30, "distinct": 2.40, "zipf": 1.10},
}
"""Write units by how many workers share a queue."""
_MEMORY = 150.0
_FLAT = 0.9
_COLD = 1.10


@dataclass(frozen=True)
class Target:
    """A figure that surewrite is to reach."""

    what: str
    wanted: str
    measured: str
    reached: bool


def targets(results: Results) -> list[Target]:
    """The targets of all that was measured."""
    return [*_on_cases(results), *_on_workers(results), *_on_sizes(results), *_on_starts(results)]


def _on_cases(results: Results) -> Iterator[Target]:
    bare = {case: results.medians(case) for case in results.cases if case.network == BARE}
    for case, medians in bare.items():
        if SUREWRITE in medians and POWERTOOLS in medians:
            yield _faster(case, medians[SUREWRITE].rate / medians[POWERTOOLS].rate)
    for case, medians in bare.items():
        if SUREWRITE in medians and not case.duplicates:
            yield _write_units(SCENARIOS[case.scenario], medians[SUREWRITE], _WRITE_UNITS[case.scenario])


def _on_workers(results: Results) -> Iterator[Target]:
    for shared in results.shared:
        if shared.workers in _SHARED and not shared.duplicates:
            what = f"{SCENARIOS[shared.scenario]}, workers on one queue: {shared.workers}"
            yield _write_units(what, results.medians(shared)[SUREWRITE], _SHARED[shared.workers][shared.scenario])


def _faster(case: Case, factor: float) -> Target:
    """Half of it where there are duplicates: a cancelled transaction is sent again."""
    wanted = _FASTER[case.scenario] / (2 if case.duplicates else 1)
    duplicates = f", {case.duplicates:.0%} duplicates" if case.duplicates else ""
    what = f"{SCENARIOS[case.scenario]}{duplicates}: messages/s against the Powertools recipe"
    return Target(what, f"≥ {wanted:.0f} x", f"{factor:.1f} x", factor >= wanted)


def _write_units(what: str, medians: Medians, wanted: float) -> Target:
    units = medians.write_units
    return Target(f"{what}: write units a message", f"≤ {wanted:.2f}", f"{units:.2f}", units <= wanted)


def _on_sizes(results: Results) -> Iterator[Target]:
    sizes = {size: Medians.of(samples) for size, samples in results.sizes.items()}
    if sizes:
        yield _memory(sizes)
        yield from _flat(sizes)


def _memory(sizes: Mapping[Size, Medians]) -> Target:
    largest = max(size.messages for size in sizes)
    peak = max(medians.peak for size, medians in sizes.items() if size.messages == largest)
    what = f"memory of {largest:,} messages above idle"
    return Target(what, f"≤ {_MEMORY:.0f} MiB", f"{peak:.0f} MiB", peak <= _MEMORY)


def _flat(sizes: Mapping[Size, Medians]) -> Iterator[Target]:
    """The slowest of all scenarios counts."""
    smallest, largest = min(size.messages for size in sizes), max(size.messages for size in sizes)
    full = max(size.ledger for size in sizes)
    pairs: dict[str, list[float]] = {
        f"throughput of {largest:,} messages / of {smallest:,}": [
            sizes[Size(size.scenario, largest, size.ledger)].rate / medians.rate
            for size, medians in sizes.items()
            if size.messages == smallest and Size(size.scenario, largest, size.ledger) in sizes
        ],
        f"throughput with {full:,} keys in the ledger / with none": [
            medians.rate / sizes[Size(size.scenario, size.messages, 0)].rate
            for size, medians in sizes.items()
            if size.ledger == full
        ],
    }
    for what, ratios in pairs.items():
        if ratios:
            yield Target(what, f"≥ {_FLAT:.1f}", f"{min(ratios):.2f}", min(ratios) >= _FLAT)


def _on_starts(results: Results) -> Iterator[Target]:
    if results.starts:
        cold = results.start(coldstart.WORKER) / results.start(coldstart.LEAN)
        yield Target("cold import of the worker / lean handler", f"≤ {_COLD:.2f}", f"{cold:.2f}", cold <= _COLD)

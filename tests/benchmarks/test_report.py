"""The report holds what was measured, whatever that was, and says of each target whether it is reached."""

import pytest

from benchmarks import options, report
from benchmarks.coldstart import API, LEAN, WORKER
from benchmarks.contenders import CONTENDERS, PLAIN, POWERTOOLS, RECORDS, SUREWRITE
from benchmarks.results import BARE, REAL, Case, Results, Sample, Shared, Size
from benchmarks.targets import targets


def sample(*, seconds: float = 1.0, write_units: float = 40.0, peak: float = 10.0) -> Sample:
    """Of 1,000 messages."""
    return Sample(
        messages=1000,
        seconds=seconds,
        cpu=0.1,
        round_trips=10,
        write_units=write_units,
        refused=2,
        conflicts=1,
        refused_units=20,
        deliveries=1,
        peak=peak,
        excess=0,
    )


def everything() -> Results:
    results = Results(starts={LEAN: [0.2], WORKER: [0.21], API: [0.3]})
    for network in (BARE, REAL):
        for contender in CONTENDERS:
            results.add(Case(network, "hot", 0.0, 1000), contender, sample())
    for contender in (SUREWRITE, RECORDS):
        results.add_shared(Shared(4, "zipf", 0.3, 8000), contender, sample())
    for keys in (0, 500):
        for messages in (1000, 3000):
            results.add_size(Size("hot", messages, keys), sample())
    return results


def facts(*arguments: str) -> report.Facts:
    return report.Facts("2026-01-01", "Python", 2, 60.0, options.parse(arguments, ""))


def test_what_was_not_measured_has_no_table() -> None:
    assert report.tables(Results(), facts()) == []
    results = Results()
    results.add(Case(BARE, "hot", 0.0, 1000), SUREWRITE, sample())
    assert [table.title for table in report.tables(results, facts("--rounds", "1", "--slow-rounds", "0"))] == [
        "Targets, on the bare engine",
        "Bare engine: batches of 1,000, measured once",
    ]
    assert "results.svg" not in report.markdown(Results(), facts())


def test_every_row_of_every_table_has_a_cell_for_each_heading() -> None:
    found = report.tables(everything(), facts())
    assert len(found) == 6
    for table in found:
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title
    for text in (report.terminal(everything(), facts()), report.markdown(everything(), facts())):
        assert all(table.title in text for table in found)


@pytest.mark.parametrize(("units", "reached"), [(100.0, True), (101.0, False)])
def test_write_units_are_a_target_without_duplicates(units: float, reached: bool) -> None:
    results = Results()
    results.add(Case(BARE, "hot", 0.0, 1000), SUREWRITE, sample(write_units=units))
    results.add(Case(BARE, "hot", 0.3, 1000), SUREWRITE, sample())
    results.add(Case(REAL, "hot", 0.0, 1000), SUREWRITE, sample())
    (target,) = targets(results)
    assert (target.wanted, target.reached) == ("≤ 0.10", reached)


@pytest.mark.parametrize(("workers", "wanted"), [(1, ["≤ 0.80"]), (2, []), (4, ["≤ 1.10"])])
def test_workers_that_share_a_queue_have_targets_of_their_own(workers: int, wanted: list[str]) -> None:
    results = Results()
    for duplicates in (0.0, 0.3):
        for contender in (RECORDS, SUREWRITE):
            results.add_shared(Shared(workers, "zipf", duplicates, 8000), contender, sample())
    assert [target.wanted for target in targets(results)] == wanted


@pytest.mark.parametrize(("duplicates", "wanted"), [(0.0, "≥ 60 x"), (0.3, "≥ 30 x")])
def test_messages_a_second_are_measured_against_the_recipe(duplicates: float, wanted: str) -> None:
    results = Results()
    case = Case(BARE, "hot", duplicates, 1000)
    for contender, seconds in {SUREWRITE: 0.1, POWERTOOLS: 4.0, PLAIN: 1.0}.items():
        results.add(case, contender, sample(seconds=seconds))
    target = targets(results)[0]
    assert (target.wanted, target.measured, target.reached) == (wanted, "40.0 x", duplicates > 0)

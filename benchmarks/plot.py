"""The plot of a run: messages per second of every contender, on the bare engine and with real-world latencies."""

from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, PLAIN, POWERTOOLS, RECORDS, SUREWRITE
from benchmarks.drawing import drawing, finish
from benchmarks.messages import SCENARIOS
from benchmarks.results import Case, Results

_COLOURS = {SUREWRITE: "#0b6e4f", RECORDS: "#7fb69f", POWERTOOLS: "#d1812c", PLAIN: "#8c96a3"}
_GROUP = 0.84
_LEAST, _MOST = 10, 60_000


def draw(results: Results, path: Path) -> None:
    """Writes the file, if any contenders were compared; its ending says in which format."""
    networks: dict[str, list[Case]] = {}
    for case in results.cases:
        networks.setdefault(case.network, []).append(case)
    if not networks:
        return
    with drawing(path, 10, 0.6 + 2.9 * len(networks)) as figure:
        axes = figure.subplots(len(networks), 1, squeeze=False).flat
        for (network, cases), axis in zip(networks.items(), axes, strict=True):
            _draw(results, cases, axis)
            finish(axis, network.capitalize())
        handles, labels = axis.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)


def _draw(results: Results, cases: list[Case], axis: Any) -> None:
    medians = [results.medians(case) for case in cases]
    contenders = [contender for contender in CONTENDERS if contender in medians[0]]
    width = _GROUP / len(contenders)
    for number, contender in enumerate(contenders):
        rates = [one[contender].rate for one in medians]
        places = [place + (number - (len(contenders) - 1) / 2) * width for place in range(len(cases))]
        bars = axis.bar(places, rates, width * 0.94, label=CONTENDERS[contender], color=_COLOURS[contender])
        axis.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=2, fontsize=7.5)
    axis.set_xticks(
        range(len(cases)), [f"{SCENARIOS[case.scenario]}\n{case.duplicates:.0%} duplicates" for case in cases]
    )
    axis.tick_params(axis="x", length=0)
    axis.set_yscale("log")
    axis.set_ylim(_LEAST, _MOST)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.minorticks_off()
    axis.set_ylabel("messages/s (log scale)")

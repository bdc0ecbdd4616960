"""The one plot: messages per second of every contender, on the bare engine and with real-world latencies."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from benchmarks.contenders import CONTENDERS, PLAIN, POWERTOOLS, SUREWRITE
from benchmarks.messages import SCENARIOS
from benchmarks.results import BARE, REAL, Results

_COLOURS = {SUREWRITE: "#0b6e4f", POWERTOOLS: "#d1812c", PLAIN: "#8c96a3"}
_WIDTH = 0.27
_LEAST, _MOST = 10, 20_000


def draw(results: Results, path: Path) -> None:
    """Writes the file; its ending says in which format."""
    with matplotlib.rc_context({"svg.hashsalt": "surewrite", "font.size": 10, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(10, 6.4), layout="constrained")
        axes = figure.subplots(2, 1)
        for network, axis in zip((BARE, REAL), axes, strict=True):
            _draw(results, network, axis)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(CONTENDERS), frameon=False)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=110, facecolor="white", metadata=metadata)


def _draw(results: Results, network: str, axis: Any) -> None:
    cases = [case for case in results.cases if case.network == network]
    for offset, (contender, label) in enumerate(CONTENDERS.items(), start=-1):
        rates = [results.medians(case)[contender].rate for case in cases]
        places = [place + offset * _WIDTH for place in range(len(cases))]
        bars = axis.bar(places, rates, _WIDTH * 0.94, label=label, color=_COLOURS[contender])
        axis.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=2, fontsize=8.5)
    axis.set_xticks(
        range(len(cases)), [f"{SCENARIOS[case.scenario]}\n{case.duplicates:.0%} duplicates" for case in cases]
    )
    axis.tick_params(axis="x", length=0)
    axis.set_yscale("log")
    axis.set_ylim(_LEAST, _MOST)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.minorticks_off()
    axis.set_ylabel("messages/s (log scale)")
    axis.set_title(network.capitalize(), loc="left", fontweight="bold", fontsize=11)
    axis.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)

"""Draws what the packed ledger costs by rate and concurrency: `python -m benchmarks.curve --output docs`.

A model (`benchmarks.model`), not a measurement: it takes seconds and needs no engine.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.drawing import drawing, finish
from benchmarks.model import units_a_message

PLOT = "ledger-units.svg"

WIDTHS = (100, 10)
"""Milliseconds of a slot: a panel each."""

WORKERS = {1: "#0b6e4f", 2: "#3d8bb3", 5: "#d1812c", 10: "#8f3f71"}
"""How many share the queue, and their colours."""

_RATES = [round(step * 10**power) for power in (1, 2, 3, 4) for step in (1, 1.4, 2, 3, 4, 5, 7)]
_MOST = 20_000
_TICKS = {0.03: "0.03", 0.1: "0.1", 0.3: "0.3", 1: "1", 2: "2"}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curve", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the plot (default: %(default)s)")
    folder = parser.parse_args(arguments).output
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder / PLOT)


def draw(path: Path) -> None:
    """Writes the file; its ending says in which format."""
    with drawing(path, 10, 4.2) as figure:
        axes = figure.subplots(1, len(WIDTHS), sharey=True)
        for slot_ms, axis in zip(WIDTHS, axes, strict=True):
            _draw(axis, slot_ms)
            finish(axis, f"Slots of {slot_ms} ms", grid="both")
        axes[0].set_ylabel("ledger write units a message")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=5, frameon=False)


def _draw(axis: Any, slot_ms: int) -> None:
    rates = [rate for rate in _RATES if rate <= _MOST]
    axis.axhline(2, color="#8c96a3", linestyle="--", linewidth=1.2, label="packing off")
    for workers, colour in WORKERS.items():
        units = [units_a_message(rate, workers, slot_ms) for rate in rates]
        label = f"{workers} worker" if workers == 1 else f"{workers} workers"
        axis.plot(rates, units, color=colour, label=label, linewidth=1.8)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(rates[0], rates[-1])
    axis.set_ylim(min(_TICKS), 2.5)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.set_yticks(list(_TICKS), list(_TICKS.values()))
    axis.minorticks_off()
    axis.set_xlabel("messages sent a second")


if __name__ == "__main__":
    main()

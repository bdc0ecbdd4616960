"""What all plots look like. The same figures make the same file: it has no date, and no random ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

_STYLE: Any = {"svg.hashsalt": "surewrite", "font.size": 10, "font.family": "DejaVu Sans"}


@contextmanager
def drawing(path: Path, width: float, height: float) -> Iterator[Any]:
    """A figure of so many inches, written at the end of the block; the file's ending says in which format."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=110, facecolor="white", metadata=metadata)


def finish(axis: Any, title: str, grid: str = "y") -> None:
    """Title, grid and frame."""
    axis.set_title(title, loc="left", fontweight="bold", fontsize=11)
    axis.grid(axis=grid, color="#e3e6ea", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)

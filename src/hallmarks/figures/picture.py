"""A picture: the figure, the numbers that it shows, and its files; equal pictures give equal bytes."""

import io
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hallmarks.figures.panels import DrawnPanel, seed_of
from hallmarks.files import replacing

# That surely fit in an inch of the small print, 7 points.
CHARACTERS = 16
SHOWN = 6


@dataclass(frozen=True)
class Picture:
    """A figure, the numbers that it shows in long form, and how it is to be read."""

    figure: Figure
    numbers: pd.DataFrame
    panels: list[DrawnPanel]
    note: str = ""

    def with_footer(self, scale: str) -> "Picture":
        """The picture with its small print: scale, seeds, number of points, and the note."""
        seeds = sorted({seed_of(run) for panel in self.panels for run in panel.runs}, key=int)
        points = sorted({len(kernel.step) for panel in self.panels for kernel in panel.kernels})
        footer = [
            f"{scale} scale",
            f"seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}" if seeds else "",
            f"n = {'–'.join(map(str, sorted({points[0], points[-1]})))} points" if points else "",
            self.note,
            missing(self.panels),
        ]
        line = fill(" · ".join(filter(None, footer)), int(self.figure.get_figwidth() * CHARACTERS))
        self.figure.supxlabel(literal(line), x=0.01, ha="left", fontsize=7, color="0.35")
        return self

    @cached_property
    def png(self) -> bytes:
        content = io.BytesIO()
        self.figure.savefig(content, format="png", dpi=120, metadata={"Software": None})
        return content.getvalue()

    def __repr__(self) -> str:
        return f"a picture of {len(self.panels)} panels and {len(self.numbers)} numbers"

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return self.png

    def save(self, stem: Path | str) -> None:
        """Write `stem`.pdf, .png and .csv, each only when all are whole. Raises UserError."""
        with ExitStack() as files:
            pdf, png, csv = (
                files.enter_context(replacing(Path(f"{stem}.{suffix}"))) for suffix in ("pdf", "png", "csv")
            )
            self.figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
            png.write_bytes(self.png)
            self.numbers.to_csv(csv, index=False, float_format="%.9g")


def missing(panels: list[DrawnPanel]) -> str:
    """Which points are missing, and where a trajectory begins or ends instead, in words; "" of none."""
    told = list(dict.fromkeys(f"{panel.label}: {lacking(panel)}" for panel in panels if panel.missing))
    return f"missing, since weights of another step were published: {'; '.join(told)}" if told else ""


def lacking(panel: DrawnPanel) -> str:
    """`step 0, 8, 128, … (20), so that it begins at 2000`."""
    steps, there = panel.missing, panel.kernels[0].step
    shown = [f"{step}" for step in steps[:SHOWN]] + ([f"… ({len(steps)})"] if len(steps) > SHOWN else [])
    ends = [f"begins at {there[0]}"] if steps[0] < there[0] else []
    ends += [f"ends at {there[-1]}"] if steps[-1] > there[-1] else []
    return f"step {', '.join(shown)}" + (f", so that it {' and '.join(ends)}" if ends else "")


def grid(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` axes in rows of equal length, of at most `columns`."""
    rows = -(-count // columns)
    columns = -(-count // rows)
    figure = Figure(figsize=(max(width * columns, 4.0), height * rows + 0.5), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, list(axes[:count])


def literal(text: str) -> str:
    """The text as matplotlib shows it unchanged: no mathematics, and in legends a first `_` too."""
    return ("\u200b" * text.startswith("_") + text).replace("$", r"\$")


def spread(values: list[float]) -> str:
    """`0.7640 ± 0.0031`: mean and standard deviation over seeds; many an ω lies close to 1."""
    mean = f"{np.mean(values):.4f}"
    return f"{mean} ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else mean

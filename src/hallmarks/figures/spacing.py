"""A measure along the trajectory, as one number, against the spacing of the points that it is taken from."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hallmarks.errors import UserError
from hallmarks.figures.curves import TITLES, draw_lines, legend_columns
from hallmarks.figures.panels import COLUMNS, DrawnPanel, some
from hallmarks.figures.picture import Picture, grid, literal
from hallmarks.kernel.file import Kernel
from hallmarks.measures.angles import angles
from hallmarks.measures.gram import subsample

REDUCED = {"mean": lambda values: values.mean(), "last": lambda values: values[-1]}
# Fewer points are no trajectory.
LEAST = 4


def draw(
    panels: list[DrawnPanel],
    *,
    measure: str = "angle_updates",
    reduce: Literal["mean", "last"] = "mean",
    every: tuple[int, ...] = (1, 2, 3, 6, 12, 24),
) -> Picture:
    """The angle `measure` of every k-th point, an axis an experiment; `index` in the numbers is that k."""
    rows = [
        (panel.experiment, panel.title.removeprefix(f"{panel.experiment}: "), run, k)
        + (thinned.step[1], thinned.epoch[1], reduced(thinned, measure, reduce))
        for panel in some(panels)
        for run, kernel in zip(panel.runs, panel.kernels, strict=True)
        for k in every
        if len((thinned := subsample(kernel, k)).step) >= LEAST
    ]
    names = ["experiment", "label", "run", "index", "step", "epoch", "value"]
    table = pd.DataFrame(rows, columns=names).assign(measure=measure)
    shown = {name: part for name, part in table.groupby("experiment", sort=False)}
    figure, axes = grid(len(shown), 2, 4.5, 3.0)
    for axis, (name, part) in zip(axes, shown.items(), strict=False):
        unit = next(panel.unit for panel in panels if panel.experiment == name)
        draw_experiment(axis, part, unit)
        axis.set_title(name, fontsize=9)
        axis.set_ylabel("degrees", fontsize=8)
    figure.suptitle(f"{TITLES[measure]}, {reduce} of the trajectory", fontsize=9)
    note = "mean over seeds, bar: ± sd"
    return Picture(figure, table[["experiment", *COLUMNS]], panels, note)


def reduced(kernel: Kernel, measure: str, reduce: str) -> float:
    """An angle of a trajectory as one number. Raises UserError where it is none, or is not reduced so."""
    known = angles(kernel)
    if measure not in known or reduce not in REDUCED:
        asked = f"measure {measure}, reduce {reduce}"
        raise UserError(
            f"options: {asked}; measure is one of {', '.join(known)}, reduce of {', '.join(REDUCED)}"
        )
    values = known[measure][1]
    return REDUCED[reduce](values[~np.isnan(values)] if kernel.missing else values)


def draw_experiment(axes: Axes, table: pd.DataFrame, unit: str) -> None:
    """A line a variation against the spacing, which doubles and triples."""
    table = table.assign(label=table["label"].map(literal))
    labels = list(dict.fromkeys(table["label"]))
    draw_lines(axes, table, unit.removesuffix("s"), labels, err_style="bars", markers=True)
    places = sorted(set(table[unit.removesuffix("s")]))
    axes.set_xscale("log")
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.minorticks_off()
    axes.set_xlabel(f"{unit} from point to point", fontsize=8)
    axes.tick_params(labelsize=7)
    columns = legend_columns(labels, 4.5)
    axes.legend(fontsize=7, ncols=columns, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)

"""Measures against time: an axis each, a line a variation with a band over its seeds, one legend.

Sweeps are ordered, so that lines take a sequential palette and a dash of their own: both read in grey.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from hallmarks.errors import UserError
from hallmarks.figures.panels import DrawnPanel, some
from hallmarks.figures.picture import Picture, grid, literal

TITLES = {
    "angle_updates": "∠(θ$_{t+1}$−θ$_t$, θ$_t$−θ$_{t−1}$)",
    "angle_update_location": "∠(θ$_{t+1}$−θ$_t$, θ$_t$)",
    "angle_update_net": "∠(θ$_{t+1}$−θ$_t$, θ$_T$−θ$_0$)",
    "angle_displacement_net": "∠(θ$_t$−θ$_0$, θ$_T$−θ$_0$)",
    "apex_initialisation": "apex at initialisation ∠(θ$_t$−θ$_0$, θ$_1$−θ$_0$)",
    "apex_origin": "apex at origin ∠(θ$_t$, θ$_0$)",
    "norm": "‖θ$_t$‖",
    "update_norm": "‖θ$_{t+1}$−θ$_t$‖",
    "distance_from_initialisation": "‖θ$_t$−θ$_0$‖",
    "eigenvalue_K": "eigenvalues of K",
    "eigenvalue_K0": "eigenvalues of K$_0$",
    "eigenvalue_C": "eigenvalues of C",
    "eigenvalue_C0": "eigenvalues of C$_0$",
}
# That surely fit in an inch of the legends, 8 points.
LEGEND_CHARACTERS = 12

Drawer = Callable[[Axes, pd.DataFrame, str, list[DrawnPanel]], None]


def curves(
    panels: list[DrawnPanel],
    table: pd.DataFrame,
    names: Collection[str],
    *,
    titles: Mapping[str, str] = TITLES,
    drawers: Mapping[str, Drawer] | None = None,
    width: float = 3.0,
    note: str = "line: mean over seeds, band: ± sd",
) -> Picture:
    """The named measures of `table` (COLUMNS), an axis each, lettered as in the paper.

    A name among `drawers` is drawn by its own function. Raises UserError where panels of unequal units of
    time would share an axis.
    """
    figure, axes = grid(len(names), 4, width, 2.4)
    shown = table.assign(label=table["label"].map(literal))
    legend: tuple[list, list[str]] = ([], [])
    for letter, name, axis in zip(ascii_lowercase, names, axes, strict=False):
        (drawers or {}).get(name, draw_measure)(axis, shown, name, some(panels))
        axis.set_title(f"({letter}) {titles[name]}", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.xaxis.label.set_size(8)
        axis.yaxis.label.set_size(8)
        if axis.get_legend():
            legend = axis.get_legend_handles_labels()
            axis.get_legend().remove()
    columns = legend_columns(legend[1], figure.get_figwidth())
    figure.legend(*legend, loc="outside upper center", ncols=columns, fontsize=8)
    if any(panel.missing for panel in panels):
        note += "; gaps where points are missing, and of updates within which some are"
    return Picture(figure, table[table["measure"].isin(names)], panels, note)


def unit_of(panels: list[DrawnPanel]) -> str:
    """The unit of time of all panels. Raises UserError where they differ."""
    units = {panel.unit: panel.label for panel in panels}
    if len(units) > 1:
        where = ", ".join(f"'{label}' is in {unit}" for unit, label in units.items())
        raise UserError(f"panels: {where}; lines against time need one unit, so draw a figure for each")
    return panels[0].unit


def shared_drops(panels: list[DrawnPanel]) -> list[float]:
    """The drops of the learning rate that all panels have."""
    return [drop for drop in panels[0].drops if all(drop in panel.drops for panel in panels)]


def draw_measure(axes: Axes, table: pd.DataFrame, name: str, panels: list[DrawnPanel]) -> None:
    """One measure against epoch or step (eigenvalues: against rank): a line a label, a band of ± sd."""
    rows = table[table["measure"] == name]
    spectrum = name.startswith("eigenvalue")
    x = "rank" if spectrum else unit_of(panels).removesuffix("s")
    rows = rows.assign(rank=rows["index"] + 1).astype({x: float, "value": float})
    if spectrum:  # rounding leaves what is zero at 1e-16 of the largest, of either sign
        rows = rows[rows["value"] > 1e-14 * rows["value"].max()]
        axes.set_yscale("log")
    labels = list(dict.fromkeys(table["label"]))
    draw_lines(axes, rows, x, labels)
    if not spectrum:
        break_lines(axes, labels, {literal(panel.title): panel.missing for panel in panels})
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    for drop in [] if spectrum else shared_drops(panels):
        axes.axvline(drop, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    degrees = name.startswith(("angle", "apex"))
    axes.set(xlabel=x, ylabel="degrees" if degrees else "")


def draw_lines(axes: Axes, rows: pd.DataFrame, x: str, labels: list[str], **style: Any) -> None:
    """`value` against `x`: a line a label, its colour by the place among all labels, ± sd over runs."""
    sns.lineplot(
        rows,
        x=x,
        y="value",
        hue="label",
        style="label",
        hue_order=labels,
        style_order=labels,
        palette=palette(labels),
        errorbar="sd",
        ax=axes,
        **{"linewidth": 1.2} | style,
    )


def break_lines(axes: Axes, labels: list[str], missing: Mapping[str, Sequence[float]]) -> None:
    """Leave a gap in each label's line where points are missing; what stands between two gaps is a dot."""
    for label, colour in zip(labels, palette(labels), strict=True):
        for line in axes.lines if missing.get(label) else []:
            if to_rgb(line.get_color()) != colour or not len(line.get_xdata()):
                continue
            at = np.searchsorted(line.get_xdata(), missing[label])
            line.set_data(*(np.insert(np.asarray(each, float), at, np.nan) for each in line.get_data()))
            line.set(marker=".", markersize=3)


def legend_columns(labels: list[str], width: float) -> int:
    """As many columns as fit in `width` inches, in rows of equal length."""
    longest = max(map(len, labels), default=0) / LEGEND_CHARACTERS + 0.6
    rows = -(-len(labels) // max(1, int(width / longest)))
    return -(-len(labels) // max(1, rows))


def palette(labels: list[str]) -> list[tuple[float, float, float]]:
    """A colour a label, from dark to light; the lightest end, lost on paper, is left out."""
    return sns.color_palette("viridis", len(labels) + 1)[: len(labels)]


def summary(picture: Picture) -> pd.DataFrame:
    """Of each measure and variation the first, the last and the mean value, each the mean over seeds."""
    rows = picture.numbers.astype({"value": float})
    runs = rows.groupby(["measure", "label", "run"], sort=False)["value"].agg(["first", "last", "mean"])
    seeds = runs.groupby(level=["measure", "label"], sort=False).mean().round(4)
    return seeds.sort_index(level="measure", sort_remaining=False, kind="stable")

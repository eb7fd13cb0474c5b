"""ω, ω_0 and angles of whole models against their size: how a trajectory changes with scale."""

from collections.abc import Collection
from functools import reduce

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hallmarks.figures.curves import draw_lines, legend_columns
from hallmarks.figures.panels import COLUMNS, DrawnPanel, some
from hallmarks.figures.picture import Picture, grid, literal
from hallmarks.kernel.file import Kernel
from hallmarks.measures.angles import angles
from hallmarks.measures.maps import mean_directional_similarity, relative_mean_directional_similarity
from hallmarks.measures.steps import at_steps

TITLES = {
    "mds": "ω",
    "mds_relative": "ω$_0$",
    "angle_updates": "angle between updates, mean over t",
    "apex_origin": "apex angle at the origin, last",
}


def draw(panels: list[DrawnPanel], *, other: Collection[str] = (), why: str = "") -> Picture:
    """A line an experiment against the number of parameters; those of equal size are seeds of one another.

    Where an experiment's trajectories lack points that others have, a second line is of the steps that all of
    its trajectories have, since ω depends on how many there are. Models of the labels `other`, where they
    are shown, are ringed, and `why` says why.
    """
    parts = by_experiment(some(panels))
    rows = [row for name, part in parts.items() for row in of_experiment(name, part)]
    table = pd.DataFrame(rows, columns=["experiment", "parameters", *COLUMNS])
    figure, axes = grid(len(TITLES), 4, 3.0, 2.6)
    lines = list(dict.fromkeys(table["experiment"]))
    ringed = table[table["label"].map(lambda label: label.rpartition(": ")[2]).isin(other)]
    for axis, (measure, title) in zip(axes, TITLES.items(), strict=True):
        draw_against_size(axis, table[table["measure"] == measure], lines)
        marked = ringed[ringed["measure"] == measure].groupby(["experiment", "parameters"])["value"].mean()
        axis.scatter(
            marked.index.get_level_values("parameters"),
            marked,
            s=60,
            facecolors="none",
            edgecolors="0.3",
            linewidths=0.8,
            zorder=3,
        )
        axis.set_title(title, fontsize=8)
        axis.set_ylabel("degrees" if measure.startswith(("angle", "apex")) else "", fontsize=8)
    handles = axes[0].get_legend_handles_labels()
    for axis in axes:
        if axis.get_legend():
            axis.get_legend().remove()
    if len(lines) > 1:
        columns = legend_columns(handles[1], figure.get_figwidth())
        figure.legend(*handles, loc="outside upper center", ncols=columns, fontsize=8)
    note = f"mean over seeds, bar: ± sd{f'; ringed: {why}' if len(ringed) else ''}{same_runs(panels)}"
    if any(panel.missing for panel in panels):
        note += "; updates within which points are missing are left out of the mean, but at the steps of all"
    return Picture(figure, table, panels, note)


def by_experiment(panels: list[DrawnPanel]) -> dict[str, list[DrawnPanel]]:
    """The panels of each experiment; of two that have the same runs, the first alone."""
    parts: dict[str, list[DrawnPanel]] = {}
    for panel in panels:
        parts.setdefault(panel.experiment, []).append(panel)
    known: set[tuple[str, ...]] = set()
    kept = {}
    for name, part in parts.items():
        runs = tuple(sorted(run for panel in part for run in panel.runs))
        if runs not in known:
            known.add(runs)
            kept[name] = part
    return kept


def same_runs(panels: list[DrawnPanel]) -> str:
    """Which experiments have the runs of another, in words."""
    shown = by_experiment(panels)
    others = [name for name in dict.fromkeys(panel.experiment for panel in panels) if name not in shown]
    if not others:
        return ""
    verb = "has" if len(others) == 1 else "have"
    return f"; {', '.join(others)} {verb} the runs of one that is shown"


def of_experiment(name: str, panels: list[DrawnPanel]) -> list[tuple]:
    """A row a run and measure; and once more at the steps that all of its runs have, where some lack some."""
    kernels = {run: kernel for panel in panels for run, kernel in zip(panel.runs, panel.kernels, strict=True)}
    labels = {run: panel.title for panel in panels for run in panel.runs}
    steps = {run: set(map(int, kernel.step)) for run, kernel in kernels.items()}
    common = reduce(set.intersection, steps.values())
    rows = [row for run, kernel in kernels.items() for row in of_run(name, labels[run], run, kernel)]
    if any(len(own) > len(common) for own in steps.values()) and len(common) > 2:
        line = f"{name}, the {len(common)} steps of all"
        rows += [
            row
            for run, kernel in kernels.items()
            for row in of_run(line, labels[run], run, at_steps(kernel, common))
        ]
    return rows


def of_run(line: str, label: str, run: str, kernel: Kernel) -> list[tuple]:
    """The measures of one run, each one number, with the last point's step and epoch."""
    known = angles(kernel)
    values = {
        "mds": mean_directional_similarity(kernel),
        "mds_relative": relative_mean_directional_similarity(kernel),
        "angle_updates": pd.Series(known["angle_updates"][1]).mean(),  # without those that are undefined
        "apex_origin": known["apex_origin"][1][-1],
    }
    at = len(kernel.step), kernel.step[-1], kernel.epoch[-1]
    return [
        (line, int(kernel.numel.sum()), label, run, measure, *at, value) for measure, value in values.items()
    ]


def draw_against_size(axes: Axes, rows: pd.DataFrame, lines: list[str]) -> None:
    """A line an experiment, from the smallest model to the largest."""
    shown = rows.assign(label=rows["experiment"].map(literal))
    draw_lines(axes, shown, "parameters", list(map(literal, lines)), err_style="bars", markers=True)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: short(number)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("parameters", fontsize=8)
    axes.tick_params(labelsize=7)


def short(number: float) -> str:
    """`300k`, `14M`, `2.8B`: as models are called."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"


def summary(picture: Picture) -> pd.DataFrame:
    """Of each experiment and size, mean and standard deviation over seeds, and the number of points."""
    by = picture.numbers.groupby(["experiment", "parameters", "measure"], sort=False)
    table = by["value"].agg(["mean", "std"]).round(4)
    return table.assign(points=by["index"].first())

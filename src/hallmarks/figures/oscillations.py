"""Single steps in windows of a run: angles, sharpness against its bound, and updates in the Hessian's top."""

from string import ascii_lowercase

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from hallmarks.figures.by_window import by_window
from hallmarks.figures.curves import palette
from hallmarks.figures.panels import DrawnPanel, some
from hallmarks.figures.picture import Picture, literal
from hallmarks.kernel.file import Kernel

MEASURES = ["angle_updates", "stability", "share", "alignment"]
COLUMNS = ["label", "run", "window", "measure", "index", "step", "epoch", "value"]


def draw(panels: list[DrawnPanel], curvature: pd.DataFrame) -> Picture:
    """A column a window, a line a variation; `curvature` is the table of the study of that name.

    The signed cosine of update and v₁ is of the first seed, since the sign of v₁ says nothing.
    """
    numbers = numbers_of(some(panels), curvature)
    windows = sorted(numbers["window"].unique())
    labels = [literal(panel.title) for panel in panels]
    colours = dict(zip(labels, palette(labels), strict=True))
    shown = numbers.assign(label=numbers["label"].map(literal))
    figure = Figure(figsize=(max(1.75 * len(windows) + 0.7, 4.0), 7.4), layout="compressed")
    grid = figure.subplots(len(MEASURES), len(windows), squeeze=False, sharex="col", sharey="row")
    drawers = [draw_angles, draw_stability, draw_share, draw_alignment]
    for letter, row, drawer in zip(ascii_lowercase, grid, drawers, strict=False):
        for axes, window in zip(row, windows, strict=True):
            drawer(axes, shown[shown["window"] == window], colours)
            axes.set(xlabel="", ylabel="")
            axes.tick_params(labelsize=7)
            if axes.get_legend():
                axes.get_legend().remove()
        row[0].set_ylabel(f"({letter}) {TITLES[drawer]}", fontsize=8)
    for top, bottom, window in zip(grid[0], grid[-1], windows, strict=True):
        top.set_title(title_of(shown[shown["window"] == window]), fontsize=8)
        bottom.set_xlabel("step", fontsize=8)
        bottom.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    figure.legend(*lines_of(grid[2, 0], labels), loc="outside upper center", ncols=len(labels), fontsize=8)
    return Picture(figure, numbers, panels, note(numbers))


def numbers_of(panels: list[DrawnPanel], curvature: pd.DataFrame) -> pd.DataFrame:
    """The study's rows of the panels' runs, and the angles of single updates in its windows (COLUMNS)."""
    tables = []
    for panel in panels:
        rows = curvature[curvature["run"].isin(panel.runs)]
        steps = rows.loc[rows["measure"] == "share", ["run", "window", "step"]]
        angles = panel.measures.query("measure == 'angle_updates'")
        single = [
            pd.DataFrame({"run": run, "index": single_steps(kernel)})
            for run, kernel in zip(panel.runs, panel.kernels, strict=True)
        ]
        angles = angles.merge(pd.concat(single), on=["run", "index"]).merge(steps, on=["run", "step"])
        tables += [rows.assign(label=panel.title), angles]
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def single_steps(kernel: Kernel) -> np.ndarray:
    """The indices t where both θ_t−θ_{t−1} and θ_{t+1}−θ_t are single updates."""
    updates = np.diff(kernel.step)
    return 1 + np.flatnonzero((updates[:-1] == 1) & (updates[1:] == 1))


def lines(axes: Axes, table: pd.DataFrame, measure: str, colours: dict, **options) -> None:
    """A measure against the step, a line a variation, a band of ± sd over its seeds."""
    rows = table[table["measure"] == measure].astype({"step": float, "value": float})
    if rows.empty:
        return
    order = list(colours)
    how = {"hue": "label", "style": "label", "hue_order": order, "style_order": order, "palette": colours}
    sns.lineplot(rows, x="step", y="value", errorbar="sd", linewidth=1, ax=axes, **how, **options)


def draw_angles(axes: Axes, table: pd.DataFrame, colours: dict) -> None:
    axes.axhline(90, color="0.6", linestyle=":", linewidth=0.8, zorder=0)
    lines(axes, table, "angle_updates", colours)


def draw_stability(axes: Axes, table: pd.DataFrame, colours: dict) -> None:
    """ηλ₁ where there is a Hessian; dashed, the bound of each variation in its colour."""
    lines(axes, table, "stability", colours, marker="o", markersize=4)
    logarithmic(axes)
    for label, rows in table[table["measure"] == "bound"].groupby("label"):
        axes.axhline(rows["value"].iloc[0], color=colours[label], linestyle="--", linewidth=0.8, zorder=0)


def draw_share(axes: Axes, table: pd.DataFrame, colours: dict) -> None:
    """Lines: single updates; diamonds: the whole window's displacement; dotted: chance."""
    lines(axes, table, "share", colours)
    logarithmic(axes)
    for label, rows in table[table["measure"] == "share_displacement"].groupby("label"):
        seeds = rows.groupby("step")["value"].mean()
        axes.plot(seeds.index, seeds, "D", markersize=4, color=colours[label], markeredgecolor="white")
    axes.axhline(
        table.loc[table["measure"] == "chance", "value"].iloc[0], color="0.4", linestyle=":", linewidth=0.8
    )


def logarithmic(axes: Axes) -> None:
    """A logarithmic axis whose powers of ten are plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def draw_alignment(axes: Axes, table: pd.DataFrame, colours: dict) -> None:
    axes.axhline(0, color="0.6", linestyle=":", linewidth=0.8, zorder=0)
    first = table.groupby("label")["run"].transform("first")
    lines(axes, table[table["run"] == first], "alignment", colours)


TITLES = {
    draw_angles: "∠ of updates, °",
    draw_stability: "ηλ$_1$ and bound",
    draw_share: "share in top v",
    draw_alignment: "cos(update, v$_1$)",
}


def lines_of(axes: Axes, labels: list[str]) -> tuple[list, list[str]]:
    """The handles of the variations' lines in the legend."""
    handles, names = axes.get_legend_handles_labels()
    return zip(*((h, n) for h, n in zip(handles, names, strict=True) if n in labels), strict=True)


def title_of(table: pd.DataFrame) -> str:
    """`steps 234–274, η 0.01` of a window's rows."""
    steps = table.loc[table["measure"] == "share", "step"]
    rate = by_window(table)["η"].iloc[0]
    return f"steps {steps.min():.0f}–{steps.max() + 1:.0f}\nη {rate:.3g}"


def note(numbers: pd.DataFrame) -> str:
    """What the small print says of the eigenvectors."""
    k = int(numbers.loc[numbers["measure"] == "eigenvalue", "index"].max()) + 1
    return f"top {k} eigenvectors; ◆ the window's displacement; dashed: bound 2(1+μ); dotted: 90°, chance, 0"

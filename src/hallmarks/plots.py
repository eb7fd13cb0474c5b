"""Drawing, for the notebooks: panels → a picture and the numbers that it shows, in the paper's notation.

Sweeps are ordered, so that lines take a sequential palette and a dash of their own: both read in grey.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from hallmarks.errors import UserError
from hallmarks.measures import (
    Kernel,
    mean_directional_similarity,
    prefix_directional_similarity,
    relative_mean_directional_similarity,
    relative_prefix_directional_similarity,
    relative_trajectory_map,
    subsample,
    trajectory_map,
)

TITLES = {
    "mds": "MDS ω and ω$_0$",
    "prefix_mds": "ω of θ$_0$ … θ$_t$",
    "prefix_mds_relative": "ω$_0$ of θ$_0$ … θ$_t$",
    "coarser_mds": "ω",
    "coarser_mds_relative": "ω$_0$",
    "oscillation": "illustration: oscillating across a valley",
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
UNITS = ("epochs", "steps")
# That surely fit in an inch of the small print and of the legends, 7 and 8 points.
CHARACTERS, LEGEND_CHARACTERS = 16, 12
COLUMNS = ["label", "run", "measure", "index", "step", "epoch", "value"]


@dataclass(frozen=True)
class Panel:
    """One variation as a figure shows it: a label and its runs, one a seed; files are read when used."""

    label: str
    runs: list[str]
    results: Path

    @cached_property
    def kernels(self) -> list[Kernel]:
        return [Kernel.load(self.results / "kernels" / f"{run}.npz") for run in self.runs]

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The whole model's measures of all seeds, long form (COLUMNS)."""
        tables = []
        for run in self.runs:
            path = self.results / "measures" / f"{run}.parquet"
            try:
                tables.append(pd.read_parquet(path, filters=[("group", "==", "all")]))
            except FileNotFoundError:
                raise UserError(f"{path}: no such measures") from None
            except (OSError, ValueError) as error:
                raise UserError(f"{path}: not measures that can be read ({error})") from None
        return pd.concat(tables, ignore_index=True).assign(label=self.title)[COLUMNS]

    @cached_property
    def title(self) -> str:
        """The label, and which of the seeds diverged and where."""
        where = {seed_of(r): k.diverged for r, k in zip(self.runs, self.kernels, strict=True) if k.diverged}
        if not where:
            return self.label
        who = f"seed {', '.join(where)} " if len(self.runs) > 1 else ""
        return f"{self.label} ({who}diverged at {next(iter(where.values())).removeprefix('diverged at ')})"


def seed_of(run: str) -> str:
    """`2` of `<task>/<variation>/seed2`."""
    return run.rsplit("/seed", 1)[-1]


def panels(described: list[dict], results: Path | str) -> list[Panel]:
    """The panels from a notebook's parameters; of several experiments, the label names which."""
    if not all({"label", "runs"} <= panel.keys() and panel["runs"] for panel in described) or not described:
        raise UserError(
            'panels: must be a list of at least one {"label": …, "experiment": …, "runs": [name, …]}'
        )
    several = len({panel.get("experiment") for panel in described}) > 1
    return [
        Panel(
            f"{panel['experiment']}: {panel['label']}" if several else panel["label"],
            list(panel["runs"]),
            Path(results),
        )
        for panel in described
    ]


@dataclass(frozen=True)
class Picture:
    """A figure, the numbers that it shows in long form, and how it is to be read."""

    figure: Figure
    numbers: pd.DataFrame
    panels: list[Panel]
    note: str

    def save(self, stem: Path | str, scale: str) -> None:
        """Write `stem`.pdf, .png and .csv, each only when all are whole; equal pictures give equal bytes."""
        seeds = sorted({seed_of(run) for panel in self.panels for run in panel.runs}, key=int)
        points = sorted({len(kernel.step) for panel in self.panels for kernel in panel.kernels})
        footer = [
            f"{scale} scale",
            f"seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}",
            f"n = {'–'.join(map(str, sorted({points[0], points[-1]})))} points",
            self.note,
        ]
        line = fill(" · ".join(filter(None, footer)), int(self.figure.get_figwidth() * CHARACTERS))
        self.figure.supxlabel(line, x=0.01, ha="left", fontsize=7, color="0.35")
        stem = Path(stem)
        stem.parent.mkdir(parents=True, exist_ok=True)
        write: dict[str, Callable[[Path], None]] = {
            "pdf": lambda path: self.figure.savefig(path, format="pdf", metadata={"CreationDate": None}),
            "png": lambda path: self.figure.savefig(path, format="png", dpi=120, metadata={"Software": None}),
            "csv": lambda path: self.numbers.to_csv(path, index=False, float_format="%.9g"),
        }
        temporaries = {suffix: stem.with_name(f".{stem.name}.{os.getpid()}.{suffix}") for suffix in write}
        try:
            for suffix, path in temporaries.items():
                write[suffix](path)
            for suffix, path in temporaries.items():
                path.replace(stem.with_name(f"{stem.name}.{suffix}"))
        finally:
            for path in temporaries.values():
                path.unlink(missing_ok=True)


def grid(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` axes in rows of `columns`."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(max(width * columns, 4.0), height * rows + 0.5), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, list(axes[:count])


def spread(values: list[float]) -> str:
    """`0.7640 ± 0.0031`: mean and standard deviation over seeds; many an ω lies close to 1."""
    mean = f"{np.mean(values):.4f}"
    return f"{mean} ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else mean


def both_mds(kernels: list[Kernel]) -> list[str]:
    """ω and ω_0 over the seeds; ω_0 exists from two points on."""
    texts = [f"ω = {spread([mean_directional_similarity(kernel) for kernel in kernels])}"]
    if min(len(kernel.step) for kernel in kernels) > 1:
        relative = [relative_mean_directional_similarity(kernel) for kernel in kernels]
        texts.append(f"ω$_0$ = {spread(relative)}")
    return texts


def draw_matrix(
    axes: Axes, matrix: np.ndarray, position: np.ndarray, lowest: float, drops: list[float]
) -> AxesImage:
    """A map, the start at the top left; ticks say `position` (epoch or step).

    Undefined cosines are grey, those below `lowest` black.
    """
    colours = colormaps["viridis"].with_extremes(bad="0.8", under="black")
    image = axes.imshow(matrix, cmap=colours, vmin=lowest, vmax=1, interpolation="nearest")
    if len(position):
        round_numbers = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(
            position[0], position[-1]
        )
        shown = [number for number in round_numbers if position[0] <= number <= position[-1]]
        ticks = np.interp(shown, position, np.arange(len(position)))
        labels = [f"{number:g}" for number in shown]
        axes.set_xticks(ticks, labels)
        axes.set_yticks(ticks, labels)
    for drop in drops:
        if len(position) and position[0] < drop < position[-1]:
            at = np.interp(drop, position, np.arange(len(position)))
            axes.axvline(at, color="white", linestyle=":", linewidth=0.7)
            axes.axhline(at, color="white", linestyle=":", linewidth=0.7)
    return image


def maps(
    panels: list[Panel],
    relative: bool = False,
    unit: str = "epochs",
    drops: list[float] | None = None,
    scale_of: str | None = None,
) -> Picture:
    """The map C (relative: C_0) of each panel's first seed, on one colour scale (Figs. 2, 3, 6, App. C).

    The scale spans all panels, or the one labelled `scale_of`: what lies below is then shown by the colour
    bar's arrow.
    """
    labels = [panel.label for panel in panels]
    if scale_of is not None and scale_of not in labels:
        raise UserError(f"scale_of: {scale_of!r} is none of the panels {', '.join(labels)}")
    first = [panel.kernels[0] for panel in panels]
    matrices = [relative_trajectory_map(k) if relative else trajectory_map(k) for k in first]
    positions = [positions_of(kernel, unit)[int(relative) :] for kernel in first]
    lows = [np.nanmin(matrix, initial=1.0) for matrix in matrices]
    lowest = min(lows) if scale_of is None else lows[labels.index(scale_of)]
    figure, axes = grid(len(panels), 4, 2.9, 3.1)
    tables = []
    for panel, matrix, position, axis in zip(panels, matrices, positions, axes, strict=True):
        image = draw_matrix(axis, matrix, position, lowest, drops or [])
        axis.set_title("\n".join([fill(panel.title, 34), *both_mds(panel.kernels)]), fontsize=8)
        axis.tick_params(labelsize=7)
        axis.set_xlabel(unit.removesuffix("s"), fontsize=8)
        s, t = np.indices(matrix.shape).reshape(2, -1) + int(relative)
        table = pd.DataFrame({"label": panel.title, "run": panel.runs[0], "s": s, "t": t})
        tables.append(table.assign(cosine=matrix.ravel()))
    text = "cosine of θ$_s$−θ$_0$ and θ$_t$−θ$_0$" if relative else "cosine of θ$_s$ and θ$_t$"
    below = "min" if min(lows) < lowest else "neither"
    bar = figure.colorbar(image, ax=axes, fraction=0.05, extend=below)
    bar.set_label(text, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return Picture(
        figure,
        pd.concat(tables, ignore_index=True),
        panels,
        f"maps of the first seed, {f'colour scale of {scale_of}' if scale_of else 'one colour scale'}; "
        "ω: mean ± sd over seeds",
    )


def positions_of(kernel: Kernel, unit: str) -> np.ndarray:
    """Where the points lie, [n], in epochs or steps."""
    if unit not in UNITS:
        raise UserError(f"unit: {unit!r} is none of {', '.join(UNITS)}")
    return np.asarray(kernel.step if unit == "steps" else kernel.epoch, dtype=float)


def draw_map(kernel: Kernel, output: Path, title: str) -> None:
    """Draw the trajectory map C of the whole model, with ω and ω_0 in the title."""
    matrix = trajectory_map(kernel)
    figure = Figure(figsize=(5, 4.2), layout="compressed")
    axes = figure.subplots()
    image = draw_matrix(axes, matrix, np.arange(len(matrix)), np.nanmin(matrix, initial=1.0), [])
    figure.colorbar(image, label="cosine of θ$_s$ and θ$_t$")
    told = ", ".join([*both_mds([kernel]), f"n = {len(matrix)}"])
    axes.set(title=f"{title}\n{told}", xlabel="point t", ylabel="point s")
    figure.savefig(output, dpi=120)


def draw_measure(axes: Axes, table: pd.DataFrame, name: str, unit: str, drops: list[float]) -> None:
    """One measure against epoch or step (eigenvalues: against rank): a line a label, a band of ± sd."""
    rows = table[table["measure"] == name]
    spectrum = name.startswith("eigenvalue")
    x = "rank" if spectrum else unit.removesuffix("s")
    rows = rows.assign(rank=rows["index"] + 1).astype({x: float, "value": float})
    if spectrum:  # rounding leaves what is zero at 1e-16 of the largest, of either sign
        rows = rows[rows["value"] > 1e-14 * rows["value"].max()]
        axes.set_yscale("log")
    labels = list(dict.fromkeys(table["label"]))
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
        linewidth=1.2,
        ax=axes,
    )
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    for drop in [] if spectrum else drops:
        axes.axvline(drop, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    degrees = name.startswith(("angle", "apex"))
    axes.set(xlabel=x, ylabel="degrees" if degrees else "")


def legend_columns(labels: list[str], width: float) -> int:
    """As many columns as fit in `width` inches, in rows of equal length."""
    longest = max(map(len, labels), default=0) / LEGEND_CHARACTERS + 0.6
    rows = -(-len(labels) // max(1, int(width / longest)))
    return -(-len(labels) // max(1, rows))


def palette(labels: list[str]) -> list[tuple[float, float, float]]:
    """A colour a label, from dark to light; the lightest end, lost on paper, is left out."""
    return sns.color_palette("viridis", len(labels) + 1)[: len(labels)]


def draw_mds(axes: Axes, table: pd.DataFrame, name: str, unit: str, drops: list[float]) -> None:
    """ω and ω_0 of each label: the mean over seeds and its sd; points, since many an ω lies close to 1."""
    symbols = {"mds": "ω", "mds_relative": "ω$_0$"}
    rows = table[table["measure"].isin(symbols)]
    rows = rows.assign(symbol=rows["measure"].map(symbols)).astype({"value": float})
    labels = list(dict.fromkeys(table["label"]))
    sns.pointplot(
        rows,
        x="symbol",
        y="value",
        hue="label",
        order=list(symbols.values()),
        hue_order=labels,
        palette=palette(labels),
        errorbar="sd",
        dodge=0.5 if len(labels) > 1 else False,
        linestyle="none",
        markersize=4,
        err_kws={"linewidth": 1},
        legend=False,
        ax=axes,
    )
    axes.set(xlabel="", ylabel="")


def draw_coarser(axes: Axes, table: pd.DataFrame, name: str, *_) -> None:
    """A measure of every point, every 2nd, …: lines that keep their order say that the trends hold."""
    rows = table[table["measure"] == name]
    labels = list(dict.fromkeys(table["label"]))
    sns.lineplot(
        rows.assign(every=rows["index"].astype(str)),
        x="every",
        y="value",
        hue="label",
        style="label",
        hue_order=labels,
        style_order=labels,
        palette=palette(labels),
        errorbar="sd",
        err_style="bars",
        marker="o",
        ax=axes,
    )
    axes.set(xlabel="every k-th point", ylabel="")


def draw_oscillation(axes: Axes, *_) -> None:
    """Heavy-ball steps near the edge of stability (ηλ₁ < 2 + 2μ) in a valley that is flat the other way."""
    curvature, momentum = np.array([2.96, 0.06]), 0.5
    path = [np.array([0.8, 3.0])]
    velocity = np.zeros(2)
    for _ in range(16):
        velocity = momentum * velocity - curvature * path[-1]
        path.append(path[-1] + velocity)
    x, y = np.meshgrid(np.linspace(-2.3, 2.3, 60), np.linspace(-0.5, 3.4, 60))
    axes.contour(x, y, curvature[0] * x**2 + curvature[1] * y**2, levels=8, colors="0.8", linewidths=0.7)
    axes.plot(*np.transpose(path), color="black", linewidth=0.8, marker="o", markersize=2)
    axes.text(0, 0, "O", ha="center", va="center", fontsize=9)
    axes.set(xticks=[], yticks=[])


DRAWN = {
    "mds": draw_mds,
    "coarser_mds": draw_coarser,
    "coarser_mds_relative": draw_coarser,
    "oscillation": draw_oscillation,
}


def curves(
    panels: list[Panel],
    table: pd.DataFrame,
    names: list[str],
    unit: str = "epochs",
    drops: list[float] | None = None,
    width: float = 3.0,
) -> Picture:
    """The named measures of `table` (COLUMNS), an axis each, lettered as in the paper, with one legend."""
    if unit not in UNITS:
        raise UserError(f"unit: {unit!r} is none of {', '.join(UNITS)}")
    figure, axes = grid(len(names), 4, width, 2.4)
    legend: tuple[list, list[str]] = ([], [])
    for letter, name, axis in zip("abcdefgh", names, axes, strict=False):
        DRAWN.get(name, draw_measure)(axis, table, name, unit, drops or [])
        axis.set_title(f"({letter}) {TITLES[name]}", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.xaxis.label.set_size(8)
        axis.yaxis.label.set_size(8)
        if axis.get_legend():
            legend = axis.get_legend_handles_labels()
            axis.get_legend().remove()
    columns = legend_columns(legend[1], figure.get_figwidth())
    figure.legend(*legend, loc="outside upper center", ncols=columns, fontsize=8)
    shown = {*names, *(["mds_relative"] if "mds" in names else [])}
    return Picture(figure, table[table["measure"].isin(shown)], panels, "line: mean over seeds, band: ± sd")


def measures(panels: list[Panel]) -> pd.DataFrame:
    """The measures of all panels, one table (COLUMNS)."""
    return pd.concat([panel.measures for panel in panels], ignore_index=True)


def angles(panels: list[Panel], **axis) -> Picture:
    """All angles (App. C, second figure of each); MDS where v1's panel e repeats its panel b."""
    names = ["angle_update_location", "angle_update_net", "angle_updates", "angle_displacement_net"]
    return curves(panels, measures(panels), [*names, "mds", "apex_initialisation", "apex_origin"], **axis)


def norms(panels: list[Panel], **axis) -> Picture:
    """Norms of points, updates and displacements (App. C)."""
    return curves(panels, measures(panels), ["norm", "update_norm", "distance_from_initialisation"], **axis)


def spectra(panels: list[Panel], **axis) -> Picture:
    """Eigenvalues of K, K_0, C and C_0 (App. C)."""
    return curves(panels, measures(panels), [f"eigenvalue_{m}" for m in ("K", "K0", "C", "C0")], **axis)


def hallmarks(panels: list[Panel], **axis) -> Picture:
    """Angles and norms as in Fig. 4: a–d, f–h; e illustrates."""
    above = ["angle_updates", "angle_update_location", "apex_origin", "apex_initialisation"]
    below = ["oscillation", "norm", "update_norm", "distance_from_initialisation"]
    return curves(panels, measures(panels), above + below, **axis)


def saturation(panels: list[Panel], **axis) -> Picture:
    """ω, ω_0 and the apex angle of the trajectory so far, θ_0 … θ_t, against t."""
    tables = [measures(panels)]
    for panel in panels:
        for run, kernel in zip(panel.runs, panel.kernels, strict=True):
            for name, value in {
                "prefix_mds": prefix_directional_similarity(kernel),
                "prefix_mds_relative": relative_prefix_directional_similarity(kernel),
            }.items():
                t = np.arange(len(kernel.step))[-len(value) :] if len(value) else np.arange(0)
                table = {"run": run, "measure": name, "index": t, "step": kernel.step[t], "value": value}
                tables.append(pd.DataFrame(table).assign(label=panel.title, epoch=kernel.epoch[t]))
    table = pd.concat(tables, ignore_index=True)[COLUMNS]
    return curves(panels, table, ["prefix_mds", "prefix_mds_relative", "apex_origin"], **axis)


def coarser(panels: list[Panel], every: tuple[int, ...] = (1, 2, 5), **axis) -> Picture:
    """ω and ω_0 of every point, every 2nd and every 5th (footnote 4); `index` in the numbers is that k."""
    rows = []
    for panel in panels:
        for run, kernel in zip(panel.runs, panel.kernels, strict=True):
            for k in every:
                thinned = subsample(kernel, k)
                values = {"coarser_mds": mean_directional_similarity(thinned)}
                if len(thinned.step) > 1:
                    values["coarser_mds_relative"] = relative_mean_directional_similarity(thinned)
                rows += [(panel.title, run, name, k, None, None, value) for name, value in values.items()]
    picture = curves(
        panels, pd.DataFrame(rows, columns=COLUMNS), ["coarser_mds", "coarser_mds_relative"], width=4.5
    )
    return replace(picture, note="mean over seeds, bar: ± sd")

"""Trajectory maps: the cosines between all pairs of points (Figs. 2, 3, 5, 6, Appendix C)."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from hallmarks.errors import UserError
from hallmarks.figures.panels import DrawnPanel, some
from hallmarks.figures.picture import Picture, grid, literal, spread
from hallmarks.kernel.file import Kernel
from hallmarks.measures.maps import (
    mean_directional_similarity,
    relative_mean_directional_similarity,
    relative_trajectory_map,
    trajectory_map,
)
from hallmarks.measures.steps import every_step


def draw(panels: list[DrawnPanel], *, relative: bool = False, scale_of: str | None = None) -> Picture:
    """The map C (relative: C_0) of each panel's first seed, on one colour scale.

    The scale spans all panels, or the one labelled `scale_of`: what lies below is then shown by the colour
    bar's arrow.
    """
    labels = [panel.label for panel in some(panels)]
    if scale_of is not None and scale_of not in labels:
        raise UserError(f"scale_of: {scale_of!r} is none of the panels {', '.join(labels)}")
    first = [panel.kernels[0] for panel in panels]
    chosen = relative_trajectory_map if relative else trajectory_map
    matrices = [with_missing(chosen(kernel), kernel) for kernel in first]
    places = [panel.every_position(k)[int(relative) :] for panel, k in zip(panels, first, strict=True)]
    lows = [np.nanmin(matrix, initial=1.0) for matrix in matrices]
    lowest = min(lows) if scale_of is None else lows[labels.index(scale_of)]
    figure, axes = grid(len(panels), 4, 2.9, 3.1)
    tables = []
    for panel, position, matrix, axis in zip(panels, places, matrices, axes, strict=True):
        image = draw_matrix(axis, matrix, position, lowest, panel.drops)
        axis.set_title("\n".join([literal(fill(panel.title, 34)), *both_mds(panel.kernels)]), fontsize=8)
        axis.tick_params(labelsize=7)
        axis.set_xlabel(panel.unit.removesuffix("s"), fontsize=8)
        s, t = np.indices(matrix.shape).reshape(2, -1) + int(relative)
        table = pd.DataFrame({"label": panel.title, "run": panel.runs[0], "s": s, "t": t})
        tables.append(table.assign(cosine=matrix.ravel()))
    text = "cosine of θ$_s$−θ$_0$ and θ$_t$−θ$_0$" if relative else "cosine of θ$_s$ and θ$_t$"
    below = "min" if min(lows) < lowest else "neither"
    bar = figure.colorbar(image, ax=axes, fraction=0.05, extend=below)
    bar.set_label(text, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    scale = f"colour scale of {scale_of}" if scale_of else "one colour scale"
    numbers = pd.concat(tables, ignore_index=True)
    note = f"maps of the first seed, {scale}; ω: mean ± sd over seeds"
    if any(kernel.missing for kernel in first):
        note += ", of the points that are there; grey: missing"
    return Picture(figure, numbers, panels, note)


def with_missing(matrix: np.ndarray, kernel: Kernel) -> np.ndarray:
    """A map of a kernel with rows and columns of NaN, which are drawn grey, where points are missing.

    A map relative to the first of the points that are there has no row of the first that should be.
    """
    if not kernel.missing:
        return matrix
    relative = len(kernel.step) - len(matrix)
    every = every_step(kernel)[relative:]
    at = np.searchsorted(every, kernel.step[relative:])
    wide = np.full((len(every), len(every)), np.nan)
    wide[np.ix_(at, at)] = matrix
    return wide


def summary(picture: Picture) -> pd.DataFrame:
    """Of each panel ω and ω_0, mean ± sd over its seeds, and the lowest cosine of the map that is shown."""
    lowest = picture.numbers.groupby("label")["cosine"].min()
    mds = [", ".join(both_mds(panel.kernels)).replace("$", "") for panel in picture.panels]
    titles = [panel.title for panel in picture.panels]
    rows = zip(titles, mds, lowest[titles].round(4), strict=True)
    return pd.DataFrame(rows, columns=["variation", "MDS", "lowest cosine"])


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
    lowest = lowest if lowest < 1 else 0.0  # equal points have no scale of their own
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


def draw_one(kernel: Kernel, title: str) -> Figure:
    """The trajectory map C of the whole model, with ω and ω_0 in the title; missing points are grey."""
    matrix = with_missing(trajectory_map(kernel), kernel)
    figure = Figure(figsize=(5, 4.2), layout="compressed")
    axes = figure.subplots()
    image = draw_matrix(axes, matrix, np.arange(len(matrix)), np.nanmin(matrix, initial=1.0), [])
    figure.colorbar(image, label="cosine of θ$_s$ and θ$_t$")
    numbers = ", ".join([*both_mds([kernel]), f"n = {len(kernel.step)}"])
    axes.set(title=f"{literal(title)}\n{numbers}", xlabel="point t", ylabel="point s")
    return figure

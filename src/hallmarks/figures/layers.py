"""Trajectory maps of one model by depth: its queries, keys and values (Fig. 9), or any of its parameters."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hallmarks.errors import UserError
from hallmarks.figures.maps import draw_matrix, with_missing
from hallmarks.figures.panels import DrawnPanel, some
from hallmarks.figures.picture import Picture, literal
from hallmarks.kernel.file import Kernel
from hallmarks.measures.layers import layer_of, merged, qkv_weights
from hallmarks.measures.maps import trajectory_map
from hallmarks.measures.steps import every_step

SIDE = 1.5  # inches of a map

Rows = dict[str, dict[int | None, list[str]]]  # a row's label → its layers → their parameters


def draw(panels: list[DrawnPanel], *, rows: Mapping[str, Sequence[str]] | None = None) -> Picture:
    """The maps of the first run of the only panel: a row a kind of parameter, a column a layer.

    `rows` gives each row's label and patterns of parameters, which are taken together layer by layer; without
    it queries, keys and values are shown, their weights. Points that are zero have no direction: they are
    grey, and left out of ω, which is then starred.
    """
    (panel, *others) = some(panels)
    if others:
        raise UserError(
            f"panels: maps by depth are of one model, and there are {len(panels)}; choose by `labels`"
        )
    kernel = panel.kernels[0]
    found = by_patterns(kernel.groups, rows) if rows else by_role(kernel.groups, panel.runs[0])
    figure, table = draw_rows(kernel, found, panel.every_position(kernel), panel.drops)
    note = f"{panel.title}, first seed, one colour scale, axes in {panel.unit}"
    if kernel.missing:
        note += "; grey: missing"
    gone = np.flatnonzero(np.isin(every_step(kernel), kernel.missing))
    if table.loc[~(table["s"].isin(gone) | table["t"].isin(gone)), "cosine"].isna().any():
        note += "; * without points that are zero"
    if lacking := [label for label in rows or {} if label not in found]:
        note += f"; not there, or counted with another that is the same: {' and '.join(lacking)}"
    return Picture(figure, table.assign(run=panel.runs[0]), panels, note)


def draw_rows(
    kernel: Kernel, rows: Rows, position: np.ndarray, drops: list[float]
) -> tuple[Figure, pd.DataFrame]:
    """A map a row and layer on one colour scale, and their cosines: row, layer, s, t, cosine.

    `position` is of all points, those that are missing too.
    """
    maps = {
        (row, layer): trajectory_map(merged(kernel, names, row), row)
        for row, layers in rows.items()
        for layer, names in layers.items()
    }
    lowest = min(np.nanmin(matrix, initial=1.0) for matrix in maps.values())
    figure, axes = stage(rows)
    tables = []
    for (row, layer), matrix in maps.items():
        column = list(rows[row]).index(layer)
        axis = axes[list(rows).index(row), column]
        wide = with_missing(matrix, kernel)
        image = draw_matrix(axis, wide, position, lowest, drops)
        above = f"layer {layer + 1}\n" if layer is not None and row == next(iter(rows)) else ""
        axis.set_title(f"{above}{similarity(matrix)}", fontsize=7)
        axis.tick_params(labelsize=6, pad=1)
        thin_out(axis, len(wide) / 3)
        if column:
            axis.set_yticklabels([])
        if row != list(rows)[-1]:
            axis.set_xticklabels([])
        s, t = np.indices(wide.shape).reshape(2, -1)
        tables.append(pd.DataFrame({"row": row, "layer": layer, "s": s, "t": t, "cosine": wide.ravel()}))
    bar = figure.colorbar(image, ax=axes, fraction=0.03, shrink=0.8)
    bar.set_label("cosine of θ$_s$ and θ$_t$", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure, pd.concat(tables, ignore_index=True)


def by_role(groups: Sequence[str], whose: str) -> Rows:
    """Queries, keys and values, each by layer. Raises UserError where there are none."""
    found: Rows = {}
    for (role, layer), name in qkv_weights(groups).items():
        found.setdefault(role, {})[layer] = [name]
    if not found:
        raise UserError(f"{whose}: has no queries, keys and values in layers that are known by their names")
    return found


def by_patterns(groups: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Rows:
    """The parameters that each row's patterns fit, by layer; rows that none fits are left out.

    Raises UserError where none fits any.
    """
    found: Rows = {}
    for label, patterns in rows.items():
        names = [name for name in groups if any(fnmatchcase(name, pattern) for pattern in patterns)]
        for name in names:
            found.setdefault(label, {}).setdefault(layer_of(name), []).append(name)
    if not found:
        raise UserError(f"options.rows: no parameter is called so; they are called as {groups[0]}")
    return found


def stage(rows: Rows) -> tuple[Figure, np.ndarray]:
    """A figure of as many axes as there are maps, each row's label beside it."""
    columns = max(map(len, rows.values()))
    size = max((SIDE + 0.18) * columns, 3.0) + 1.45, (SIDE + 0.29) * len(rows) + 0.65  # with words between
    figure = Figure(figsize=size, layout="compressed")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (label, layers) in enumerate(rows.items()):
        axes[row, 0].set_ylabel(literal(label).replace(", ", "\n"), fontsize=8)
        for unused in axes[row, len(layers) :]:
            unused.set_axis_off()
    return figure, axes


def thin_out(axes: Axes, apart: float) -> None:
    """Leave ticks that are so far from the one before: maps here are small, and steps long numbers."""
    kept: list[tuple[float, str]] = []
    for place, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        if not kept or place - kept[-1][0] >= apart:
            kept.append((place, text.get_text()))
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks([place for place, _ in kept], [text for _, text in kept])


def similarity(matrix: np.ndarray) -> str:
    """ω of a map, starred where points that are zero were left out."""
    if np.isnan(matrix).all():
        return "ω undefined"
    return f"ω{'*' * bool(np.isnan(matrix).any())} = {np.nanmean(matrix):.3f}"


def summary(picture: Picture) -> pd.DataFrame:
    """ω of each map, a row a kind of parameter, a column a layer from 1."""
    table = picture.numbers.assign(layer=picture.numbers["layer"].fillna(-1).astype(int) + 1)
    omega = table.pivot_table(index="row", columns="layer", values="cosine", aggfunc="mean", sort=False)
    return omega.round(4).rename(columns={0: "all"})

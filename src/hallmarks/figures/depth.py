"""Queries, keys and values against depth, a line a scale: how alike their points are, when they settle."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hallmarks.errors import UserError
from hallmarks.figures.curves import draw_lines, legend_columns, unit_of
from hallmarks.figures.panels import DrawnPanel, some
from hallmarks.figures.picture import Picture, literal
from hallmarks.kernel.file import Kernel
from hallmarks.measures.layers import LEVEL, ROLES, qkv_weights, settled_from
from hallmarks.measures.maps import mean_directional_similarity, trajectory_map

MEASURES = {"mds": "ω", "settled": f"first t from which\ncos(θ$_t$, θ$_T$) ≥ {LEVEL:g}"}


def draw(panels: list[DrawnPanel]) -> Picture:
    """ω of each layer's weights above, when each settles below; depth 0 is the first layer, 1 the last."""
    unit = unit_of(some(panels))
    rows = [
        row
        for panel in panels
        for run in zip(panel.runs, panel.kernels, strict=True)
        for row in of_run(panel, *run)
    ]
    if not rows:
        raise UserError("panels: no run has queries, keys and values in layers that are known by their names")
    table = pd.DataFrame(
        rows, columns=["label", "run", "group", "role", "layer", "depth", "measure", "value"]
    )
    shown = table.assign(label=table["label"].map(literal))
    labels = list(dict.fromkeys(shown["label"]))
    figure = Figure(figsize=(9.0, 5.4), layout="compressed")
    axes = figure.subplots(len(MEASURES), len(ROLES), sharex=True, sharey="row")
    for row, measure in enumerate(MEASURES):
        for column, role in enumerate(ROLES):
            part = shown[(shown["measure"] == measure) & (shown["role"] == role)]
            draw_role(axes[row, column], part, labels)
            if row == 0:
                axes[row, column].set_title(role, fontsize=9)
        axes[row, 0].set_ylabel(MEASURES[measure] + (f", {unit}" if measure == "settled" else ""), fontsize=8)
    handles = axes[0, 0].get_legend_handles_labels()
    for axis in axes.ravel():
        if axis.get_legend():
            axis.get_legend().remove()
    figure.legend(*handles, loc="outside upper center", ncols=legend_columns(handles[1], 9.0), fontsize=8)
    note = "weights of Q, K, V; line: mean over seeds, band: ± sd; between points t is interpolated"
    return Picture(figure, table, panels, note)


def of_run(panel: DrawnPanel, run: str, kernel: Kernel) -> list[tuple]:
    """A row a parameter and measure."""
    names = qkv_weights(kernel.groups)
    layers = sorted({layer for _, layer in names})
    found = []
    for (role, layer), name in names.items():
        depth = layers.index(layer) / max(len(layers) - 1, 1)
        when = settled_from(trajectory_map(kernel, name), panel.positions(kernel))
        for measure, value in {"mds": mean_directional_similarity(kernel, name), "settled": when}.items():
            found.append((panel.title, run, name, role, layer, depth, measure, value))
    return found


def draw_role(axes: Axes, rows: pd.DataFrame, labels: list[str]) -> None:
    """A line a scale against depth."""
    draw_lines(axes, rows, "depth", labels, markers=True, markersize=4)
    axes.set_xlabel("depth, first to last layer", fontsize=8)
    axes.set_ylabel("")
    axes.tick_params(labelsize=7)


def summary(picture: Picture) -> pd.DataFrame:
    """Of each scale the mean over layers and seeds, and how much the layers differ."""
    seeds = picture.numbers.groupby(["measure", "label", "layer"], sort=False)["value"].mean()
    layers = seeds.groupby(level=["measure", "label"], sort=False).agg(["mean", "std", "min", "max"]).round(4)
    return layers.rename(columns={"std": "sd over layers"})

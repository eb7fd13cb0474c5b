"""All angles of a trajectory against time, and its MDS (Appendices C and D, the third figure of each)."""

from dataclasses import replace

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from hallmarks.figures.curves import TITLES, curves, draw_measure, palette, unit_of
from hallmarks.figures.panels import DrawnPanel, measures_of
from hallmarks.figures.picture import Picture

SYMBOLS = {"mds": "ω", "mds_relative": "ω$_0$"}
NAMES = ["angle_update_location", "angle_update_net", "angle_updates", "angle_displacement_net"]
NAMES += ["mds", "apex_initialisation", "apex_origin"]
NOISE = "angle_updates_noise"  # of points that were stored in half precision


def draw(panels: list[DrawnPanel]) -> Picture:
    """The angles, and ω and ω_0 where version 1's panel e repeats its panel b."""
    table, titles = measures_of(panels), TITLES | {"mds": "MDS ω and ω$_0$"}
    picture = curves(
        panels, table, NAMES, titles=titles, drawers={"mds": draw_mds, "angle_updates": draw_updates}
    )
    said = "dotted: what half-precision storage alone adds to the angle between updates, estimated"
    note = f"{picture.note}; {said}" if (table["measure"] == NOISE).any() else picture.note
    return replace(picture, numbers=table[table["measure"].isin([*NAMES, *SYMBOLS, NOISE])], note=note)


def draw_updates(axes: Axes, table: pd.DataFrame, name: str, panels: list[DrawnPanel]) -> None:
    """The angle between updates, and below it the noise floor of those stored in half precision."""
    draw_measure(axes, table, name, panels)
    floor = table[table["measure"] == NOISE].astype({"value": float})
    if len(floor):
        labels, x = list(dict.fromkeys(table["label"])), unit_of(panels).removesuffix("s")
        mean = floor.groupby(["label", x], sort=False)["value"].mean()
        for label, colour in zip(labels, palette(labels), strict=True):
            if label in mean.index:
                axes.plot(mean[label].index, mean[label], color=colour, linestyle=":", linewidth=0.9)


def draw_mds(axes: Axes, table: pd.DataFrame, name: str, panels: list[DrawnPanel]) -> None:
    """ω and ω_0 of each label: the mean over seeds and its sd; points, since many an ω lies close to 1."""
    rows = table[table["measure"].isin(SYMBOLS)]
    rows = rows.assign(symbol=rows["measure"].map(SYMBOLS)).astype({"value": float})
    labels = list(dict.fromkeys(table["label"]))
    sns.pointplot(
        rows,
        x="symbol",
        y="value",
        hue="label",
        order=list(SYMBOLS.values()),
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

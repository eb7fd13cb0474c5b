"""ω and ω_0 from every point, every 2nd and every 5th (footnote 4): do the trends hold?"""

import pandas as pd
from matplotlib.axes import Axes

from hallmarks.figures.curves import curves, draw_lines
from hallmarks.figures.panels import COLUMNS, DrawnPanel
from hallmarks.figures.picture import Picture
from hallmarks.measures.gram import subsample
from hallmarks.measures.maps import mean_directional_similarity, relative_mean_directional_similarity

TITLES = {"coarser_mds": "ω", "coarser_mds_relative": "ω$_0$"}


def draw(panels: list[DrawnPanel], *, every: tuple[int, ...] = (1, 2, 5)) -> Picture:
    """ω and ω_0 of every k-th point; `index` in the numbers is that k."""
    rows = []
    for panel in panels:
        for run, kernel in zip(panel.runs, panel.kernels, strict=True):
            for k in every:
                thinned = subsample(kernel, k)
                values = {"coarser_mds": mean_directional_similarity(thinned)}
                if len(thinned.step) > 1:
                    values["coarser_mds_relative"] = relative_mean_directional_similarity(thinned)
                rows += [(panel.title, run, name, k, None, None, value) for name, value in values.items()]
    return curves(
        panels,
        pd.DataFrame(rows, columns=COLUMNS),
        TITLES,
        titles=TITLES,
        drawers=dict.fromkeys(TITLES, draw_coarser),
        width=4.5,
        note="mean over seeds, bar: ± sd",
    )


def draw_coarser(axes: Axes, table: pd.DataFrame, name: str, panels: list[DrawnPanel]) -> None:
    """A measure of every point, every 2nd, …: lines that keep their order say that the trends hold."""
    rows = table[table["measure"] == name]
    rows = rows.assign(every=rows["index"].astype(str))
    labels = list(dict.fromkeys(table["label"]))
    draw_lines(axes, rows, "every", labels, err_style="bars", marker="o", linewidth=1.5)
    axes.set(xlabel="every k-th point", ylabel="")

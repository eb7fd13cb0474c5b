"""ω, ω_0 and the apex angle of the trajectory so far, θ_0 … θ_t, against t."""

import numpy as np
import pandas as pd

from hallmarks.figures.curves import TITLES, curves
from hallmarks.figures.panels import COLUMNS, DrawnPanel, measures_of
from hallmarks.figures.picture import Picture
from hallmarks.measures.maps import (
    prefix_directional_similarity,
    relative_prefix_directional_similarity,
)

PREFIX = {"prefix_mds": "ω of θ$_0$ … θ$_t$", "prefix_mds_relative": "ω$_0$ of θ$_0$ … θ$_t$"}


def draw(panels: list[DrawnPanel]) -> Picture:
    """When each has settled: ω and ω_0 of each prefix, and the apex angle at the origin."""
    tables = [measures_of(panels)]
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
    return curves(panels, table, [*PREFIX, "apex_origin"], titles=TITLES | PREFIX)

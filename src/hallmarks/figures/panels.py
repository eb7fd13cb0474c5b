"""What a figure shows: variations, each with its runs (one a seed), its unit of time and its drops."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel
from hallmarks.measures.file import read_measures
from hallmarks.measures.steps import every_step

UNITS = ("epochs", "steps")
COLUMNS = ["label", "run", "measure", "index", "step", "epoch", "value"]


@dataclass(frozen=True)
class DrawnPanel:
    """One variation as a figure shows it; the files of its runs are read when used.

    `drops` are where the learning rate drops, in `unit` (epochs or steps).
    """

    label: str
    runs: list[str]
    results: Path
    unit: str = "epochs"
    drops: list[float] = field(default_factory=list)
    experiment: str = ""

    @cached_property
    def kernels(self) -> list[Kernel]:
        return [Kernel.load(self.results / "kernels" / f"{run}.npz") for run in self.runs]

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The whole model's measures of all seeds, long form (COLUMNS)."""
        tables = [read_measures(self.results / "measures" / f"{run}.parquet") for run in self.runs]
        return pd.concat(tables, ignore_index=True).assign(label=self.title)[COLUMNS]

    @cached_property
    def title(self) -> str:
        """The label, and which of the seeds diverged and where, or how many points are missing."""
        lacking = max(self.kernels, key=lambda kernel: len(kernel.missing))
        if missing := len(lacking.missing):
            return f"{self.label} ({missing} of {len(lacking.step) + missing} points missing)"
        where = {seed_of(r): k.diverged for r, k in zip(self.runs, self.kernels, strict=True) if k.diverged}
        if not where:
            return self.label
        who = f"seed {', '.join(where)} " if len(self.runs) > 1 else ""
        return f"{self.label} ({who}diverged at {next(iter(where.values())).removeprefix('diverged at ')})"

    @cached_property
    def missing(self) -> list[int]:
        """The steps of points that are not there, since the weights of other steps were published."""
        return sorted({step for kernel in self.kernels for step in kernel.missing})

    def positions(self, kernel: Kernel) -> np.ndarray:
        """Where a run's points lie, [n], in the panel's unit."""
        return np.asarray(kernel.step if self.unit == "steps" else kernel.epoch, dtype=float)

    def every_position(self, kernel: Kernel) -> np.ndarray:
        """Where a run's points lie and those that are missing, which only trajectories in steps are."""
        return every_step(kernel).astype(float) if kernel.missing else self.positions(kernel)


def seed_of(run: str) -> str:
    """`2` of `<task>/<variation>/seed2`."""
    return run.rsplit("/seed", 1)[-1]


def panels_of(settings: dict[str, Any]) -> list[DrawnPanel]:
    """The panels that a figure's settings describe; of several experiments, the label names which."""
    described = settings.get("panels", [])
    if not all({"label", "runs"} <= panel.keys() and panel["runs"] for panel in described):
        raise UserError('panels: must be a list of {"label": …, "experiment": …, "runs": [name, …], …}')
    several = len({panel.get("experiment") for panel in described}) > 1
    for panel in described:
        if panel.get("unit", "epochs") not in UNITS:
            raise UserError(f"panels: the unit {panel['unit']!r} is none of {', '.join(UNITS)}")
    return [
        DrawnPanel(
            f"{panel['experiment']}: {panel['label']}" if several else panel["label"],
            list(panel["runs"]),
            Path(settings["results"]),
            panel.get("unit", "epochs"),
            list(panel.get("drops", [])),
            panel.get("experiment", ""),
        )
        for panel in described
    ]


def measures_of(panels: list[DrawnPanel]) -> pd.DataFrame:
    """The measures of all panels, one table (COLUMNS)."""
    return pd.concat([panel.measures for panel in some(panels)], ignore_index=True)


def some(panels: list[DrawnPanel]) -> list[DrawnPanel]:
    """The panels. Raises UserError where a picture of runs is given none."""
    if not panels:
        raise UserError("panels: there are none, and this picture shows runs; name the figure's experiments")
    return panels


def table_of_runs(panels: list[DrawnPanel]) -> pd.DataFrame:
    """The runs that a figure shows, a row a panel."""
    rows = [
        {
            "variation": panel.title,
            "runs": ", ".join(dict.fromkeys(run.rsplit("/seed", 1)[0] for run in panel.runs)),
            "seeds": ", ".join(map(seed_of, panel.runs)),
            "points": ", ".join(map(str, sorted({len(kernel.step) for kernel in panel.kernels}))),
            "drops": f"{', '.join(map(str, panel.drops))} {panel.unit}" if panel.drops else "none",
        }
        for panel in panels
    ]
    return pd.DataFrame(rows, columns=["variation", "runs", "seeds", "points", "drops"])

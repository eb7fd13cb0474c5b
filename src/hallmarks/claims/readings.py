"""What claims are judged by, read once, and only where a claim asks: logs, kernels, measures, studies."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from hallmarks.claims.reductions import REDUCTIONS
from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel
from hallmarks.measures import derived, logged
from hallmarks.measures.file import read_measures
from hallmarks.measures.phases import Phases
from hallmarks.trajectory.reader import read_trajectory


@dataclass(frozen=True)
class Reading:
    """A claim's number for one run; `points` is how many it has, where the number depends on that, `ended`
    how it diverged, or "", and `missing` the steps of points that were published wrong."""

    number: float
    points: int | None
    ended: str
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run's results."""

    folder: Path
    name: str

    @cached_property
    def accuracies(self) -> dict[str, float]:
        return logged.read_accuracies(self.folder / "runs" / self.name / "log.csv")

    @cached_property
    def ended(self) -> str:
        end = read_trajectory(self.folder / "runs" / self.name / "trajectory").diverged
        return f"diverged at epoch {end['epoch']:g}, step {end['step']}" if end else ""

    @cached_property
    def kernel(self) -> Kernel:
        return Kernel.load(self.folder / "kernels" / f"{self.name}.npz")

    @cached_property
    def measures(self) -> pd.DataFrame:
        return read_measures(self.folder / "measures" / f"{self.name}.parquet")

    def read(self, claim: dict) -> Reading:
        """The claim's number, by what its measure follows from. Raises UserError."""
        reduction, phases = REDUCTIONS[claim["reduce"]], Phases(claim["drops"], claim["unit"])
        if claim["measure"] in logged.NAMES:
            return Reading(self.accuracies[claim["measure"]], None, self.ended)
        if derivation := derived.module(claim["measure"]):
            whole = not self.kernel.diverged
            value = derivation.derive(self.kernel, phases) if whole else np.nan
            return Reading(value, len(self.kernel.step), self.kernel.diverged, self.kernel.missing)
        value, at = self.along(claim)
        ended = self.measures.attrs.get("diverged") or ""
        whole = len(value) > 0 and not ended
        number = reduction.number(value, at, phases.drops) if whole else np.nan
        missing = tuple(self.measures.attrs.get("missing", ()))
        return Reading(number, number_of_points(self.measures), ended, missing)

    def along(self, claim: dict) -> tuple[np.ndarray, np.ndarray]:
        """The claim's measure of the whole model: values [k], and where they lie, in the claim's unit."""
        measure, unit = claim["measure"], claim["unit"].removesuffix("s")
        table = self.measures[self.measures["group"] == "all"]
        rows = table[table["measure"] == measure].sort_values("index")
        if rows.empty and number_of_points(table) > 2:
            known = ", ".join([*table["measure"].unique(), *derived.names(), *logged.NAMES])
            raise UserError(f"there is no measure '{measure}'; {self.name} has {known}")
        return tuple(rows[column].to_numpy(float, na_value=np.nan) for column in ["value", unit])


class Readings:
    """The results below a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._runs: dict[str, Run] = {}

    def run(self, name: str) -> Run:
        return self._runs.setdefault(name, Run(self.folder, name))

    def study(self, name: str) -> pd.DataFrame:
        """A study's table. Raises UserError."""
        path = self.folder / "studies" / f"{name}.csv"
        try:
            return pd.read_csv(path)
        except FileNotFoundError:
            raise UserError(f"{path}: no such table; hallmarks study makes it") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: not a study's table ({str(error).splitlines()[0]})") from None


def number_of_points(table: pd.DataFrame) -> int:
    """n, from the whole model's norms."""
    return int(((table["group"] == "all") & (table["measure"] == "norm")).sum())

"""The phases of the learning rate, for measures that compare them."""

from dataclasses import dataclass

import numpy as np

from hallmarks.kernel.file import Kernel


@dataclass(frozen=True)
class Phases:
    """The learning rate drops at each of `drops`, in `unit` (epochs or steps)."""

    drops: list[float]
    unit: str = "epochs"

    def positions(self, kernel: Kernel) -> np.ndarray:
        """Where each point lies, in the unit, [n]."""
        return kernel.step if self.unit == "steps" else kernel.epoch

    def of_points(self, kernel: Kernel) -> np.ndarray:
        """The phase of each point, from 0, [n]; a point at a drop is of the phase after it."""
        return np.searchsorted(self.drops, self.positions(kernel), side="right")

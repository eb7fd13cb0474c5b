"""Trajectories that lack points: the kernel of some of them, by their steps, and what spans those missing."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from hallmarks.kernel.file import Kernel


def at_steps(kernel: Kernel, steps: Collection[int]) -> Kernel:
    """The kernel of the points at these steps, of which none is missing: what is between them is summed."""
    kept = np.flatnonzero(np.isin(kernel.step, list(steps)))
    merge = np.tri(len(kernel.step))[kept]
    merge[1:] -= merge[:-1].copy()
    gram = merge @ kernel.increments_gram @ merge.T
    step, epoch = kernel.step[kept], kernel.epoch[kept]
    return replace(kernel, increments_gram=gram, step=step, epoch=epoch, missing=(), digests=None)


def every_step(kernel: Kernel) -> np.ndarray:
    """The steps of all points, int64, those that are missing too."""
    return np.union1d(kernel.step, np.array(kernel.missing, np.int64)) if kernel.missing else kernel.step


def unbroken(kernel: Kernel) -> np.ndarray:
    """Of each increment from point to point, bool [n−1], whether no point is missing within it."""
    before = np.searchsorted(kernel.missing, kernel.step)
    return before[1:] == before[:-1]

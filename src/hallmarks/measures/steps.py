"""The kernel of some of a trajectory's points, by their steps: so trajectories that lack some compare."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from hallmarks.kernel.file import Kernel


def at_steps(kernel: Kernel, steps: Collection[int]) -> Kernel:
    """The kernel of the points at these steps: the increments between them are summed."""
    kept = np.flatnonzero(np.isin(kernel.step, list(steps)))
    merge = np.tri(len(kernel.step))[kept]
    merge[1:] -= merge[:-1].copy()
    gram = merge @ kernel.increments_gram @ merge.T
    step, epoch = kernel.step[kept], kernel.epoch[kept]
    return replace(kernel, increments_gram=gram, step=step, epoch=epoch, digests=None)

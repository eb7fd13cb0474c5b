"""The kernel of points that are at hand, such as a few simulated ones."""

import numpy as np

from hallmarks.kernel.file import Kernel


def kernel_of(points: np.ndarray) -> Kernel:
    """The kernel of points [n, d], float64, one group; they count as steps and as epochs."""
    increments = np.diff(points, axis=0, prepend=0.0)
    t = np.arange(len(points))
    gram = (increments @ increments.T)[None]
    return Kernel(gram, ["theta"], np.array([points.shape[1]]), t, t.astype(float))

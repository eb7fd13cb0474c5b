"""Gram matrices: of points, of displacements from the initialisation, of fewer points; and cosines.

A kernel holds G, the Gram matrix of the increments [θ_0; θ_1−θ_0; …; θ_T−θ_{T−1}]. Every point is a sum of
increments, θ_t = Σ_{s≤t} δ_s, hence K = L G Lᵀ; measures of small differences come straight from G, without
the cancellation that computing them from K suffers.
"""

from dataclasses import replace

import numpy as np

from hallmarks.kernel.file import Kernel


def subsample(kernel: Kernel, every: int) -> Kernel:
    """The kernel of points 0, k, 2k, …: the increments between them are summed (footnote 4).

    Missing points are counted on the way, so that those that are there keep their places.
    """
    place = np.arange(len(kernel.step)) + np.searchsorted(kernel.missing, kernel.step)
    missing = np.arange(len(kernel.missing)) + np.searchsorted(kernel.step, kernel.missing)
    kept = np.flatnonzero(place % every == 0)
    merge = np.tri(len(kernel.step))[kept]
    merge[1:] -= merge[:-1].copy()
    return replace(
        kernel,
        increments_gram=merge @ kernel.increments_gram @ merge.T,
        step=kernel.step[kept],
        epoch=kernel.epoch[kept],
        missing=tuple(step for step, at in zip(kernel.missing, missing, strict=True) if at % every == 0),
    )


def points_gram(gram: np.ndarray) -> np.ndarray:
    """K = ΘΘᵀ = L G Lᵀ, [n, n]."""
    return gram.cumsum(axis=0).cumsum(axis=1)


def relative_gram(gram: np.ndarray) -> np.ndarray:
    """K_0 about the initialisation, [n−1, n−1]: the zero row is left out."""
    return points_gram(gram[1:, 1:])


def cosines(gram: np.ndarray) -> np.ndarray:
    """The cosines between all pairs of rows, [n, n]; NaN where a row is zero."""
    norms = np.sqrt(np.maximum(np.diagonal(gram), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = gram / np.outer(norms, norms)
    return np.clip(cosine, -1.0, 1.0)

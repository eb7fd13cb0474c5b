"""Trajectory maps and the mean directional similarity, MDS (the paper's section 2)."""

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.gram import cosines, points_gram, relative_gram


def trajectory_map(kernel: Kernel, group: str = "all") -> np.ndarray:
    """TM: C, [n, n]."""
    return cosines(points_gram(kernel.gram(group)))


def relative_trajectory_map(kernel: Kernel, group: str = "all") -> np.ndarray:
    """RTM: C_0, [n−1, n−1]."""
    return cosines(relative_gram(kernel.gram(group)))


def mean_directional_similarity(kernel: Kernel, group: str = "all") -> float:
    """MDS: ω = 1ᵀC1 / n², the diagonal included."""
    return float(trajectory_map(kernel, group).mean())


def relative_mean_directional_similarity(kernel: Kernel, group: str = "all") -> float:
    """ω_0: the mean of C_0."""
    return float(relative_trajectory_map(kernel, group).mean())


def prefix_directional_similarity(kernel: Kernel, group: str = "all") -> np.ndarray:
    """ω of θ_0 … θ_t for each t, [n]."""
    return leading_means(trajectory_map(kernel, group))


def relative_prefix_directional_similarity(kernel: Kernel, group: str = "all") -> np.ndarray:
    """ω_0 of θ_0 … θ_t for each t from 1, [n−1]."""
    return leading_means(relative_trajectory_map(kernel, group))


def leading_means(matrix: np.ndarray) -> np.ndarray:
    """The mean of each leading square block, [n]."""
    sums = np.diagonal(matrix.cumsum(axis=0).cumsum(axis=1))
    return sums / np.arange(1, len(matrix) + 1) ** 2

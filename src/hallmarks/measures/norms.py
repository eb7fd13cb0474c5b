"""Norms of points, updates and displacements."""

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.gram import points_gram, relative_gram
from hallmarks.measures.steps import unbroken


def norms(kernel: Kernel, group: str = "all") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each norm's (index t, value) by its name in the measures; NaN of updates that lack points within."""
    gram = kernel.gram(group)
    t = np.arange(len(gram))

    def lengths(squares: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(np.diagonal(squares), 0.0))

    return {
        "norm": (t, lengths(points_gram(gram))),
        "update_norm": (t[:-1], np.where(unbroken(kernel), lengths(gram)[1:], np.nan)),
        "distance_from_initialisation": (t[1:], lengths(relative_gram(gram))),
    }

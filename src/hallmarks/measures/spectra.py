"""The spectra of kernels and maps."""

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.gram import points_gram, relative_gram
from hallmarks.measures.maps import relative_trajectory_map, trajectory_map


def spectra(kernel: Kernel, group: str = "all") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The eigenvalues of K, K_0, C, C_0, descending; those of a map with an undefined cosine are NaN."""
    gram = kernel.gram(group)
    matrices = {
        "K": points_gram(gram),
        "K0": relative_gram(gram),
        "C": trajectory_map(kernel, group),
        "C0": relative_trajectory_map(kernel, group),
    }
    return {f"eigenvalue_{name}": (np.arange(len(m)), descending(m)) for name, m in matrices.items()}


def descending(matrix: np.ndarray) -> np.ndarray:
    """Eigenvalues of a symmetric matrix, the largest first."""
    if not np.isfinite(matrix).all():
        return np.full(len(matrix), np.nan)
    return np.linalg.eigvalsh(matrix)[::-1]

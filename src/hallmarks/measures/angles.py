"""Angles between updates, displacements and points, each from G (the paper's section 2)."""

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.steps import unbroken


def angle(gram: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Degrees between the vectors with coefficients `left` and `right` [k, n] in the increments.

    From atan2 of difference and sum of the unit vectors, which keeps its digits near 0° and 180°. NaN where
    a vector is zero, or too short beside the increments that it sums for float64 to tell it from zero.
    """
    lengths = np.sqrt(np.diagonal(gram))

    def squared(rows: np.ndarray) -> np.ndarray:
        return np.maximum(((rows @ gram) * rows).sum(axis=1), 0.0)

    def unit(rows: np.ndarray) -> np.ndarray:
        square = squared(rows)
        rounding = len(gram) * np.finfo(np.float64).eps * (np.abs(rows) @ lengths) ** 2
        return rows / np.sqrt(np.where(square > rounding, square, np.nan))[:, None]

    left, right = unit(left), unit(right)
    return np.degrees(2 * np.arctan2(np.sqrt(squared(left - right)), np.sqrt(squared(left + right))))


def angles(kernel: Kernel, group: str = "all") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each angle's (index t, degrees) by its name in the measures; NaN of updates that lack points within."""
    gram = kernel.gram(group)
    n = len(gram)
    increment = np.eye(n)
    point = np.tri(n)
    displacement = point - point[0]
    updates, net = increment[1:], displacement[-1:]

    def against(rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(rows, (n - 1, n))

    def where(whole: np.ndarray, degrees: np.ndarray) -> np.ndarray:
        return np.where(whole, degrees, np.nan)

    t, whole = np.arange(n), unbroken(kernel)
    return {
        "angle_updates": (t[1:-1], where(whole[1:] & whole[:-1], angle(gram, updates[1:], updates[:-1]))),
        "angle_update_location": (t[:-1], where(whole, angle(gram, updates, point[:-1]))),
        "angle_update_net": (t[:-1], where(whole, angle(gram, updates, against(net)))),
        "angle_displacement_net": (t[1:-1], angle(gram, displacement[1:-1], against(net)[1:])),
        "apex_initialisation": (
            t[2:],
            where(whole[:1], angle(gram, displacement[2:], against(updates[:1])[1:])),
        ),
        "apex_origin": (t[1:], angle(gram, point[1:], against(point[:1]))),
    }

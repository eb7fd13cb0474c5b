"""What a kernel computed in float32 does not resolve."""

import numpy as np

from hallmarks.kernel.file import Kernel

# Sums in float32 err by some 1e-7 of the way's square: of a point so short three digits of it are left.
SHORT = 1e-2


def unresolved(kernel: Kernel) -> str:
    """A line where a point is far shorter than the way to it, so that float32 loses its cosines; else ""."""
    if shortest(kernel) >= SHORT:
        return ""
    return (
        "a point is far shorter than the way to it; float32 loses its cosines: leave out --precision float32"
    )


def shortest(kernel: Kernel) -> float:
    """The least of ‖θ_t‖ over the length of the way to it, ‖θ_0‖ + Σ ‖θ_s − θ_{s−1}‖, s ≤ t."""
    gram = kernel.gram()
    squares = np.diagonal(gram.cumsum(axis=0).cumsum(axis=1))  # of θ_t
    ways = np.sqrt(np.diagonal(gram)).cumsum()
    ratios = np.divide(np.sqrt(np.maximum(squares, 0.0)), ways, out=np.ones_like(ways), where=ways > 0)
    return float(ratios.min())

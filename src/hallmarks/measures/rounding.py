"""What storing points in half precision does to the angles between updates, estimated."""

import math

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.gram import points_gram
from hallmarks.measures.steps import unbroken

# Mantissa bits and the smallest spacing of the half-precision types.
HALF_PRECISION = {"float16": (10, 2.0**-24), "bfloat16": (7, 2.0**-133)}
OCTAVES = np.arange(16)
erf = np.vectorize(math.erf, otypes=[float])


def rounding_excess(square: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """What rounding both ends adds, on average, to an element's squared displacement.

    The displacement is normal with mean square `square`, the values' phase on the grid of this `spacing` is
    uniform. The errors of both ends are correlated where the displacement is short beside the spacing: its
    mean square then becomes E|u|·spacing, and square + spacing²/6 where it is long (the Fourier series of the
    rounding error, Σ_k exp(−2π²k²·square/spacing²)/k², needs four terms between).
    """
    ratio = np.sqrt(square) / spacing
    wave = np.exp(-2 * (np.pi * ratio) ** 2)
    wave4 = np.square(np.square(wave))
    wave8 = np.square(wave4)
    series = wave + wave4 / 4 + wave8 * wave / 9 + np.square(wave8) / 16
    short = ratio * np.sqrt(2 / np.pi) - ratio**2
    return spacing**2 * np.where(ratio < 0.2, short, 1 / 6 - series / np.pi**2)


def unrounded(stored: np.ndarray, squared_norm: np.ndarray, numel: int, storage: str) -> np.ndarray:
    """Squared displacements [m, k] before rounding, estimated from those between stored points by bisection.

    Elements are taken as normal, with the points' squared norms [k]; heavier tails lose less than estimated.
    """
    bits, smallest = HALF_PRECISION[storage]
    scale = np.sqrt(np.maximum(squared_norm, 1e-300) / numel)[:, None]
    # Octaves of |x| downwards from 8 standard deviations, each with its share of elements and its spacing.
    octaves = 2.0 ** (np.ceil(np.log2(scale)) + 3 - OCTAVES)
    below = erf(octaves / scale / np.sqrt(2))
    elements = numel * (below[:, :-1] - below[:, 1:])
    spacing = np.maximum(octaves[:, 1:] * 2.0**-bits, smallest)
    low, high = np.zeros_like(stored), stored
    for _ in range(32):
        middle = (low + high) / 2
        excess = (elements * rounding_excess(middle[..., None] / numel, spacing)).sum(axis=-1)
        low, high = np.where(middle + excess < stored, (middle, high), (low, middle))
    return (low + high) / 2


def angle_updates_noise(kernel: Kernel, group: str = "all") -> tuple[np.ndarray, np.ndarray]:
    """Degrees that half-precision storage alone adds to `angle_updates`, estimated: (index t, degrees).

    The squared lengths of both updates and of their sum each lose their share of rounding, tensor by tensor;
    the angle of what remains is subtracted from the angle of what is stored. NaN where points are missing
    within the updates.
    """
    t = np.arange(1, len(kernel.step) - 1)
    stored, clean = np.zeros((3, len(t))), np.zeros((3, len(t)))
    for name in kernel.groups if group == "all" else [group]:
        gram = kernel.gram(name)
        numel = int(kernel.numel[kernel.groups.index(name)])
        updates = np.diagonal(gram)[1:]
        both = updates[1:] + updates[:-1] + 2 * np.diagonal(gram, 1)[1:]
        location = np.diagonal(points_gram(gram))[1:-1]
        squares = np.maximum([updates[:-1], updates[1:], both], 0.0)
        stored += squares
        clean += unrounded(squares, location, numel, kernel.storage)

    def degrees(squares: np.ndarray) -> np.ndarray:
        one, two, both = squares
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = (both - one - two) / (2 * np.sqrt(one * two))
        return np.degrees(np.arccos(np.clip(cosine, -1, 1)))

    whole = unbroken(kernel)
    return t, np.where(whole[1:] & whole[:-1], degrees(stored) - degrees(clean), np.nan)

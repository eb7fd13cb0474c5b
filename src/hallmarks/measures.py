"""Kernel → trajectory maps, MDS, angles, norms and spectra (the paper's section 2).

A kernel holds G, the Gram matrix of the increments [θ_0; θ_1−θ_0; …; θ_T−θ_{T−1}]. Every point is a sum of
increments, θ_t = Σ_{s≤t} δ_s, hence K = L G Lᵀ; measures of small differences come straight from G, without
the cancellation that computing them from K suffers.
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from hallmarks.kernel.file import Kernel


def subsample(kernel: Kernel, every: int) -> Kernel:
    """The kernel of points 0, k, 2k, …: the increments between them are summed (footnote 4)."""
    kept = np.arange(0, len(kernel.step), every)
    merge = np.tri(len(kernel.step))[kept]
    merge[1:] -= merge[:-1].copy()
    return replace(
        kernel,
        increments_gram=merge @ kernel.increments_gram @ merge.T,
        step=kernel.step[kept],
        epoch=kernel.epoch[kept],
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


def block_contrast(kernel: Kernel, drops: list[float], unit: str = "epochs") -> float:
    """The mean cosine of points in one phase of the learning rate, less that of points of different phases.

    `drops` are where the learning rate drops, in epochs or steps. Positive where the map shows a block each.
    """
    position = kernel.step if unit == "steps" else kernel.epoch
    phase = np.searchsorted(drops, position, side="right")
    same = phase[:, None] == phase
    pairs = trajectory_map(kernel)
    return float(pairs[same].mean() - pairs[~same].mean())


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
    """Each angle's (index t, degrees) by its name in the measures."""
    gram = kernel.gram(group)
    n = len(gram)
    increment = np.eye(n)
    point = np.tri(n)
    displacement = point - point[0]
    updates, net = increment[1:], displacement[-1:]

    def against(rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(rows, (n - 1, n))

    t = np.arange(n)
    return {
        "angle_updates": (t[1:-1], angle(gram, updates[1:], updates[:-1])),
        "angle_update_location": (t[:-1], angle(gram, updates, point[:-1])),
        "angle_update_net": (t[:-1], angle(gram, updates, against(net))),
        "angle_displacement_net": (t[1:-1], angle(gram, displacement[1:-1], against(net)[1:])),
        "apex_initialisation": (t[2:], angle(gram, displacement[2:], against(updates[:1])[1:])),
        "apex_origin": (t[1:], angle(gram, point[1:], against(point[:1]))),
    }


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
    the angle of what remains is subtracted from the angle of what is stored.
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

    return t, degrees(stored) - degrees(clean)


def norms(kernel: Kernel, group: str = "all") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each norm's (index t, value) by its name in the measures."""
    gram = kernel.gram(group)
    t = np.arange(len(gram))

    def lengths(squares: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(np.diagonal(squares), 0.0))

    return {
        "norm": (t, lengths(points_gram(gram))),
        "update_norm": (t[:-1], lengths(gram)[1:]),
        "distance_from_initialisation": (t[1:], lengths(relative_gram(gram))),
    }


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


def measure(kernel: Kernel, run: str) -> pd.DataFrame:
    """All measures in long form: run, group, measure, index, step, epoch, value.

    `step` and `epoch` are those of point `index`, null where the index is a rank or null. The table's
    attribute `diverged`, kept in Parquet's metadata, says where a run ended early, else "".
    """
    nowhere = np.array([np.nan])
    columns = {name: [] for name in ["group", "measure", "index", "step", "epoch", "value"]}
    for group in ["all", *kernel.groups]:
        single = {"mds": mean_directional_similarity(kernel, group)}
        if len(kernel.step) > 1:
            single["mds_relative"] = relative_mean_directional_similarity(kernel, group)
        along = angles(kernel, group) | norms(kernel, group)
        if kernel.storage in HALF_PRECISION:
            along["angle_updates_noise"] = angle_updates_noise(kernel, group)
        ranked = {name: (nowhere, np.array([value])) for name, value in single.items()}
        ranked |= spectra(kernel, group)
        for name, (index, value) in (ranked | along).items():
            columns["group"].append(np.full(len(value), group, object))
            columns["measure"].append(np.full(len(value), name, object))
            columns["index"].append(index)
            columns["step"].append(kernel.step[index] if name in along else np.full(len(value), np.nan))
            columns["epoch"].append(kernel.epoch[index] if name in along else np.full(len(value), np.nan))
            columns["value"].append(value)
    table = pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})
    table.insert(0, "run", run)
    table.attrs["diverged"] = kernel.diverged
    return table.astype({"run": str, "group": str, "measure": str, "index": "Int64", "step": "Int64"})

"""Points that hold weights of others under different steps, told by a kernel: found, and taken out of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hallmarks.kernel.file import Kernel

# Of the way between two points, squared: float32's products err by some 1e-7 of it.
ROUNDING = 1e-6
# Of all numbers: less may come back by itself, as vectors of half precision that hardly move do.
SHARE = 0.01


def repeated(kernel: Kernel) -> list[int]:
    """The places of points that are at no distance from another, steps 0 and 1 aside.

    ‖θ_t−θ_s‖² is the sum of G over the increments between them. Equal up to the sign of zeros is equal.
    """
    updates = kernel.gram()[1:, 1:]
    n = len(kernel.step)
    sums, squares = np.zeros((n, n)), np.zeros(n)
    sums[1:, 1:] = updates.cumsum(axis=0).cumsum(axis=1)
    squares[1:] = np.diagonal(updates).cumsum()
    found: set[int] = set()
    for s in range(n - 1):
        for t in range(s + 1, n):
            distance = sums[t, t] - sums[s, t] - sums[t, s] + sums[s, s]
            if distance > ROUNDING * (squares[t] - squares[s]):
                continue
            if {int(kernel.step[s]), int(kernel.step[t])} != {0, 1}:
                found |= {s, t}
    return sorted(found)


def partly_repeated(kernel: Kernel) -> tuple[np.ndarray, np.ndarray]:
    """Which tensor is another point's, bool [groups, n], by the digests of what was streamed.

    One that comes back after it moved, or stands still between two moves; not one that is frozen in all
    points, up to one, or from one on. First where it is SHARE of a point's numbers, which is wrong; then
    where it is less.
    """
    if kernel.digests is None:
        nothing = np.zeros((len(kernel.groups), len(kernel.step)), dtype=bool)
        return nothing, nothing.copy()
    shared = np.array([_returning(digests) for digests in kernel.digests])
    wrong = kernel.numel @ shared >= SHARE * kernel.numel.sum()
    return shared & wrong, shared & ~wrong


def _returning(digests: np.ndarray) -> np.ndarray:
    """Where a tensor of these digests [n] is as in another point, not as at an end, bool [n]."""
    n = len(digests)
    starts = np.flatnonzero(np.concatenate([[True], digests[1:] != digests[:-1]]))
    ends = np.append(starts[1:], n)
    values, counts = np.unique(digests[starts], return_counts=True)
    several = set(values[counts > 1].tolist())
    found = np.zeros(n, dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        still = end - start > 1 and start > 0 and end < n
        found[start:end] = still or int(digests[start]) in several
    return found


def without(kernel: Kernel, places: Sequence[int]) -> Kernel:
    """The kernel of the other points: the increments to and from a point that is taken out are one.

    Those that are taken out are missing.
    """
    n = len(kernel.step)
    kept = [place for place in range(n) if place not in set(places)]
    lower = np.tril(np.ones((n, n)))[kept]
    difference = np.eye(len(kept)) - np.eye(len(kept), k=-1)
    change = difference @ lower
    gram = change @ kernel.increments_gram @ change.T
    missing = tuple(sorted({*kernel.missing, *map(int, kernel.step[list(places)])}))
    digests = None if kernel.digests is None else kernel.digests[:, kept]
    step, epoch = kernel.step[kept], kernel.epoch[kept]
    return replace(kernel, increments_gram=gram, step=step, epoch=epoch, missing=missing, digests=digests)

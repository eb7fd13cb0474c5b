"""Points at the same place under different steps, told by a kernel: found, and taken out of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hallmarks.kernel.file import Kernel

# Of the way between two points, squared: float32's products err by some 1e-7 of it.
ROUNDING = 1e-6


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
    step, epoch = kernel.step[kept], kernel.epoch[kept]
    return replace(kernel, increments_gram=gram, step=step, epoch=epoch, missing=missing)

"""What of a kernel did not move: tensors, and points that are the same as the one before."""

from collections.abc import Sequence

import numpy as np

from hallmarks.kernel.file import Kernel

SHOWN = 3


def noticed(kernel: Kernel, names: Sequence[str]) -> list[str]:
    """Lines on what did not move, for whoever takes it for a parameter, or for another point; `names` [n]."""
    updates = np.diagonal(kernel.increments_gram, axis1=1, axis2=2)[:, 1:]
    if not updates.shape[1]:
        return []
    lines = []
    same = np.flatnonzero(~updates.any(axis=0))
    if len(same):
        pairs = [f"{names[t]} = {names[t + 1]}" for t in same[:SHOWN]]
        lines.append(f"equal points: {', '.join(pairs)}{', …' if len(same) > SHOWN else ''}")
    still = np.flatnonzero(~updates.any(axis=1) & (kernel.numel > 0))
    if len(still) and len(same) < updates.shape[1]:
        groups = ", ".join(kernel.groups[group] for group in still[:SHOWN])
        lines.append(
            f"the same in every point, and counted: {len(still)} of {len(kernel.groups)} groups ({groups}"
            f"{', …' if len(still) > SHOWN else ''}); --leave-out PATTERN where they are no parameters"
        )
    return lines

"""What of a kernel did not move, or came back: tensors, and points that are the same as the one before."""

from collections.abc import Sequence

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.kernel.repeated import SHARE, partly_repeated

SHOWN = 3


def noticed(kernel: Kernel, names: Sequence[str]) -> list[str]:
    """Lines on what did not move, for whoever takes it for a parameter, or for another point; `names` [n]."""
    updates = np.diagonal(kernel.increments_gram, axis1=1, axis2=2)[:, 1:]
    if not updates.shape[1]:
        return []
    lines = []
    same = np.flatnonzero(~updates.any(axis=0))
    if len(same):
        lines.append(f"equal points: {listed([f'{names[t]} = {names[t + 1]}' for t in same])}")
    still = np.flatnonzero(~updates.any(axis=1) & (kernel.numel > 0))
    if len(still) and len(same) < updates.shape[1]:
        lines.append(
            f"the same in every point, and counted: {groups_said(kernel, still)}; "
            "--leave-out PATTERN where they are no parameters"
        )
    moving = updates.any(axis=1)
    resting = ~updates.astype(bool) & moving[:, None] & updates.any(axis=0)
    if len(at := np.flatnonzero(kernel.numel @ resting >= SHARE * kernel.numel.sum())):
        pairs = listed([f"{names[t]} = {names[t + 1]}" for t in at])
        groups = groups_said(kernel, np.flatnonzero(resting[:, at].any(axis=1)))
        lines.append(f"points that are equal in a part, and counted: {pairs} in {groups}")
    back = np.logical_or(*partly_repeated(kernel)) & ~_beside(resting)
    if back.any():
        points = listed([names[place] for place in np.flatnonzero(back.any(axis=0))])
        groups = groups_said(kernel, np.flatnonzero(back.any(axis=1)))
        lines.append(f"the same in points between which they moved, and counted: {groups} in {points}")
    return lines


def groups_said(kernel: Kernel, groups: Sequence[int]) -> str:
    """How many of the groups these are, and the first of their names."""
    names = listed([kernel.groups[group] for group in groups])
    return f"{len(groups)} of {len(kernel.groups)} groups ({names})"


def listed(names: Sequence[str]) -> str:
    """The first of these names."""
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _beside(resting: np.ndarray) -> np.ndarray:
    """Of increments [groups, n−1] that rest, the points at their ends, [groups, n]."""
    return np.pad(resting, ((0, 0), (1, 0))) | np.pad(resting, ((0, 0), (0, 1)))

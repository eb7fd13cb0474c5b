"""Trajectory → Gram matrices of its increments [θ_0; θ_1−θ_0; …], one a parameter tensor.

float64 throughout, in blocks of 2^18 elements of a tensor.
All points are held in memory: right, not yet lean.
"""

import io
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.trajectory.store import Trajectory, read, write_atomically

BLOCK = 2**18


def increments_gram(trajectory: Trajectory) -> np.ndarray:
    """G, float64 [parameter tensors, n, n], in the order of `trajectory.parameters`.

    Raises UserError for a value that is not finite, naming file and tensor.
    """
    n = len(trajectory.points)
    grams = np.zeros((len(trajectory.parameters), n, n))
    points = [trajectory.load(index) for index in range(n)]
    for group, name in enumerate(trajectory.parameters):
        rows = [point[name].reshape(-1) for point in points]
        for start in range(0, rows[0].size, BLOCK):
            block = np.stack([row[start : start + BLOCK] for row in rows]).astype(np.float64)
            finite = np.isfinite(block).all(axis=1)
            if not finite.all():
                path = trajectory.folder / trajectory.points[int(np.argmin(finite))].file
                raise UserError(f"{path}: {name} holds values that are not finite")
            block[1:] = np.diff(block, axis=0)
            grams[group] += block @ block.T
    return grams


def write_kernel(folder: Path, output: Path) -> None:
    """Compute the kernel of a trajectory and write it as `.npz`, whole or not at all."""
    trajectory = read(folder)
    if not trajectory.points:
        raise UserError(f"{folder}: the trajectory has no points")
    content = io.BytesIO()
    np.savez(
        content,
        increments_gram=increments_gram(trajectory),
        groups=np.array(list(trajectory.parameters)),
        numel=np.array([int(np.prod(p["shape"])) for p in trajectory.parameters.values()]),
        step=np.array([point.step for point in trajectory.points]),
        epoch=np.array([point.epoch for point in trajectory.points]),
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{output.parent}: cannot be made ({error.strerror})") from None
    write_atomically(output, content.getvalue())

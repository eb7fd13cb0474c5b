"""Trajectory → kernel file: computed, extended, kept up to date while a run trains."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.gram import increments_gram
from hallmarks.kernel.groups import Groups, groups
from hallmarks.trajectory.checkpoints import find_checkpoints
from hallmarks.trajectory.tensor import ITEM_BYTES


def write_kernel(
    sources: Path | Sequence[Path],
    output: Path,
    *,
    key: str | None = None,
    heads: int | None = None,
    precision: str | None = None,
    as_given: bool = False,
    verify: bool = True,
    extend: Path | None = None,
    device: str | None = None,
) -> int:
    """Compute the kernel of a trajectory or of checkpoints and write it as `.npz`, whole or not at all.

    `extend` is the kernel of the first points. Returns the number of points.
    """
    checkpoints = find_checkpoints([sources] if isinstance(sources, Path) else sources, key, as_given, verify)
    parts = groups(checkpoints, heads)
    step = np.array([point.step for point in checkpoints.points])
    old = _old(extend, parts, step) if extend else None
    dtypes = {tensor.dtype for point in checkpoints.points for tensor in point.tensors.values()}
    Kernel(
        increments_gram(checkpoints, parts, precision, old=old, device=device),
        parts.names,
        parts.numel,
        step,
        np.array([point.epoch for point in checkpoints.points], dtype=np.float64),
        min(dtypes, key=list(reversed(ITEM_BYTES)).index),
        checkpoints.diverged,
    ).save(output)
    return len(step)


def follow(sources: Sequence[Path], output: Path, interval: float, until: int | None, **options) -> None:
    """Keep the kernel at `output` up to date while points are added: looked for every `interval` seconds.

    `options` are write_kernel's. Ends at `until` points, when the run diverges, or when the folder is moved.
    """
    finding = {name: options[name] for name in ("key", "as_given") if name in options}
    known = 0
    while True:
        checkpoints = find_checkpoints(sources, verify=False, **finding)
        if len(checkpoints.points) != known:
            extend = output if 0 < known < len(checkpoints.points) else None
            known = write_kernel(sources, output, **options | {"extend": extend or options.get("extend")})
            print(f"{output}: {known} points", file=sys.stderr, flush=True)
        if checkpoints.diverged or (until is not None and known >= until):
            return
        time.sleep(interval)
        if not all(source.exists() for source in sources):
            print(f"{output}: the checkpoints were moved; the kernel holds {known} points", file=sys.stderr)
            return


def _old(path: Path, parts: Groups, step: np.ndarray) -> np.ndarray:
    """The kernel to extend, [groups, m, m]. Raises UserError where it is not of these points' beginning."""
    old = Kernel.load(path)
    if old.groups != parts.names:
        raise UserError(f"{path}: its groups are not those of the checkpoints; compute the kernel afresh")
    if len(old.step) > len(step) or (old.step != step[: len(old.step)]).any():
        raise UserError(f"{path}: its steps are not the first of the checkpoints'; compute the kernel afresh")
    return old.increments_gram

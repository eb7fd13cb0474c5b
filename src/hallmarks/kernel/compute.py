"""Trajectory → kernel file: computed, extended, kept up to date while a run trains."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hallmarks.errors import NothingYet, UserError
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.gram import increments_gram
from hallmarks.kernel.groups import Groups, groups
from hallmarks.trajectory.checkpoints import Checkpoints, Heads
from hallmarks.trajectory.tensor import ITEM_BYTES

PATIENCE = 6  # looks at a checkpoint that cannot be read and does not change


def write_kernel(
    checkpoints: Checkpoints,
    output: Path,
    *,
    heads: Heads | None = None,
    precision: str = "float64",
    extend: Path | None = None,
    device: str | None = None,
) -> Kernel:
    """Compute the kernel of a trajectory or of checkpoints and write it as `.npz`, whole or not at all.

    `extend` is the kernel of the first points.
    """
    parts = groups(checkpoints, heads)
    step = np.array([point.step for point in checkpoints.points])
    old = _old(extend, parts, step) if extend else None
    gram = increments_gram(checkpoints, parts, precision, old=old, device=device)
    kernel = kernel_of(checkpoints, parts, gram)
    kernel.save(output)
    return kernel


def kernel_of(
    checkpoints: Checkpoints, parts: Groups, gram: np.ndarray, digests: np.ndarray | None = None
) -> Kernel:
    """The kernel of these points: G [groups, n, n], and what was taken of their bytes."""
    dtypes = {tensor.dtype for point in checkpoints.points for tensor in point.tensors.values()}
    return Kernel(
        gram,
        parts.names,
        parts.numel,
        np.array([point.step for point in checkpoints.points]),
        np.array([point.epoch for point in checkpoints.points], dtype=np.float64),
        min(dtypes, key=list(reversed(ITEM_BYTES)).index),
        checkpoints.diverged,
        checkpoints.unit,
        checkpoints.missing,
        digests=digests,
    )


def follow(
    find: Callable[[], Checkpoints],
    sources: Sequence[Path],
    output: Path,
    interval: float,
    until: int | None,
    extend: Path | None = None,
    **options,
) -> Checkpoints | None:
    """Keep the kernel at `output` up to date while points are added: looked for every `interval` seconds.

    `find` looks at `sources`; `options` are write_kernel's. A file that is being written is waited for. Ends
    at `until` points, when the run diverges, or when the folder is moved; returns the kernel's points. Raises
    UserError where what cannot be read does not change for some looks.
    """
    found, known = None, []
    failure, looks, unchanged = None, 0, None
    while True:
        try:
            if (there := _changed(sources)) != unchanged:
                checkpoints = find()
                if (now := _seen(checkpoints)) != known:
                    grown = found and now[: len(known)] == known and _alike(found, checkpoints)
                    write_kernel(checkpoints, output, extend=output if grown else extend, **options)
                    print(f"{output}: {len(now)} points{_lost(known, now)}", file=sys.stderr, flush=True)
                    found, known, extend = checkpoints, now, None
                failure, unchanged = None, there
        except UserError as error:
            before, failure = failure, (str(error), there)
            looks = looks + 1 if failure == before else 1
            if looks == PATIENCE and not isinstance(error, NothingYet):
                raise
            if looks == 1:
                print(f"{output}: waiting: {error}", file=sys.stderr, flush=True)
        if found and (found.diverged or (until is not None and len(known) >= until)):
            return found
        time.sleep(interval)
        if not all(source.exists() for source in sources):
            held = f"; the kernel holds {len(known)} points" if known else ""
            print(f"{output}: the checkpoints were moved{held}", file=sys.stderr)
            return found


def _alike(one: Checkpoints, other: Checkpoints) -> bool:
    """Whether the same tensors count: one that looked like a table, or tied, may have moved since."""
    return one.points[0].tensors.keys() == other.points[0].tensors.keys()


def _lost(before: Sequence[tuple], now: Sequence[tuple]) -> str:
    """What to say of points that the kernel held and that are there no more."""
    gone = len(set(before) - set(now))
    return f"; {gone} of those before were removed or changed, so it is of what is left" if gone else ""


def _seen(checkpoints: Checkpoints) -> list[tuple]:
    """What tells each point from another, and from itself written anew."""
    files = [sorted({tensor.file for tensor in point.tensors.values()}) for point in checkpoints.points]
    try:
        told = [[(path.stat().st_mtime_ns, path.stat().st_size) for path in paths] for paths in files]
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from None
    return [
        (str(p.path), p.step, *map(tuple, each)) for p, each in zip(checkpoints.points, told, strict=True)
    ]


def _changed(sources: Sequence[Path]) -> list[tuple]:
    """What changes while somebody writes to these folders and files."""
    found = []
    for path in (path for source in sources for path in [source, *source.rglob("*")]):
        try:
            found.append((path.stat().st_mtime_ns, path.stat().st_size))
        except OSError:
            continue
    return sorted(found)


def _old(path: Path, parts: Groups, step: np.ndarray) -> np.ndarray:
    """The kernel to extend, [groups, m, m]. Raises UserError where it is not of these points' beginning."""
    old = Kernel.load(path)
    if old.groups != parts.names:
        raise UserError(f"{path}: its groups are not those of the checkpoints; compute the kernel afresh")
    if len(old.step) > len(step) or (old.step != step[: len(old.step)]).any():
        raise UserError(f"{path}: its steps are not the first of the checkpoints'; compute the kernel afresh")
    return old.increments_gram

"""The kernel of points that are far away: each byte fetched once, and what is done kept each minute.

The segments, their products and the order in which these are added are those of `kernel.gram`, so that the
kernel has the same bits wherever its points lie. What differs is the way to them: the bytes of whole bands of
segments are asked for ahead, of all points side by side, and a killed command goes on behind the last segment
that it kept. Memory depends on the number of points, not on the model.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial as given
from itertools import islice
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from hallmarks.errors import UserError
from hallmarks.files import remove_file
from hallmarks.kernel.compute import kernel_of
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.gram import by_turns, bytes_of_items, in_order, segment_size
from hallmarks.kernel.groups import Groups, groups
from hallmarks.kernel.partial import Partial, begun, beside, lock_of
from hallmarks.kernel.progress import Progress
from hallmarks.kernel.sums import Sums
from hallmarks.machine import cores
from hallmarks.trajectory.bands import bands, fetch_ahead
from hallmarks.trajectory.blocks import Reader
from hallmarks.trajectory.checkpoints import Checkpoints, Heads
from hallmarks.trajectory.segments import Piece, segments

KEPT_EVERY = 60.0  # seconds
LARGE = 1e8  # bytes beside the kernel, which are said
TWO = 2  # bands: one worked on, and one on its way


def write_streamed(
    checkpoints: Checkpoints,
    output: Path,
    *,
    heads: Heads | None = None,
    precision: str = "float64",
    device: str | None = None,
) -> Kernel:
    """Compute the kernel and write it as `.npz`; until it is whole, what is done lies in OUTPUT.partial."""
    parts = groups(checkpoints, heads)
    n, dtype = len(checkpoints.points), np.dtype(precision)
    size = segment_size(n, dtype, cores())
    arithmetic = f"float64 on {device}" if device else precision
    partial = begun(beside(output), lock_of(checkpoints, parts), size, arithmetic, len(parts.names), n)
    if (kept := partial.gram.nbytes * (n + 1) / (2 * n)) > LARGE:
        print(f"{partial.path}: takes {kept / 1e6:.0f} MB until the kernel is whole", file=sys.stderr)
    add_products(checkpoints, parts, partial, dtype, device)
    kernel = kernel_of(checkpoints, parts, partial.gram, partial.digests)
    kernel.save(output)
    remove_file(partial.path)
    return kernel


def add_products(
    checkpoints: Checkpoints, parts: Groups, partial: Partial, dtype: np.dtype, device: str | None = None
) -> None:
    """Add the products of the segments that are not done, and keep what is done. Raises UserError."""
    points = checkpoints.points
    item = bytes_of_items(checkpoints)
    todo: Iterator[list[Piece]] = segments(parts.pieces, partial.segment)
    done = sum(item[piece.tensor] * piece.count for part in islice(todo, partial.done) for piece in part)
    total = sum(tensor.bytes for point in points for tensor in point.tensors.values())
    if partial.done:
        gigabytes = f"{done / 1e9:.1f} of {total / 1e9:.1f} GB are done"
        print(f"{partial.path}: {gigabytes}", file=sys.stderr, flush=True)
    kept, saved, workers = partial.done, time.monotonic(), cores()
    with (
        Progress(total - done) as progress,
        threadpool_limits(1),
        ThreadPoolExecutor(workers) as pool,
        # Closed before the pool: whoever waits for bytes then stops.
        Reader(points, Sums(8 * partial.segment).of) as reader,
    ):
        work = by_turns(reader, workers, len(points), partial.segment, dtype, device)
        ahead = in_order(pool, work, bands(todo, points), given(fetch_ahead, reader), TWO)
        with closing(ahead):
            try:
                for segment, products in ahead:
                    partial.add(segment, products)
                    progress.add(sum(item[piece.tensor] * piece.count for piece in segment))
                    if time.monotonic() - saved > KEPT_EVERY:
                        partial.save()
                        kept, saved = partial.done, time.monotonic()
            except UserError:  # between two segments; Ctrl-C may come within one, of which half is added
                if partial.done > kept:
                    partial.save()
                raise

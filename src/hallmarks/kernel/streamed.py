"""The kernel of points that are far away: each byte fetched once, and what is done kept each minute.

The segments, their products and the order in which these are added are those of `kernel.gram`, so that the
kernel has the same bits wherever its points lie. What differs is the way to them: the bytes of whole bands of
segments are asked for ahead, of all points side by side, and a killed command goes on behind the last segment
that it kept. Memory depends on the number of points, not on the model.
"""

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from hallmarks.errors import UserError
from hallmarks.files import remove_file
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.gram import Result, segment_size
from hallmarks.kernel.groups import Groups, groups
from hallmarks.kernel.partial import Partial, begun, beside, lock_of
from hallmarks.kernel.products import DeviceProducts, Products
from hallmarks.kernel.progress import Progress
from hallmarks.machine import cores
from hallmarks.trajectory.bands import bands, fetch_ahead
from hallmarks.trajectory.blocks import Reader
from hallmarks.trajectory.checkpoints import Checkpoint, Checkpoints, Heads
from hallmarks.trajectory.segments import Piece, segments
from hallmarks.trajectory.tensor import ITEM_BYTES

KEPT_EVERY = 60.0  # seconds


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
    partial = begun(beside(output), lock_of(checkpoints, parts), size, arithmetic, (len(parts.names), n, n))
    add_products(checkpoints, parts, partial, dtype, device)
    dtypes = {tensor.dtype for point in checkpoints.points for tensor in point.tensors.values()}
    kernel = Kernel(
        partial.gram,
        parts.names,
        parts.numel,
        np.array([point.step for point in checkpoints.points]),
        np.array([point.epoch for point in checkpoints.points], dtype=np.float64),
        min(dtypes, key=list(reversed(ITEM_BYTES)).index),
        checkpoints.diverged,
        checkpoints.unit,
        checkpoints.missing,
    )
    kernel.save(output)
    remove_file(partial.path)
    return kernel


def add_products(
    checkpoints: Checkpoints, parts: Groups, partial: Partial, dtype: np.dtype, device: str | None = None
) -> None:
    """Add the products of the segments that are not done, and keep what is done. Raises UserError."""
    points = checkpoints.points

    def products() -> Products | DeviceProducts:
        kinds = len(points), partial.segment, dtype
        return DeviceProducts(*kinds, device) if device else Products(*kinds)

    sizes = {name: sum(ITEM_BYTES[p.tensors[name].dtype] for p in points) for name in points[0].tensors}
    todo = segments(parts.pieces, partial.segment)
    done = sum(sizes[piece.tensor] * piece.count for part in islice(todo, partial.done) for piece in part)
    total = sum(tensor.bytes for point in points for tensor in point.tensors.values())
    if partial.done:
        gigabytes = f"{done / 1e9:.1f} of {total / 1e9:.1f} GB are done"
        print(f"{partial.path}: {gigabytes}", file=sys.stderr, flush=True)
    kept, saved = partial.done, time.monotonic()
    with (
        Progress(total - done) as progress,
        closing(_in_order(points, todo, [products() for _ in range(cores())])) as each,
    ):
        try:
            for segment, products in each:
                for piece, (product, _) in zip(segment, products, strict=True):
                    partial.gram[piece.group] += product
                partial.done += 1
                progress.add(sum(sizes[piece.tensor] * piece.count for piece in segment))
                if time.monotonic() - saved > KEPT_EVERY:
                    partial.save()
                    kept, saved = partial.done, time.monotonic()
        except UserError:  # raised between two segments; Ctrl-C may come within one, of which half is added
            if partial.done > kept:
                partial.save()
            raise


def _in_order(
    points: Sequence[Checkpoint], todo: Iterator[list[Piece]], workers: list[Products | DeviceProducts]
) -> Iterator[tuple[list[Piece], Result]]:
    """Each segment with its products, in order, of two bands: one worked on, and one on its way."""
    free = deque(workers)
    under_way: deque[deque[tuple[list[Piece], Future]]] = deque()

    def work(segment: list[Piece]) -> Result:
        products = free.pop()
        try:
            return products(reader, segment, 0)
        finally:
            free.append(products)

    def begin_next() -> None:
        if band := next(ahead, None):
            fetch_ahead(reader, band)
            under_way.append(deque((segment, pool.submit(work, segment)) for segment in band))

    # The reader is closed first: whoever waits for bytes then stops.
    with threadpool_limits(1), ThreadPoolExecutor(len(workers)) as pool, Reader(points) as reader:
        ahead = bands(todo, points)
        try:
            begin_next()
            begin_next()
            while under_way:
                while under_way[0]:
                    segment, future = under_way[0].popleft()
                    yield segment, future.result()
                under_way.popleft()
                begin_next()
        finally:
            for _, future in chain.from_iterable(under_way):
                future.cancel()

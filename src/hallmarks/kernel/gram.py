"""Trajectory → Gram matrices of its increments [θ_0; θ_1−θ_0; …], one a parameter tensor (the paper's §2).

Every byte is read once, in order. Workers, one a core, each read a segment of all points, subtract while it
is in cache and multiply; the products are added in float64 in the order of the segments, so that two runs
give the same bits. Precision: float32 within a segment where nothing is stored wider, float64 where
something is or where a segment's squares leave float32's range; sums always in float64.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

import numpy as np
from threadpoolctl import threadpool_limits

from hallmarks.errors import UserError
from hallmarks.kernel.groups import Groups
from hallmarks.kernel.products import DeviceProducts, Product, Products
from hallmarks.kernel.progress import Progress
from hallmarks.machine import cores
from hallmarks.trajectory.blocks import Reader
from hallmarks.trajectory.checkpoints import Checkpoints
from hallmarks.trajectory.digests import Digests
from hallmarks.trajectory.segments import Piece, segments
from hallmarks.trajectory.tensor import ITEM_BYTES

Band = Sequence[list[Piece]]
Work = Callable[[list[Piece]], list[Product]]

ROW_BYTES = 2**19  # of a segment: two rows and what is subtracted stay in a second-level cache
BUFFER_BYTES = 2**28


def segment_size(n: int, dtype: np.dtype, workers: int) -> int:
    """Elements a segment of n points, for so many workers."""
    return max(2**12, min(BUFFER_BYTES // (workers * n), ROW_BYTES) // dtype.itemsize)


def increments_gram(
    checkpoints: Checkpoints,
    parts: Groups,
    precision: str = "float64",
    segment: int | None = None,
    workers: int | None = None,
    old: np.ndarray | None = None,
    device: str | None = None,
) -> np.ndarray:
    """G, float64 [groups, n, n]. Memory beyond it depends on n and the segment, not on the model.

    `precision`, float32 or float64, is the arithmetic's within a segment. `old` [groups, m, m] is the kernel
    of the first m points: only products with later ones are computed. `device` is a torch device that
    computes, in float64, instead of numpy. Raises UserError for an `old` of other points, and naming file and
    tensor for a value that is not finite, or the file where its bytes are not those recorded.
    """
    points = checkpoints.points
    n, m = len(points), 0 if old is None else old.shape[1]
    dtype, workers = np.dtype(precision), workers or cores()
    size = segment or segment_size(n, dtype, workers)
    item = bytes_of_items(checkpoints)
    total = sum(tensor.bytes for point in points for tensor in point.tensors.values())
    gram = np.zeros((len(parts.names), n, n))
    squares = np.zeros((len(parts.names), n))
    with (
        Reader(points) as reader,
        Digests(reader, workers) as digests,
        threadpool_limits(1),
        ThreadPoolExecutor(workers) as pool,
        Progress(total) as progress,
    ):
        work = by_turns(reader, workers, n, size, dtype, device, m)
        bands = ([segment] for segment in segments(parts.pieces, size))
        for part, products in in_order(
            pool, work, bands, lambda band: reader.read_ahead(band[0]), 4 * workers
        ):
            for piece, product in zip(part, products, strict=True):
                gram[piece.group, m:] += product.gram
                squares[piece.group] += product.squares
            digests.hash_behind(part)
            progress.add(sum(piece.count * item[piece.tensor] for piece in part))
        digests.verify()
    if m:
        if not np.allclose(squares[:, :m], np.diagonal(old, axis1=1, axis2=2), rtol=1e-3, atol=0):
            raise UserError("the kernel to extend is of other points; compute the kernel afresh")
        gram[:, :m, :m] = old
        gram[:, :m, m:] = gram[:, m:, :m].transpose(0, 2, 1)
    return gram


def bytes_of_items(checkpoints: Checkpoints) -> dict[str, int]:
    """Of each tensor the bytes that all points have of one of its numbers."""
    points = checkpoints.points
    return {
        name: sum(ITEM_BYTES[point.tensors[name].dtype] for point in points) for name in points[0].tensors
    }


def by_turns(
    reader: Reader, workers: int, n: int, size: int, dtype: np.dtype, device: str | None = None, m: int = 0
) -> Work:
    """Computes a segment's products; so many threads may call it at once, each with buffers of its own."""
    free = deque(
        DeviceProducts(n, size, dtype, device) if device else Products(n, size, dtype) for _ in range(workers)
    )

    def work(segment: list[Piece]) -> list[Product]:
        products = free.pop()
        try:
            return products(reader, segment, m)
        finally:
            free.append(products)

    return work


def in_order(
    pool: ThreadPoolExecutor, work: Work, bands: Iterator[Band], fetch: Callable[[Band], object], held: int
) -> Iterator[tuple[list[Piece], list[Product]]]:
    """Each segment with its products, in order; of `held` bands what is read is fetched ahead."""
    under_way: deque[deque[tuple[list[Piece], Future]]] = deque()

    def begin_next() -> None:
        if band := next(bands, None):
            fetch(band)
            under_way.append(deque((segment, pool.submit(work, segment)) for segment in band))

    try:
        for _ in range(held):
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

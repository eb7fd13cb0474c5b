"""Trajectory → Gram matrices of its increments [θ_0; θ_1−θ_0; …], one a parameter tensor (the paper's §2).

Every byte is read once, in order. Workers, one a core, each read a segment of all points, subtract while it
is in cache and multiply; the products are added in float64 in the order of the segments, so that two runs
give the same bits. Precision: float32 within a segment where nothing is stored wider, float64 where
something is or where a segment's squares leave float32's range; sums always in float64.
"""

import io
import os
import queue
import re
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from hallmarks.errors import UserError
from hallmarks.trajectory.blocks import Buffer, Piece, Reader, segments
from hallmarks.trajectory.checkpoints import ITEM_BYTES, Checkpoints, find
from hallmarks.trajectory.store import write_atomically

SEGMENT = 2**17
BUFFER_BYTES = 2**28
QUERY_KEY_VALUE = re.compile(r"(^|\.)attention\.query_key_value\.(weight|bias)$")
SMALLEST_SQUARE = 1e-30


@dataclass(frozen=True)
class Groups:
    """What the slices of a kernel are: `names`, `numel`, and their pieces of tensors, in the file's order."""

    names: list[str]
    numel: np.ndarray
    pieces: list[Piece]


def groups(checkpoints: Checkpoints, heads: int | None = None) -> Groups:
    """One group a tensor; GPT-NeoX's query_key_value is three, split head by head.

    Its rows lie as [heads, 3, head size, …]. Raises UserError where the number of heads is not known.
    """
    heads = heads or checkpoints.heads
    names: list[str] = []
    pieces: list[Piece] = []
    first = checkpoints.points[0]
    for name, tensor in first.tensors.items():
        if not QUERY_KEY_VALUE.search(name):
            pieces.append(Piece(len(names), name, 0, tensor.numel))
            names.append(name)
            continue
        if heads is None:
            raise UserError(
                f"{first.path}: {name} mixes queries, keys and values head by head; "
                "give --heads N, or put the model's config.json beside it"
            )
        if tensor.shape[0] % (3 * heads):
            raise UserError(
                f"{first.path}: {name} has {tensor.shape[0]} rows, not a multiple of 3 × {heads} heads"
            )
        if tensor.strides[0] * tensor.shape[0] != tensor.numel:
            raise UserError(f"{first.path}: {name} is laid out by columns; save it contiguous")
        block = tensor.numel // (3 * heads)
        pieces += [
            Piece(len(names) + part, name, (3 * head + part) * block, block)
            for head in range(heads)
            for part in range(3)
        ]
        names += [name.replace("query_key_value", part) for part in ("query", "key", "value")]
    numel = np.zeros(len(names), dtype=np.int64)
    for piece in pieces:
        numel[piece.group] += piece.count
    item = {name: ITEM_BYTES[tensor.dtype] for name, tensor in first.tensors.items()}
    pieces.sort(
        key=lambda piece: (
            str(first.tensors[piece.tensor].file),
            first.tensors[piece.tensor].offset + piece.start * item[piece.tensor],
        )
    )
    return Groups(names, numel, pieces)


def segment_size(
    checkpoints: Checkpoints, precision: str | None = None, workers: int | None = None
) -> tuple[int, np.dtype, int]:
    """Elements a segment, the arithmetic's type and the number of workers, unless they are given."""
    wide = any(tensor.dtype == "float64" for p in checkpoints.points for tensor in p.tensors.values())
    dtype = np.dtype(precision or ("float64" if wide else "float32"))
    workers = workers or len(os.sched_getaffinity(0))
    limit = BUFFER_BYTES // (workers * len(checkpoints.points) * dtype.itemsize)
    return int(np.clip(limit, 2**12, SEGMENT)), dtype, workers


def increments_gram(
    checkpoints: Checkpoints,
    parts: Groups,
    precision: str | None = None,
    segment: int | None = None,
    workers: int | None = None,
    old: np.ndarray | None = None,
) -> np.ndarray:
    """G, float64 [groups, n, n]. Memory beyond it depends on n and the segment, not on the model.

    `precision` float32 or float64 forces the arithmetic. `old` [groups, m, m] is the kernel of the first m
    points: only products with later ones are computed. Raises UserError naming file and tensor for a value
    that is not finite, or an `old` that is of other points.
    """
    points = checkpoints.points
    n, m = len(points), 0 if old is None else old.shape[1]
    size, dtype, workers = segment_size(checkpoints, precision, workers)
    size = segment or size
    total = sum(tensor.bytes for point in points for tensor in point.tensors.values())
    gram = np.zeros((len(parts.names), n, n))
    squares = np.zeros((len(parts.names), n))
    buffers: queue.SimpleQueue[Buffer] = queue.SimpleQueue()
    for _ in range(workers):
        buffers.put(Buffer(n, size, dtype))

    def work(part: list[Piece]) -> list[tuple[np.ndarray, np.ndarray]]:
        buffer = buffers.get()
        try:
            rows = reader.increments(part, buffer)
            edges = np.cumsum([0, *(piece.count for piece in part)])
            return [
                _product(rows[:, begin:end], m, reader, piece)
                for piece, begin, end in zip(part, edges, edges[1:], strict=False)
            ]
        finally:
            buffers.put(buffer)

    with (
        Reader(points) as reader,
        threadpool_limits(1),
        ThreadPoolExecutor(workers) as pool,
        _Progress(total) as progress,
    ):
        for part, products in _in_order(pool, work, list(segments(parts.pieces, size)), 2 * workers, reader):
            for piece, (product, lengths) in zip(part, products, strict=True):
                gram[piece.group, m:] += product
                squares[piece.group] += lengths
            progress.add(
                sum(p.count * ITEM_BYTES[point.tensors[p.tensor].dtype] for point in points for p in part)
            )
    if m:
        if not np.allclose(squares[:, :m], np.diagonal(old, axis1=1, axis2=2), rtol=1e-3, atol=0):
            raise UserError("the kernel to extend is of other points; compute the kernel afresh")
        gram[:, :m, :m] = old
        gram[:, :m, m:] = gram[:, m:, :m].transpose(0, 2, 1)
    return gram


def _in_order(
    pool: ThreadPoolExecutor, work, parts: Sequence[list[Piece]], ahead: int, reader: Reader
) -> Iterator[tuple[list[Piece], list[tuple[np.ndarray, np.ndarray]]]]:
    """Each part with its products, in order; at most `ahead` are under way or wait to be taken."""
    waiting: deque[tuple[list[Piece], Future]] = deque()
    try:
        for index, part in enumerate(parts):
            if index + ahead < len(parts):
                reader.read_ahead(parts[index + ahead])
            waiting.append((part, pool.submit(work, part)))
            if len(waiting) >= ahead:
                part, future = waiting.popleft()
                yield part, future.result()
        while waiting:
            part, future = waiting.popleft()
            yield part, future.result()
    finally:
        for _, future in waiting:
            future.cancel()


def _product(rows: np.ndarray, m: int, reader: Reader, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """rows[m:] · rowsᵀ and the rows' squares, in float64 where squares leave float32's range.

    Raises UserError where a value is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        product = rows[m:] @ rows.T
        squares = np.einsum("ij,ij->i", rows, rows) if m else np.diagonal(product)
    if not np.isfinite(squares).all() or not np.isfinite(product).all():
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            path = reader.points[int(np.argmin(finite))].path
            raise UserError(f"{path}: {piece.tensor} holds values that are not finite")
    elif rows.dtype == np.float64 or not rows[squares < SMALLEST_SQUARE * piece.count].any():
        return product, squares
    rows = rows.astype(np.float64)
    return rows[m:] @ rows.T, np.einsum("ij,ij->i", rows, rows)


class _Progress:
    """A bar with GB/s and time left on a terminal, a line each half minute in a log."""

    def __init__(self, total: int):
        self.bar = tqdm(
            total=total,
            unit="B",
            unit_scale=True,
            desc="kernel",
            disable=None if sys.stderr.isatty() else True,
        )
        self.total, self.done, self.start = total, 0, time.monotonic()
        self.said = self.start

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def add(self, count: int) -> None:
        self.done += count
        self.bar.update(count)
        now = time.monotonic()
        if self.bar.disable and now - self.said > 30:
            rate = self.done / (now - self.start)
            left = (self.total - self.done) / rate
            print(
                f"kernel: {self.done / 1e9:.1f} of {self.total / 1e9:.1f} GB, "
                f"{rate / 1e9:.2f} GB/s, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
            self.said = now


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
) -> None:
    """Compute the kernel of a trajectory or of checkpoints and write it as `.npz`, whole or not at all."""
    checkpoints = find([sources] if isinstance(sources, Path) else sources, key, as_given, verify)
    parts = groups(checkpoints, heads)
    step = np.array([point.step for point in checkpoints.points])
    old = _old(extend, parts, step) if extend else None
    dtypes = {tensor.dtype for point in checkpoints.points for tensor in point.tensors.values()}
    content = io.BytesIO()
    np.savez(
        content,
        increments_gram=increments_gram(checkpoints, parts, precision, old=old),
        groups=np.array(parts.names),
        numel=parts.numel,
        step=step,
        epoch=np.array([point.epoch for point in checkpoints.points], dtype=np.float64),
        storage=np.array(min(dtypes, key=list(reversed(ITEM_BYTES)).index)),
        diverged=np.array(checkpoints.diverged),
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{output.parent}: cannot be made ({error.strerror})") from None
    write_atomically(output, content.getbuffer())


def _old(path: Path, parts: Groups, step: np.ndarray) -> np.ndarray:
    """The kernel to extend, [groups, m, m]. Raises UserError where it is not of these points' beginning."""
    try:
        with np.load(path, allow_pickle=False) as file:
            old, names, old_step = file["increments_gram"], file["groups"].tolist(), file["step"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(f"{path}: not a kernel that can be read ({error})") from None
    if names != parts.names:
        raise UserError(f"{path}: its groups are not those of the checkpoints; compute the kernel afresh")
    if len(old_step) > len(step) or (old_step != step[: len(old_step)]).any():
        raise UserError(f"{path}: its steps are not the first of the checkpoints'; compute the kernel afresh")
    return old

"""The products of one segment's increments, by numpy on the CPU or by torch on a GPU."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from hallmarks.errors import UserError
from hallmarks.trajectory.blocks import Buffer, Piece, Reader, segments

SMALLEST_SQUARE = 1e-30
BLOCK = 2**15  # elements: a row's differences stay in the second-level cache, and float32 sums are short

Sums = dict[int, tuple[np.ndarray, np.ndarray]]


class Products:
    """For each group in a segment: rows[m:] · rowsᵀ [n−m, n] and the rows' squares [n], summed in float64
    over blocks; on the CPU.

    One worker's own: its buffers are made once, for segments of at most `size` elements of `n` points.
    """

    def __init__(self, n: int, size: int, dtype: np.dtype):
        self.block = min(size, BLOCK)
        self.buffer = Buffer(n, self.block, dtype)

    def __call__(self, reader: Reader, segment: Sequence[Piece], m: int) -> Sums:
        sums = no_sums(len(reader.points), m)
        for block in segments(segment, self.block):
            rows = reader.increments(block, self.buffer)
            for piece, begin, end in places(block):
                add(sums, piece.group, *_product(rows[:, begin:end], m, reader, piece))
        return sums


class DeviceProducts:
    """The same on a torch device: points copied from pinned memory, differences and products in float64.

    float64 products never use TF32. Each worker has a stream of its own, so that one reads while another's
    copy and products run.
    """

    def __init__(self, n: int, size: int, dtype: np.dtype, device: str):
        import torch

        self.device = torch.device(device)
        cuda = self.device.type == "cuda"
        if cuda and not torch.cuda.is_available():
            raise UserError(
                "--device cuda: torch sees no CUDA device here; leave it out to compute on the CPU"
            )
        self.stream = torch.cuda.Stream(self.device) if cuda else None
        self.host = torch.empty(n * size, dtype=getattr(torch, dtype.name), pin_memory=cuda)
        self.scratch = np.empty(size * 8, np.uint8)

    def __call__(self, reader: Reader, segment: Sequence[Piece], m: int) -> Sums:
        import torch

        n, width = len(reader.points), sum(piece.count for piece in segment)
        host = self.host[: n * width].view(n, width)
        reader.values(segment, host.numpy(), self.scratch)
        with torch.cuda.stream(self.stream):
            points = host.to(self.device, non_blocking=True)
            rows = points.to(torch.float64, copy=True)
            rows[1:] -= points[:-1]
            sums = no_sums(n, m)
            for piece, begin, end in places(segment):
                part = rows[:, begin:end]
                product = (part[m:] @ part.T).cpu().numpy()
                squares = part.square().sum(dim=1).cpu().numpy() if m else np.diagonal(product)
                if not (np.isfinite(squares).all() and np.isfinite(product).all()):
                    _require_finite(host[:, begin:end].numpy(), reader, piece)
                add(sums, piece.group, product, squares)
        return sums


def no_sums(n: int, m: int) -> Sums:
    """Zeros for every group."""
    return defaultdict(lambda: (np.zeros((n - m, n)), np.zeros(n)))


def add(sums: Sums, group: int, product: np.ndarray, squares: np.ndarray) -> None:
    for total, term in zip(sums[group], (product, squares), strict=True):
        total += term


def places(segment: Sequence[Piece]) -> list[tuple[Piece, int, int]]:
    """Each piece with where it begins and ends in the segment."""
    edges = np.cumsum([0, *(piece.count for piece in segment)]).tolist()
    return list(zip(segment, edges, edges[1:], strict=False))


def _product(rows: np.ndarray, m: int, reader: Reader, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """rows[m:] · rowsᵀ and the rows' squares, in float64 where squares leave float32's range.

    Raises UserError where a value is not finite.
    """
    product, squares = summed(rows, m)
    if not np.isfinite(squares).all() or not np.isfinite(product).all():
        _require_finite(rows, reader, piece)
    elif rows.dtype == np.float64 or not rows[squares < SMALLEST_SQUARE * piece.count].any():
        return product, squares
    return summed(rows.astype(np.float64), m)


def summed(rows: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """rows[m:] · rowsᵀ and the rows' squares, in the rows' precision."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        # With m = 0 a symmetric update, half the work. `@` holds Python's lock where the result is small.
        product = np.dot(rows[m:], rows.T)
        return product, np.einsum("ij,ij->i", rows, rows) if m else np.diagonal(product)


def _require_finite(rows: np.ndarray, reader: Reader, piece: Piece) -> None:
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        path = reader.points[int(np.argmin(finite))].path
        raise UserError(f"{path}: {piece.tensor} holds values that are not finite")

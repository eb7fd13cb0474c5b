"""The products of one segment's increments, by numpy on the CPU or by torch on a GPU."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hallmarks.errors import UserError
from hallmarks.trajectory.blocks import Buffer, Reader
from hallmarks.trajectory.segments import Piece, edges_of

SMALLEST_SQUARE = 1e-30


class Product(NamedTuple):
    """Of one piece of a segment: rows[m:] · rowsᵀ [n−m, n] and the rows' squares [n].

    `digests` [n] are of the bytes that each point has of it, where they were taken.
    """

    gram: np.ndarray
    squares: np.ndarray
    digests: Sequence[int] = ()


class Products:
    """The products of a segment's pieces, on the CPU.

    One worker's own: its buffers are made once, for segments of at most `size` elements of `n` points.
    """

    def __init__(self, n: int, size: int, dtype: np.dtype):
        self.buffer = Buffer(n, size, dtype)

    def __call__(self, reader: Reader, segment: Sequence[Piece], m: int) -> list[Product]:
        increments, digests = reader.increments(segment, self.buffer)
        return with_digests(
            [_product(rows, m, reader, piece) for rows, piece in zip(increments, segment, strict=True)],
            digests,
        )


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

    def __call__(self, reader: Reader, segment: Sequence[Piece], m: int) -> list[Product]:
        import torch

        n, width = len(reader.points), sum(piece.count for piece in segment)
        host = self.host[: n * width].view(n, width)
        digests = reader.values(segment, host.numpy(), self.scratch)
        with torch.cuda.stream(self.stream):
            points = host.to(self.device, non_blocking=True)
            rows = points.to(torch.float64, copy=True)
            rows[1:] -= points[:-1]
            products = []
            for piece, (begin, end) in zip(segment, edges_of(segment), strict=True):
                part = rows[:, begin:end]
                product = (part[m:] @ part.T).cpu().numpy()
                squares = part.square().sum(dim=1).cpu().numpy() if m else np.diagonal(product)
                if not (np.isfinite(squares).all() and np.isfinite(product).all()):
                    _require_finite(host[:, begin:end].numpy(), reader, piece)
                products.append(Product(product, squares))
        return with_digests(products, digests)


def with_digests(products: list[Product], digests: list[list[int]]) -> list[Product]:
    """Products with what was taken of their bytes: of each point a list, an entry a piece, or none."""
    if not digests[0]:
        return products
    return [p._replace(digests=of) for p, of in zip(products, zip(*digests, strict=True), strict=True)]


def _product(rows: np.ndarray, m: int, reader: Reader, piece: Piece) -> Product:
    """rows[m:] · rowsᵀ and the rows' squares, in float64 where squares leave float32's range.

    Raises UserError where a value is not finite.
    """
    product, squares = summed(rows, m)
    if not np.isfinite(squares).all() or not np.isfinite(product).all():
        _require_finite(rows, reader, piece)
    elif rows.dtype == np.float64 or not rows[squares < SMALLEST_SQUARE * piece.count].any():
        return Product(product, squares)
    return Product(*summed(rows.astype(np.float64), m))


def summed(rows: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """rows[m:] · rowsᵀ and the rows' squares, in the rows' precision."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        # With m = 0 a symmetric update, half the work. `@` would hold Python's lock where n is small.
        product = np.dot(rows[m:], rows.T)
        return product, np.einsum("ij,ij->i", rows, rows) if m else np.diagonal(product)


def _require_finite(rows: np.ndarray, reader: Reader, piece: Piece) -> None:
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        path = reader.points[int(np.argmin(finite))].path
        raise UserError(
            f"{path}: {piece.tensor} holds values that are not finite; if it is no parameter, but a mask: "
            f"--leave-out '{piece.tensor}'"
        )

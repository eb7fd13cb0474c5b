"""A trajectory read once, in order, segment by segment; increments are formed while they are in cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hallmarks.errors import UserError
from hallmarks.machine import allow_open_files
from hallmarks.trajectory.checkpoints import Checkpoint
from hallmarks.trajectory.segments import Piece, edges_of
from hallmarks.trajectory.tensor import ITEM_BYTES
from hallmarks.trajectory.transport import File, open_file, read_into

DTYPES = {name: np.dtype(name) for name in ITEM_BYTES if name != "bfloat16"}


@dataclass(frozen=True)
class Stretch:
    """Bytes that lie together in a file: `count` elements from byte `offset`, for a row from `place` on."""

    file: int
    offset: int
    dtype: str
    place: int
    count: int

    @property
    def bytes(self) -> int:
        return self.count * ITEM_BYTES[self.dtype]

    @property
    def end(self) -> int:
        return self.offset + self.bytes


Layout = dict[str, tuple[int, int, str]]  # where a tensor lies: file, byte offset and type


class Reader:
    """Open files of all points. `increments` reads one segment of all of them.

    One with a `digest` takes it of the bytes of each piece of each point.
    """

    def __init__(self, points: Sequence[Checkpoint], digest: Callable[[memoryview], int] | None = None):
        self.points, self.digest = points, digest
        self.paths = [sorted({tensor.file for tensor in point.tensors.values()}) for point in points]
        self.files: list[list[File]] = []
        self.layout_of: list[int] = []
        known: dict[tuple, int] = {}
        for point, paths in zip(points, self.paths, strict=True):
            layout = {
                name: (paths.index(tensor.file), tensor.offset, tensor.dtype)
                for name, tensor in point.tensors.items()
            }
            self.layout_of.append(known.setdefault(tuple(layout.items()), len(known)))
        self.layouts: list[Layout] = [dict(layout) for layout in known]

    def __enter__(self) -> "Reader":
        allow_open_files(sum(map(len, self.paths)) + 64)
        for paths in self.paths:
            self.files.append([])
            for path in paths:
                try:
                    self.files[-1].append(open_file(path))
                except OSError as error:
                    self.__exit__()
                    raise UserError(f"{path}: cannot be opened ({error.strerror})") from None
        return self

    def __exit__(self, *_: object) -> None:
        for files in self.files:
            for file in files:
                file.close()
        self.files = []

    def stretches(self, segment: Sequence[Piece]) -> list[list[Stretch]]:
        """For each point, what to read; points laid out alike share one list."""
        found = [_stretches(layout, segment, apart=self.digest is not None) for layout in self.layouts]
        return [found[index] for index in self.layout_of]

    def read_ahead(self, segment: Sequence[Piece]) -> None:
        """Have a segment of all points fetched while others are worked on."""
        for files, stretches in zip(self.files, self.stretches(segment), strict=True):
            for stretch in stretches:
                files[stretch.file].prefetch(stretch.offset, stretch.bytes)

    def row(
        self, index: int, stretches: Sequence[Stretch], row: np.ndarray, scratch: np.ndarray
    ) -> list[int]:
        """Read one point's elements into `row`; `scratch` holds bytes that need conversion.

        The digests of the pieces, where they are taken.
        """
        bytes_of_row = memoryview(row).cast("B")
        found = []
        for s in stretches:
            as_it_is = s.dtype in DTYPES and DTYPES[s.dtype] == row.dtype  # None would equal float64
            if as_it_is:
                view = bytes_of_row[s.place * row.itemsize : (s.place + s.count) * row.itemsize]
            else:
                view = memoryview(scratch[: s.bytes])
            self._fill(index, s, view)
            if self.digest:
                found.append(self.digest(view))
            if as_it_is:
                continue
            raw, target = scratch[: s.bytes], row[s.place : s.place + s.count]
            if s.dtype == "bfloat16":
                target[:] = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
            else:
                target[:] = raw.view(DTYPES[s.dtype])
        return found

    def _fill(self, index: int, stretch: Stretch, view: memoryview) -> None:
        got = self.read_at(index, stretch.file, stretch.offset, view)
        if got < len(view):
            raise UserError(f"{self.paths[index][stretch.file]}: cut: ends at byte {stretch.offset + got}")

    def read_at(self, index: int, file: int, offset: int, view: memoryview) -> int:
        """Fill `view` from a file of a point; how many bytes, fewer at its end. Raises UserError."""
        try:
            return read_into(self.files[index][file], offset, view)
        except OSError as error:
            raise UserError(f"{self.paths[index][file]}: cannot be read ({error.strerror})") from None

    def values(self, segment: Sequence[Piece], rows: np.ndarray, scratch: np.ndarray) -> list[list[int]]:
        """Read the points of a segment into `rows` [n, elements] as they are; of each what `row` says."""
        return [
            self.row(index, stretches, rows[index], scratch)
            for index, stretches in enumerate(self.stretches(segment))
        ]

    def increments(
        self, segment: Sequence[Piece], buffer: "Buffer"
    ) -> tuple[list[np.ndarray], list[list[int]]]:
        """The rows θ_0, θ_1−θ_0, … of each piece of a segment, [n, elements], in the buffer's precision.

        Each is contiguous: BLAS would be handed a copy of a slice. And of each point what `row` says.
        """
        n, edges = len(self.points), edges_of(segment)
        found = [buffer.rows[n * begin : n * end].reshape(n, -1) for begin, end in edges]
        before, now = buffer.before, buffer.now
        digests = []
        with np.errstate(invalid="ignore", over="ignore"):  # the product says which value is not finite
            for index, stretches in enumerate(self.stretches(segment)):
                digests.append(self.row(index, stretches, now, buffer.scratch))
                for rows, (begin, end) in zip(found, edges, strict=True):
                    if index:
                        np.subtract(now[begin:end], before[begin:end], out=rows[index])
                    else:
                        rows[0] = now[begin:end]
                before, now = now, before
        return found, digests


class Buffer:
    """What one worker needs for segments of at most `size` elements of `n` points, made once."""

    def __init__(self, n: int, size: int, dtype: np.dtype):
        self.rows = np.empty(n * size, dtype)
        self.before, self.now = np.empty(size, dtype), np.empty(size, dtype)
        self.scratch = np.empty(size * 8, np.uint8)


def _stretches(layout: Layout, segment: Sequence[Piece], apart: bool) -> list[Stretch]:
    """What to read of a file laid out so; pieces that follow one another are one stretch, or `apart`."""
    found: list[Stretch] = []
    place = 0
    for piece in segment:
        file, offset, dtype = layout[piece.tensor]
        offset += piece.start * ITEM_BYTES[dtype]
        last = found[-1] if found else None
        if last and not apart and (last.file, last.dtype, last.end) == (file, dtype, offset):
            found[-1] = Stretch(file, last.offset, dtype, last.place, last.count + piece.count)
        else:
            found.append(Stretch(file, offset, dtype, place, piece.count))
        place += piece.count
    return found

"""A trajectory read once, in order, segment by segment; increments are formed while they are in cache."""

import hashlib
import itertools
import os
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.trajectory.checkpoints import ITEM_BYTES, Checkpoint
from hallmarks.trajectory.store import altered

HASHED_AT_ONCE = 2**20
DTYPES = {name: np.dtype(name) for name in ITEM_BYTES if name != "bfloat16"}


@dataclass(frozen=True)
class Piece:
    """A stretch of one tensor in one group: `count` elements from `start`."""

    group: int
    tensor: str
    start: int
    count: int


@dataclass(frozen=True)
class Stretch:
    """Bytes that lie together in a file: `count` elements from byte `offset`, for a row from `place` on."""

    file: int
    offset: int
    dtype: str
    place: int
    count: int


Layout = dict[str, tuple[int, int, str]]  # where a tensor lies: file, byte offset and type


def segments(pieces: Sequence[Piece], size: int) -> Iterator[list[Piece]]:
    """Cut and pack pieces into segments of at most `size` elements, each ends at a tensor's end or a cut."""
    packed: list[Piece] = []
    filled = 0
    for piece in pieces:
        if filled + piece.count > size and packed:
            yield packed
            packed, filled = [], 0
        cuts = -(-piece.count // size)
        if cuts > 1:
            edges = [piece.count * cut // cuts for cut in range(cuts + 1)]
            for begin, end in itertools.pairwise(edges):
                yield [Piece(piece.group, piece.tensor, piece.start + begin, end - begin)]
        elif piece.count:
            packed.append(piece)
            filled += piece.count
    if packed:
        yield packed


class Reader:
    """Open files of all points. `increments` reads one segment of all of them.

    A point with a `sha256` is one file, hashed behind the segments that were read, and verified at the end.
    """

    def __init__(self, points: Sequence[Checkpoint]):
        self.points = points
        self.files: list[list[Path]] = []
        self.descriptors: list[list[int]] = []
        self.layout_of: list[int] = []
        self.digests = [hashlib.sha256() if point.sha256 else None for point in points]
        self.hashed = [0] * len(points)
        self.hash_buffer = memoryview(bytearray(HASHED_AT_ONCE))
        known: dict[tuple, int] = {}
        for point in points:
            files = sorted({tensor.file for tensor in point.tensors.values()})
            layout = {
                name: (files.index(tensor.file), tensor.offset, tensor.dtype)
                for name, tensor in point.tensors.items()
            }
            self.layout_of.append(known.setdefault(tuple(layout.items()), len(known)))
            self.files.append(files)
        self.layouts: list[Layout] = [dict(layout) for layout in known]

    def __enter__(self) -> "Reader":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = sum(map(len, self.files)) + 64
        if soft < needed <= hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        for files in self.files:
            self.descriptors.append([])
            for path in files:
                try:
                    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                except OSError as error:
                    self.__exit__()
                    raise UserError(f"{path}: cannot be opened ({error.strerror})") from None
                self.descriptors[-1].append(descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        for descriptors in self.descriptors:
            for descriptor in descriptors:
                os.close(descriptor)
        self.descriptors = []

    def stretches(self, segment: Sequence[Piece]) -> list[list[Stretch]]:
        """For each point, what to read; points laid out alike share one list."""
        found = [_stretches(layout, segment) for layout in self.layouts]
        return [found[index] for index in self.layout_of]

    def read_ahead(self, segment: Sequence[Piece]) -> None:
        """Ask the kernel to fetch a segment of all points while others are worked on."""
        for index, stretches in enumerate(self.stretches(segment)):
            for s in stretches:
                descriptor = self.descriptors[index][s.file]
                os.posix_fadvise(descriptor, s.offset, s.count * ITEM_BYTES[s.dtype], os.POSIX_FADV_WILLNEED)

    def row(self, index: int, stretches: Sequence[Stretch], row: np.ndarray, scratch: np.ndarray) -> None:
        """Read one point's elements into `row`; `scratch` holds bytes that need conversion."""
        bytes_of_row = memoryview(row).cast("B")
        for s in stretches:
            if s.dtype in DTYPES and DTYPES[s.dtype] == row.dtype:  # None would equal float64
                begin, end = s.place * row.itemsize, (s.place + s.count) * row.itemsize
                self._fill(index, s, bytes_of_row[begin:end])
                continue
            raw = scratch[: s.count * ITEM_BYTES[s.dtype]]
            self._fill(index, s, memoryview(raw))
            target = row[s.place : s.place + s.count]
            if s.dtype == "bfloat16":
                target[:] = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
            else:
                target[:] = raw.view(DTYPES[s.dtype])

    def _fill(self, index: int, stretch: Stretch, view: memoryview) -> None:
        offset = stretch.offset
        while view:
            got = self._read(index, stretch.file, view, offset)
            if not got:
                raise UserError(f"{self.files[index][stretch.file]}: cut: ends at byte {offset}")
            view, offset = view[got:], offset + got

    def _read(self, index: int, file: int, view: memoryview, offset: int) -> int:
        try:
            return os.preadv(self.descriptors[index][file], [view], offset)
        except OSError as error:
            raise UserError(f"{self.files[index][file]}: cannot be read ({error.strerror})") from None

    def hash_behind(self, segment: Sequence[Piece]) -> None:
        """Hash the points that must be verified up to the end of a segment, which the cache still holds."""
        if not any(self.digests):
            return
        for index, stretches in enumerate(self.stretches(segment)):
            if self.digests[index]:
                self._hash(index, max(s.offset + s.count * ITEM_BYTES[s.dtype] for s in stretches))

    def verify(self) -> None:
        """Hash what is left. Raises UserError naming a point's file that is not the one recorded."""
        for index, point in enumerate(self.points):
            if self.digests[index]:
                self._hash(index, os.fstat(self.descriptors[index][0]).st_size)
                if self.digests[index].hexdigest() != point.sha256:
                    raise altered(point.path)

    def _hash(self, index: int, end: int) -> None:
        while self.hashed[index] < end:
            view = self.hash_buffer[: end - self.hashed[index]]
            got = self._read(index, 0, view, self.hashed[index])
            if not got:
                raise altered(self.points[index].path)
            self.digests[index].update(view[:got])
            self.hashed[index] += got

    def values(self, segment: Sequence[Piece], rows: np.ndarray, scratch: np.ndarray) -> None:
        """Read the points of a segment into `rows` [n, elements] as they are."""
        for index, stretches in enumerate(self.stretches(segment)):
            self.row(index, stretches, rows[index], scratch)

    def increments(self, segment: Sequence[Piece], buffer: "Buffer") -> list[np.ndarray]:
        """The rows θ_0, θ_1−θ_0, … of each piece of a segment, [n, elements], in the buffer's precision.

        Each is contiguous: BLAS would be handed a copy of a slice.
        """
        n, edges = len(self.points), edges_of(segment)
        found = [buffer.rows[n * begin : n * end].reshape(n, -1) for begin, end in edges]
        before, now = buffer.before, buffer.now
        with np.errstate(invalid="ignore", over="ignore"):  # the product says which value is not finite
            for index, stretches in enumerate(self.stretches(segment)):
                self.row(index, stretches, now, buffer.scratch)
                for rows, (begin, end) in zip(found, edges, strict=True):
                    if index:
                        np.subtract(now[begin:end], before[begin:end], out=rows[index])
                    else:
                        rows[0] = now[begin:end]
                before, now = now, before
        return found


def edges_of(segment: Sequence[Piece]) -> list[tuple[int, int]]:
    """Where each piece begins and ends in a segment."""
    edges = np.cumsum([0, *(piece.count for piece in segment)]).tolist()
    return list(itertools.pairwise(edges))


class Buffer:
    """What one worker needs for segments of at most `size` elements of `n` points, made once."""

    def __init__(self, n: int, size: int, dtype: np.dtype):
        self.rows = np.empty(n * size, dtype)
        self.before, self.now = np.empty(size, dtype), np.empty(size, dtype)
        self.scratch = np.empty(size * 8, np.uint8)


def _stretches(layout: Layout, segment: Sequence[Piece]) -> list[Stretch]:
    """What to read of a file laid out so; pieces that follow one another in it are one stretch."""
    found: list[Stretch] = []
    place = 0
    for piece in segment:
        file, offset, dtype = layout[piece.tensor]
        item = ITEM_BYTES[dtype]
        offset += piece.start * item
        last = found[-1] if found else None
        if last and (last.file, last.dtype, last.offset + last.count * item) == (file, dtype, offset):
            found[-1] = Stretch(file, last.offset, dtype, last.place, last.count + piece.count)
        else:
            found.append(Stretch(file, offset, dtype, place, piece.count))
        place += piece.count
    return found

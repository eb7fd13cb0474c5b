"""Points verified within the pass that reads them: each hashed behind what was read, side by side."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from hallmarks.trajectory.blocks import Reader
from hallmarks.trajectory.reader import altered
from hallmarks.trajectory.segments import Piece

HASHED_AT_ONCE = 2**18  # bytes: stays in a second-level cache, and hashlib gives up Python's lock


class Digests:
    """SHA-256 of those of a reader's points that have one recorded, by `workers` threads of its own.

    Such a point is one file. Of several that fail, the first is named.
    """

    def __init__(self, reader: Reader, workers: int):
        self.reader = reader
        self.digests = {index: hashlib.sha256() for index, point in enumerate(reader.points) if point.sha256}
        self.hashed = dict.fromkeys(self.digests, 0)
        each = -(-len(self.digests) // workers) or 1
        points = list(self.digests)
        self.lanes = [points[begin : begin + each] for begin in range(0, len(points), each)]
        self.pool = ThreadPoolExecutor(max(1, len(self.lanes)))

    def __enter__(self) -> "Digests":
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def hash_behind(self, segment: Sequence[Piece]) -> None:
        """Hash each point up to the end of a segment, which the cache still holds."""
        if self.lanes:
            ends = [max(stretch.end for stretch in found) for found in self.reader.stretches(segment)]
            self._side_by_side(lambda index, view: self._hash(index, ends[index], view))

    def verify(self) -> None:
        """Hash what is left. Raises UserError naming a point's file that is not the one recorded."""

        def finish(index: int, view: memoryview) -> None:
            self._hash(index, self.reader.files[index][0].size(), view)
            point = self.reader.points[index]
            if self.digests[index].hexdigest() != point.sha256:
                raise altered(point.path)

        self._side_by_side(finish)

    def _side_by_side(self, work: Callable[[int, memoryview], None]) -> None:
        def follow(lane: Sequence[int]) -> None:
            view = memoryview(bytearray(HASHED_AT_ONCE))
            for index in lane:
                work(index, view)

        for done in [self.pool.submit(follow, lane) for lane in self.lanes]:
            done.result()

    def _hash(self, index: int, end: int, view: memoryview) -> None:
        while self.hashed[index] < end:
            part = view[: end - self.hashed[index]]
            if self.reader.read_at(index, 0, self.hashed[index], part) < len(part):
                raise altered(self.reader.points[index].path)
            self.digests[index].update(part)
            self.hashed[index] += len(part)

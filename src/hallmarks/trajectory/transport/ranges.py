"""Files of a hub: windows fetched ahead, side by side, and the ends of files, where their headers are."""

import bisect
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from hallmarks.trajectory.transport.http import fetch
from hallmarks.trajectory.transport.remote import RemoteFile

IN_FLIGHT = 16  # ranges
LARGEST = 2**23  # bytes a range
EDGE = 2**16  # bytes at either end of a file that are fetched at once
NEAR = 2**12  # bytes before a range up to which it is begun earlier

Check = tuple[int, int, Callable[[bytes], None]]  # of the bytes from, to


class Window:
    """Bytes on their way: `count` from `begin` on, dropped once `left` of them were read."""

    def __init__(self, begin: int, count: int, left: int, content: "Future[np.ndarray]"):
        self.begin, self.end, self.left, self.content = begin, begin + count, left, content
        self.readers = 0


class Memory:
    """Arrays for ranges, used again: fresh pages from the system for each byte cost as much as copying it."""

    def __init__(self) -> None:
        self.free: list[np.ndarray] = []

    def take(self, count: int) -> np.ndarray:
        if not LARGEST // 2 < count <= LARGEST + NEAR:
            return np.empty(count, np.uint8)
        try:
            return self.free.pop()[:count]
        except IndexError:
            return np.empty(LARGEST + NEAR, np.uint8)[:count]

    def give_back(self, content: np.ndarray) -> None:
        """Of an array that nobody reads any more."""
        while content.base is not None:
            content = content.base
        if content.size == LARGEST + NEAR:
            self.free.append(content)


MEMORY = Memory()


class Checks:
    """What must stand before the bytes of a file that begin at certain places; each is checked once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begins: list[int] = []
        self.open: dict[int, Check] = {}

    def add(self, at: int, begin: int, check: Callable[[bytes], None]) -> None:
        with self.lock:
            place = bisect.bisect_left(self.begins, begin)
            if self.begins[place : place + 1] != [begin]:
                self.begins.insert(place, begin)
                self.open[begin] = at, begin, check

    def take(self, offset: int, end: int) -> list[Check]:
        """Those of the bytes from `offset` to `end` that nobody has taken."""
        with self.lock:
            first = max(0, bisect.bisect_right(self.begins, offset) - 1)
            begins = self.begins[first : bisect.bisect_left(self.begins, end)]
            return [self.open.pop(begin) for begin in begins if begin in self.open]

    def give_back(self, checks: list[Check]) -> None:
        with self.lock:
            self.open |= {begin: (at, begin, check) for at, begin, check in checks}


class HubFile:
    """An open file of a hub, as `transport.File` says.

    What is fetched ahead is kept until it was read once; whoever asks for more ahead than he reads holds it
    in memory.
    """

    def __init__(self, file: RemoteFile):
        self.file = file
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.windows: list[Window] = []  # by their beginnings

    def size(self) -> int:
        return self.file.size

    def prefetch(self, offset: int, count: int, used: int | None = None) -> None:
        """Fetch these bytes, which are then read once each: all, or `used` of them."""
        end = min(offset + count, self.file.size)
        with self.lock:
            while offset < end:
                at = bisect.bisect_right(self.windows, offset, key=lambda window: window.begin)
                if at and self.windows[at - 1].end > offset:
                    offset = self.windows[at - 1].end
                    continue
                ends = min([offset + LARGEST, end, *(w.begin for w in self.windows[at : at + 1])])
                left = used if used is not None and ends - offset == count else ends - offset
                content = in_flight().submit(self._fetch, offset, ends - offset)
                self.windows.insert(at, Window(offset, ends - offset, left, content))
                offset = ends

    def read(self, offset: int, view: memoryview) -> int:
        with self.lock:
            at = bisect.bisect_right(self.windows, offset, key=lambda window: window.begin) - 1
            window = self.windows[at] if at >= 0 and self.windows[at].end > offset else None
            if window:
                window.readers += 1
        if window is None:
            return self._read_now(offset, view)
        count = min(len(view), window.end - offset)
        content = window.content.result()
        view[:count] = content[offset - window.begin : offset - window.begin + count]
        with self.lock:
            window.readers -= 1
            window.left -= count
            if window.left <= 0 and not window.readers and window in self.windows:
                self.windows.remove(window)
                MEMORY.give_back(content)
        return count

    def close(self) -> None:
        self.stopped.set()
        for window in self.windows:
            window.content.cancel()
        self.windows = []
        MEMORY.free.clear()

    def check_later(self, at: int, begin: int, check: Callable[[bytes], None]) -> bool:
        checks_of(self.file).add(at, begin, check)
        return True

    def _fetch(self, offset: int, count: int) -> np.ndarray:
        return fetch_checked(self.file, offset, count, self.stopped)

    def _read_now(self, offset: int, view: memoryview) -> int:
        """What was not fetched ahead: near an end of the file, all that is there."""
        count = min(len(view), self.file.size - offset)
        if count <= 0:
            return 0
        for begin, end in edges_of(self.file.size):
            if begin <= offset < end:
                count = min(count, end - offset)
                view[:count] = edge(self.file, begin, end)[offset - begin : offset - begin + count]
                return count
        view[:count] = self._fetch(offset, count)
        return count


def fetch_checked(file: RemoteFile, offset: int, count: int, stopped: threading.Event) -> np.ndarray:
    """Bytes, once what must stand before them was seen. Raises UserError."""
    checks = checks_of(file).take(offset, offset + count)
    start = min([offset, *(at for at, _, _ in checks if offset - at <= NEAR)])
    content = MEMORY.take(offset + count - start)
    try:
        fetch(file, start, memoryview(content), stopped)
        for at, begin, check in checks:
            before = content[at - start : begin - start] if at >= start else np.empty(begin - at, np.uint8)
            if at < start:
                fetch(file, at, memoryview(before), stopped)
            check(before.tobytes())
    except BaseException:
        checks_of(file).give_back(checks)
        raise
    return content[offset - start :]


def edges_of(size: int) -> list[tuple[int, int]]:
    """The two ends of a file, or all of one that is small."""
    return [(0, size)] if size <= 2 * EDGE else [(0, EDGE), (size - EDGE, size)]


@functools.lru_cache(maxsize=1024)
def edge(file: RemoteFile, begin: int, end: int) -> bytes:
    """One end of a file, kept: formats open a file again and again."""
    return fetch_checked(file, begin, end - begin, threading.Event()).tobytes()


@functools.cache
def checks_of(file: RemoteFile) -> Checks:
    return Checks()


@functools.cache
def in_flight() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(IN_FLIGHT, "range")

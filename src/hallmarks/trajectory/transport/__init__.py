"""Where the bytes of points come from, a disk or a hub. Who reads points opens files here and knows no more.

A file of a disk raises OSError where it cannot be opened or read; whoever asked says it in its own words. One
of a hub raises UserError, which names it and says what to do.
"""

import io
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from hallmarks.trajectory.transport.disk import DiskFile
from hallmarks.trajectory.transport.remote import RemoteFile

STREAMED = 2**16  # bytes read ahead


Check = Callable[[bytes], None]  # raises UserError


class File(Protocol):
    """An open file that several threads may read."""

    def size(self) -> int:
        """Bytes, as they are now."""

    def read(self, offset: int, view: memoryview) -> int:
        """Read from byte `offset` into the beginning of `view`; how many bytes, 0 past the end."""

    def prefetch(self, offset: int, count: int, used: int | None = None) -> None:
        """Say that these bytes are read soon, once: all, or `used` of them."""

    def check_later(self, at: int, begin: int, check: Check) -> bool:
        """Have the bytes from `at` to `begin` checked when those behind them are read.

        False where reading them at once costs nothing, and nothing is checked.
        """

    def close(self) -> None: ...


def open_file(path: Path | RemoteFile) -> File:
    """Open a file of a disk or of a hub; of the latter nothing is asked before it is read."""
    if isinstance(path, RemoteFile):
        # What speaks HTTP is imported only where a file lies elsewhere.
        from hallmarks.trajectory.transport.ranges import HubFile

        return HubFile(path)
    return DiskFile(path)


def version_of(path: Path | RemoteFile) -> tuple:
    """What tells a file from itself written anew. Raises OSError."""
    if isinstance(path, RemoteFile):
        return path.url, path.size, path.etag, path.sha256
    told = os.stat(path)
    return str(path), told.st_mtime_ns, told.st_size


def read_into(file: File, offset: int, view: memoryview) -> int:
    """Fill `view` from byte `offset` on; how many bytes, fewer where the file ends before."""
    done = 0
    while done < len(view) and (got := file.read(offset + done, view[done:])):
        done += got
    return done


def read_bytes(file: File, offset: int, count: int) -> bytes:
    """`count` bytes from `offset` on, fewer where the file ends before."""
    content = bytearray(count)
    return bytes(content[: read_into(file, offset, memoryview(content))])


def read_whole(path: Path) -> bytes:
    """All bytes of a small file."""
    with closing(open_file(path)) as file:
        return read_bytes(file, 0, file.size())


class Window:
    """A part of an open file, as a file: one that lies within another."""

    def __init__(self, file: File, offset: int, count: int):
        self.file, self.offset, self.count = file, offset, count

    def size(self) -> int:
        return min(self.count, max(0, self.file.size() - self.offset))

    def read(self, offset: int, view: memoryview) -> int:
        count = min(len(view), self.size() - offset)
        return self.file.read(self.offset + offset, view[:count]) if count > 0 else 0

    def prefetch(self, offset: int, count: int, used: int | None = None) -> None:
        self.file.prefetch(self.offset + offset, count, used)

    def check_later(self, at: int, begin: int, check: Check) -> bool:
        return self.file.check_later(self.offset + at, self.offset + begin, check)

    def close(self) -> None:
        self.file.close()


class RawStream(io.RawIOBase):
    """An open file as Python's own readers of formats want it: with a place at which it is read."""

    def __init__(self, file: File):
        self.file, self.at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.file.size()}[whence]
        if self.at < 0:
            raise ValueError(f"there is no byte {self.at}")
        return self.at

    def readinto(self, view: memoryview) -> int:
        got = self.file.read(self.at, memoryview(view))
        self.at += got
        return got


def stream_of(file: File) -> io.BufferedReader:
    return io.BufferedReader(RawStream(file), STREAMED)

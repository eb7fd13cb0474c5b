"""Where the bytes of points come from: today a disk. Who reads points opens files here and knows no more.

Every file raises OSError where it cannot be opened or read; whoever asked says it in its own words.
"""

from contextlib import closing
from pathlib import Path
from typing import Protocol

from hallmarks.trajectory.transport.disk import DiskFile


class File(Protocol):
    """An open file that several threads may read."""

    def size(self) -> int:
        """Bytes, as they are now."""

    def read(self, offset: int, view: memoryview) -> int:
        """Read from byte `offset` into the beginning of `view`; how many bytes, 0 past the end."""

    def prefetch(self, offset: int, count: int) -> None:
        """Say that these bytes are read soon."""

    def close(self) -> None: ...


def open_file(path: Path) -> File:
    return DiskFile(path)


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

"""Files of a disk, read where asked and fetched ahead; what only Linux has is used where it is there."""

import os
from collections.abc import Callable
from pathlib import Path


class DiskFile:
    """An open file of a disk, as `transport.File` says."""

    def __init__(self, path: Path):
        self.descriptor = os.open(path, os.O_RDONLY)

    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def read(self, offset: int, view: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self.descriptor, [view], offset)
        content = os.pread(self.descriptor, len(view), offset)
        view[: len(content)] = content
        return len(content)

    def prefetch(self, offset: int, count: int, used: int | None = None) -> None:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.descriptor, offset, count, os.POSIX_FADV_WILLNEED)

    def check_later(self, at: int, begin: int, check: Callable[[bytes], None]) -> bool:
        return False

    def close(self) -> None:
        os.close(self.descriptor)

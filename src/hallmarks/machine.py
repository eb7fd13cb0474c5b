"""What this machine gives a process, cores and open files, on Linux and on systems without its calls."""

import os
from contextlib import suppress


def cores() -> int:
    """How many cores this process may use: its affinity where the system has one, else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def allow_open_files(count: int) -> None:
    """Let this process open `count` files, if the system lets it; else opening them says that it does not."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < count <= hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))

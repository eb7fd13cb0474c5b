"""The disk that a plan fills: at rest, and at peak, while runs are in progress."""

from dataclasses import dataclass
from pathlib import Path

from hallmarks.config.types import Config
from hallmarks.planning.costs import state_bytes
from hallmarks.planning.jobs import Job


@dataclass(frozen=True)
class Disk:
    """Bytes at rest and at peak, those at peak `to_come`, and those of the runs `in_progress`."""

    rest: int
    peak: int
    to_come: int
    in_progress: int


def disk_of(jobs: list[Job], config: Config, workers: int, keep: bool) -> Disk:
    """With so many runs side by side, and trajectories kept or removed once their kernel exists."""
    training = [job for job in jobs if job.reason and job.cost]
    sizes = sorted(((state_bytes(job.cost), job.bytes) for job in training), reverse=True)[:workers]
    states, unfinished = sum(state for state, _ in sizes), sum(points for _, points in sizes)
    kept = [job for job in jobs if keep or not job.cost]
    rest = sum(job.bytes for job in kept)
    peak = rest + states + (0 if keep else unfinished)
    if file_system(config.results) != file_system(config.scratch):
        peak += unfinished  # a rename across file systems is a copy: both lie there for a moment
    there = sum(job.bytes for job in kept if not job.reason)
    return Disk(rest, peak, peak - there, states + unfinished)


def file_system(folder: str) -> int:
    """The number of the one on which a folder lies, or will be made."""
    path = Path(folder).absolute()
    return next(path for path in (path, *path.parents) if path.exists()).stat().st_dev

"""The disk that a plan fills: at rest, and at peak, while runs are in progress."""

from dataclasses import dataclass
from pathlib import Path

from hallmarks.config.types import Config
from hallmarks.planning.costs import state_bytes
from hallmarks.planning.estimates import Planned


@dataclass(frozen=True)
class Disk:
    """Bytes at rest and at peak, those at peak `to_come`, and those of the runs `in_progress`."""

    rest: int
    peak: int
    to_come: int
    in_progress: int


def disk_of(planned: list[Planned], config: Config, workers: int, keep: bool) -> Disk:
    """With so many runs side by side, and trajectories kept or removed once their kernel exists."""
    training = [each for each in planned if each.job.reason and each.cost]
    sizes = sorted(((state_bytes(each.cost), each.bytes) for each in training), reverse=True)[:workers]
    states, unfinished = sum(state for state, _ in sizes), sum(points for _, points in sizes)
    kept = [each for each in planned if keep or not each.cost]
    rest = sum(each.bytes for each in kept)
    peak = rest + states + (0 if keep else unfinished)
    if file_system(config.results) != file_system(config.scratch):
        peak += unfinished  # a rename across file systems is a copy: both lie there for a moment
    there = sum(each.bytes for each in kept if not each.job.reason)
    return Disk(rest, peak, peak - there, states + unfinished)


def file_system(folder: str) -> int:
    """The number of the one on which a folder lies, or will be made."""
    path = Path(folder).absolute()
    return next(path for path in (path, *path.parents) if path.exists()).stat().st_dev

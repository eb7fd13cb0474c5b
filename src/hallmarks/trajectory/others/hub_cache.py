"""What the hub's client keeps of a repository, `models--org--name`: revisions, and what they are called."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from hallmarks.errors import NothingYet, UserError
from hallmarks.trajectory.others.weights import Source, weights_of


def is_hub_cache(folder: Path) -> bool:
    """Whether a folder is what the hub's client keeps of a repository: `models--org--name`."""
    return (folder / "refs").is_dir() and (folder / "snapshots").is_dir()


def revisions(folder: Path, skip: Sequence[str], named: str | None) -> tuple[list[Source], list[str]]:
    """The revisions that the hub's cache holds, by the names that `refs/` gives to commits."""
    refs = sorted(path for path in (folder / "refs").rglob("*") if path.is_file())
    refs = [path for path in refs if not any(fnmatch(path.name, pattern) for pattern in skip)]
    others = [path for path in refs if path.name != "main"] or refs
    points = []
    for ref in others:
        snapshot = folder / "snapshots" / ref.read_text().strip()
        weights = weights_of(snapshot, named) if snapshot.is_dir() else None
        if weights is None:
            raise UserError(f"{ref}: its weights are not in {snapshot}; fetch them, or --skip {ref.name}")
        points.append(Source(ref, weights))
    if not points:
        raise NothingYet(f"{folder}: the hub's cache, in which refs/ names no revision")
    return points, ["main (a branch, beside revisions)"] if len(others) < len(refs) else []

"""A run that was fetched, as it lies among the results: what there is to read, and no weight."""

from collections.abc import Sequence
from pathlib import Path

from hallmarks.files import write, write_json
from hallmarks.trajectory.checkpoints import Choice
from hallmarks.trajectory.hub.families import Family
from hallmarks.trajectory.hub.lock import Lock, Revision
from hallmarks.trajectory.hub.points import chosen, family_said, order_of
from hallmarks.trajectory.store import POINTS

LOCK = "lock.json"


def write_fetched(folder: Path, lock: Lock, names: Sequence[str] | None, choice: Choice) -> None:
    """Write `trajectory/`, with the lock and a description of the points, and `log.csv`. Raises UserError."""
    family, others, revisions, missing = chosen(lock, choice, names)
    kept = [revision for revision in revisions if revision.name not in missing]
    steps = order_of(revisions, missing)[0].steps
    points = [point_of(family, revision, step) for revision, step in zip(kept, steps, strict=True)]
    description = {
        "points": points,
        "parameters": {},
        "fetched": {
            "revisions": list(names) if names is not None else None,
            "read": family_said(family, others),
            "missing": {name: family.doubted[name] for name in missing},
            "weights": choice.weights,
            "only": list(choice.only),
            "leave_out": list(choice.leave_out),
            "allow_duplicates": choice.allow_duplicates,
        },
    }
    lock.write(folder / "trajectory" / LOCK)
    write_json(folder / "trajectory" / "trajectory.json", description)
    write(folder / "trajectory" / POINTS, "")  # of points that are kept, which are none
    rows = [f"{point['step']},{point['bytes']}" for point in points]
    write(folder / "log.csv", "\n".join(["step,bytes", *rows, ""]))


def point_of(family: Family, revision: Revision, step: int) -> dict:
    """A point as a trajectory describes it: of several files, their digests stand in the lock."""
    parts = family.weights[revision.name].parts
    return {
        "file": f"{revision.label}/{family.weights[revision.name].file}",
        "step": step,
        "epoch": None,
        "learning_rate": None,
        "bytes": family.bytes_of(revision),
        "sha256": revision.files[parts[0]].sha256 if len(parts) == 1 else None,
    }

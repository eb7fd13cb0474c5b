"""A finished run is not trained again because its small files were deleted.

Snakemake deletes a job's declared outputs before the job starts: a job that was submitted twice, by a driver
that was killed and by the next one, would find the points alone and train for days what there is already.
The record is a file of the run, no job's output, and is moved into place with it: no kill parts them, and
results of one name in two folders, or brought to another machine, keep each its own.
"""

import json
from pathlib import Path

from hallmarks.files import sha256, write
from hallmarks.runs.acceptance import accepted
from hallmarks.runs.identity import Identity, changes
from hallmarks.trajectory.store import POINTS

FILES = ["trajectory/trajectory.json", f"trajectory/{POINTS}", "log.csv", "settings.yaml", "identity.json"]
RECORD = "finished.json"


def record(output: Path, again: str) -> None:
    """Remember the small files of the finished run in `output`; `again` tells forced calls apart."""
    content = {"again": again, "files": {name: (output / name).read_text() for name in FILES}}
    write(output / RECORD, json.dumps(content))


def read_record(output: Path) -> dict | None:
    """What was remembered of a run; None where nothing can be read."""
    try:
        content = json.loads((output / RECORD).read_text())
        return content if content["again"] is not None and content["files"].keys() >= set(FILES) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def recorded_identity(output: Path) -> Identity | None:
    """What the recorded run was made by, if there is a record."""
    content = read_record(output)
    return Identity.parse(content["files"]["identity.json"]) if content else None


def restored(output: Path, wanted: Identity, again: str) -> bool:
    """Whether `output` holds the points of the wanted run; then its small files are written."""
    content, made = read_record(output), recorded_identity(output)
    if content is None or content["again"] != again:
        return False
    if changes(made, wanted) and not accepted(output / "accepted.json", made, wanted):
        return False
    if not whole(output / "trajectory", content["files"][f"trajectory/{POINTS}"]):
        return False
    restore(output)
    return True


def restore(output: Path) -> None:
    """Write the recorded run's small files."""
    for name, text in read_record(output)["files"].items():
        write(output / name, text)


def whole(folder: Path, listed: str) -> bool:
    """Whether every point of a list is there with its SHA-256; each is read once."""
    for line in listed.splitlines():
        digest, name = line.split()
        try:
            if sha256(folder / name) != digest:
                return False
        except OSError:
            return False
    return True

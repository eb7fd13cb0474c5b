"""A finished run is not trained again because its small files were deleted.

Snakemake deletes a job's declared outputs before the job starts: a job that was submitted twice, by a driver
that was killed and by the next one, would find the points alone and train for days what there is already.
The record is written before the run is moved into place, so that a kill at no moment costs the run.
"""

import json
from pathlib import Path

from hallmarks.files import sha256, write
from hallmarks.runs.identity import Identity
from hallmarks.trajectory.store import POINTS

FILES = ["trajectory/trajectory.json", f"trajectory/{POINTS}", "log.csv", "settings.yaml", "identity.json"]


def record(path: Path, made_for: str, output: Path) -> None:
    """Remember the small files of the finished run in `output`, and what it was made for."""
    content = {"made_for": made_for, "files": {name: (output / name).read_text() for name in FILES}}
    write(path, json.dumps(content))


def read_record(path: Path) -> dict | None:
    try:
        content = json.loads(path.read_text())
        return content if content.keys() >= {"made_for", "files"} else None
    except (OSError, ValueError, AttributeError):
        return None


def identity_of(path: Path) -> Identity | None:
    """What the recorded run was made by, if there is a record."""
    content = read_record(path)
    if content is None:
        return None
    return Identity.parse(content["files"]["identity.json"])


def restored(path: Path, made_for: str, output: Path) -> bool:
    """Whether `output` holds the points of the run that was recorded; then its small files are written."""
    content = read_record(path)
    if content is None or content["made_for"] != made_for:
        return False
    if not whole(output / "trajectory", content["files"][f"trajectory/{POINTS}"]):
        return False
    restore(path, output)
    return True


def restore(path: Path, output: Path) -> None:
    """Write the recorded run's small files."""
    for name, text in read_record(path)["files"].items():
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

"""A finished run is not trained again because its small files were deleted.

Snakemake deletes a job's declared outputs before the job starts: a job that was submitted twice, by a driver
that was killed and by the next one, would find the points alone and train for days what there is already.
The record is written before the run is moved into place, so that a kill at no moment costs the run.
"""

import hashlib
import json
from pathlib import Path

from hallmarks.files import write
from hallmarks.trajectory.store import POINTS

FILES = ["trajectory/trajectory.json", f"trajectory/{POINTS}", "log.csv", "settings.yaml"]


def record(path: Path, digest: str, output: Path) -> None:
    """Remember the small files of the finished run in `output`, and what decided it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"digest": digest, "files": {name: (output / name).read_text() for name in FILES}}
    write(path, json.dumps(content).encode())


def restored(path: Path, digest: str, output: Path) -> bool:
    """Whether `output` holds the points of the run that was recorded; then its small files are written."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    if content["digest"] != digest or not whole(
        output / "trajectory", content["files"][f"trajectory/{POINTS}"]
    ):
        return False
    for name, text in content["files"].items():
        write(output / name, text.encode())
    return True


def whole(folder: Path, listed: str) -> bool:
    """Whether every point of a list is there with its SHA-256; each is read once."""
    for line in listed.splitlines():
        digest, name = line.split()
        try:
            with open(folder / name, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return False
        except OSError:
            return False
    return True

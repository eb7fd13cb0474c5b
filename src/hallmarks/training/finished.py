"""A finished run is not trained again because its small files were deleted.

Snakemake deletes a job's declared outputs before the job starts: a job that was submitted twice, by a driver
that was killed and by the next one, would find the points alone and train for days what there is already.
"""

import json
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.store import read, write_atomically

FILES = ["trajectory/trajectory.json", "log.csv", "settings.yaml"]


def record(path: Path, digest: str, output: Path) -> None:
    """Remember the small files of the finished run in `output`, and what decided it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"digest": digest, "files": {name: (output / name).read_text() for name in FILES}}
    write_atomically(path, json.dumps(content).encode())


def restored(path: Path, digest: str, output: Path) -> bool:
    """Whether `output` holds the whole run that was recorded, its small files written again where missing."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    if content["digest"] != digest or not (output / "trajectory").is_dir():
        return False
    for name, text in content["files"].items():
        if not (output / name).exists():
            write_atomically(output / name, text.encode())
    try:
        points = read(output / "trajectory").points
        return all((output / "trajectory" / point.file).stat().st_size == point.bytes for point in points)
    except (UserError, OSError):
        return False

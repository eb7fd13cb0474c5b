"""A finished folder, moved to where its readers look: whole, or not at all."""

import errno
import os
import shutil
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.store import sync_folder


def move_into_place(source: Path, target: Path) -> None:
    """Make `target` the folder `source`, replacing what was there; `target` appears in one rename.

    Across file systems the folder is first copied beside `target`, and `source` stays. Raises UserError where
    it cannot be written; what `target` held before is then back.
    """
    incoming, replaced = (target.with_name(f".{target.name}.{word}") for word in ("incoming", "replaced"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in incoming, replaced:
            shutil.rmtree(left, ignore_errors=True)
        if target.exists():
            target.rename(replaced)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            copy(source, incoming)
            incoming.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        shutil.rmtree(incoming, ignore_errors=True)
        if replaced.exists():
            replaced.rename(target)
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None
    shutil.rmtree(replaced, ignore_errors=True)


def copy(source: Path, target: Path) -> None:
    """Copy a folder, every file synced."""
    target.mkdir()
    for path in sorted(source.rglob("*")):
        there = target / path.relative_to(source)
        if path.is_dir():
            there.mkdir()
            continue
        with open(path, "rb") as reader, open(there, "wb") as writer:
            shutil.copyfileobj(reader, writer, 2**20)
            writer.flush()
            os.fsync(writer.fileno())

"""Which files a command has made, by what was seen of its writing."""

import os
from pathlib import Path

from hallmarks.witness.journal import Journal, Seen, is_verified, left_out, look


def outputs_of(seen: Journal, results: Path, target: str) -> dict[str, Seen]:
    """Each file below the results that was written, by its path there, sorted.

    Of a folder that was moved into place, and of a data set, all files count, whenever they were written.
    Points, states and arrays are told by the digests beside them.
    """
    found = {}
    for path, what in seen.wrote.items():
        name = seen.name_of(path)
        if name is not None and not aside(name) and os.path.exists(path):
            found[name] = what
    folders = [Path(folder) for folder in seen.moved if seen.name_of(folder)]
    if target.startswith("data/") and (results / target / "data.json").is_file():
        folders.append(results / target)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = seen.name_of(path)
            if aside(name) or not path.is_file() or is_verified(path.name) or path.suffix == ".npy":
                continue
            if name not in found:
                found[name] = look(path)
    return dict(sorted(found.items()))


def is_of(name: str, target: str) -> bool:
    """Whether a file is the target's own, and no input: a kernel that is extended, a run that is there."""
    return name.startswith((f"{target}/", f"{target}."))


def aside(name: str) -> bool:
    """Whether a file is no result: what the workflow tells commands, logs, what failed or was set aside."""
    base = name.rpartition("/")[2]
    if name.endswith(".failed.ipynb") or base.startswith(".") or "/superseded/" in name:
        return True
    return left_out(name) and not name.endswith("identity.json") and not name.startswith("data/")

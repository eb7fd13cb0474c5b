"""Installed packages against the lock."""

import importlib.metadata
from pathlib import Path

from packaging.requirements import Requirement

from hallmarks.checks import Check


def check_versions(lock: Path) -> Check:
    """Every package of the lock that this platform takes, in its version (a build such as +cpu aside)."""
    if not lock.exists():
        return Check("versions", f"{lock}: not found", "run in the folder of the clone")
    # `name==version ; marker \`, beside hashes and comments.
    lines = [line.rstrip("\\ ") for line in lock.read_text().splitlines() if line[:1].isalnum()]
    wrong, asked = [], [Requirement(line) for line in lines]
    asked = [each for each in asked if each.marker is None or each.marker.evaluate()]
    for each in asked:
        try:
            installed = importlib.metadata.version(each.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{each.name} is missing")
            continue
        if not each.specifier.contains(installed.split("+")[0], prereleases=True):
            wrong.append(f"{each.name} is {installed}, not {str(each.specifier)[2:]}")
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return Check("versions", ", ".join(wrong[:3]) + more, f"`make install` takes the versions of {lock}")
    return Check("versions", f"{len(asked)} packages as in {lock}")

"""Installed packages against the lock."""

import importlib.metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from hallmarks.checks import Check


def check_versions(lock: Path) -> Check:
    """Every package of the lock that this platform takes, in its version (a build such as +cpu aside)."""
    try:
        lines = lock.read_text().splitlines()
    except OSError as error:
        return Check("versions", f"{lock}: {error.strerror}", "run in the folder of the clone")
    wrong, right = [], 0
    for line in lines:
        requirement = requirement_of(line)
        if requirement is None or (requirement.marker and not requirement.marker.evaluate()):
            continue
        try:
            installed = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if requirement.specifier.contains(installed.split("+")[0], prereleases=True):
            right += 1
        else:
            wrong.append(f"{requirement.name} is {installed}, not {str(requirement.specifier)[2:]}")
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return Check("versions", ", ".join(wrong[:3]) + more, f"`make install` takes the versions of {lock}")
    return Check("versions", f"{right} packages as in {lock}")


def requirement_of(line: str) -> Requirement | None:
    """`name==version ; marker` of a line of the lock, None of a hash or a comment."""
    if not line[:1].isalnum():
        return None
    try:
        return Requirement(line.rstrip("\\ "))
    except InvalidRequirement:
        return None

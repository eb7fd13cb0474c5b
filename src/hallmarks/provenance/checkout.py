"""The clone whose code runs: its commit, what in it is not the commit's, its lock, its packages."""

import hashlib
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import hallmarks

ROOT = Path(hallmarks.__file__).parents[2]
LOCK = "envs/requirements.txt"


def git(*words: str) -> str | None:
    """What git says of the clone; None where there is no git, or no clone."""
    if not (ROOT / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def commit() -> str | None:
    """The commit that is checked out."""
    said = git("rev-parse", "HEAD")
    return said.strip() if said else None


def differing(files: dict[str, bytes], at: str | None) -> list[str]:
    """Which of these files, by path in the clone, are not those of a commit; none where nobody can say."""
    listed = git("ls-tree", "-r", "-z", at) if at else None
    if listed is None:
        return []
    blobs = {
        path: line.split()[2] for line in listed.split("\0") if line for line, path in [line.split("\t", 1)]
    }
    return sorted(path for path, content in files.items() if blobs.get(path) != blob(content))


def blob(content: bytes) -> str:
    """git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def lock() -> bytes | None:
    """The exact versions that are asked for; None of an installed package without its clone."""
    path = ROOT / LOCK
    return path.read_bytes() if path.is_file() else None


@cache
def packages() -> dict[str, str]:
    """The versions that are installed of what the package asks for by name."""
    found = {}
    for line in requires("hallmarks") or []:
        if line.endswith(('"tests"', '"crate"')):  # extras that make no result
            continue
        name = "".join(letter if letter.isalnum() or letter in "-_." else " " for letter in line).split()[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {name: found[name] for name in sorted(found) if name != "hallmarks"}


def path_of(module: str) -> str:
    """The path in the clone of a module that was loaded."""
    inside = ROOT / "src" / Path(*module.split("."))
    return f"{inside.relative_to(ROOT)}/__init__.py" if inside.is_dir() else f"{inside.relative_to(ROOT)}.py"

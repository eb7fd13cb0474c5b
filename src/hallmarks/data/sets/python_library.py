"""The source of Python's standard library as bytes: a text that every installation has, under a free licence.

It is that of the Python that prepares it, and so is its digest; or that of a folder of Python files.
"""

import hashlib
import platform
import sysconfig
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from hallmarks.data.contents import Contents
from hallmarks.data.tokens import Text
from hallmarks.errors import UserError

# Tables and generated files, and what some distributions ship apart or not at all.
LEFT_OUT = {
    *("test", "tests", "site-packages", "dist-packages", "__pycache__", "encodings", "pydoc_data"),
    *("lib2to3", "idlelib", "tkinter", "turtledemo", "distutils", "ensurepip", "venv", "turtle.py"),
}
BETWEEN = b"\0"  # of two files
EVERY = 10  # of so many files one is for testing


class Settings(Text):
    """The source of Python's standard library, a byte a token."""

    tokens: ClassVar[int] = 256
    name: Literal["python-library"] = "python-library"

    @classmethod
    def prepared_bytes(cls) -> int:
        """What a prepared folder takes on disk, about."""
        return 10_000_000


def read(source: Path | None) -> Contents:
    """Bytes, uint8; which files are for testing follows from their names. Raises UserError."""
    folder = source or Path(sysconfig.get_path("stdlib"))
    if not folder.is_dir():
        raise UserError(f"{folder}: not a folder; it should hold the standard library of a Python")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    files = [name for name in files if counts(name)]
    parts: dict[bool, list[bytes]] = {False: [], True: []}
    for name in files:
        parts[held_out(name)].append((folder / name).read_bytes())
    if not all(parts.values()):
        raise UserError(
            f"{folder}: holds too few Python files ({len(files)}) to train on some and test on others"
        )
    train, test = (BETWEEN.join(parts[which]) for which in (False, True))
    whose = str(source) if source else f"Python {platform.python_version()}'s standard library"
    digest = hashlib.sha256(train + BETWEEN + test).hexdigest()
    origin = (
        f"{whose}: {len(parts[False])} files to train on, {len(parts[True])} to test on, SHA-256 {digest}"
    )
    tokens = {
        f"{name}.npy": np.frombuffer(text, np.uint8) for name, text in {"train": train, "test": test}.items()
    }
    return Contents(tokens | {"facts.json": {"bytes_per_token": 1.0}}, origin, [])


def counts(name: str) -> bool:
    """Whether a file, by its path in the library, is hand-written and of every installation."""
    parts = name.split("/")
    made = parts[-1].startswith("_sysconfigdata") or parts[0].startswith("config-")
    return not made and LEFT_OUT.isdisjoint(parts)


def held_out(name: str) -> bool:
    """Whether a file is for testing: by its name alone, so that a file more moves no other."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % EVERY == 0

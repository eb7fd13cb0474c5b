"""`hallmarks data`: get a data set once, checked and whole."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from hallmarks.config.registry import Registry
from hallmarks.data.contents import Contents
from hallmarks.data.prepared import describe
from hallmarks.errors import UserError
from hallmarks.files import sha256

DATA_SETS = Registry("hallmarks.data.sets", "data set")


def prepare(name: str, source: Path | None, folder: Path, **expected: Any) -> bool:
    """Get a data set, check it, and write `folder`: its arrays (or, of image files, lists) and `data.json`.

    One that is there with its digests is taken as it is: the result says whether it was written. The folder
    appears whole or not at all. Raises UserError.
    """
    folder = folder.resolve()
    if is_there(name, source, folder):
        return False
    contents = get(name, source, **expected)
    check_replaceable(folder, contents)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        digests = {
            file: write_contents(temporary / file, content) for file, content in contents.files.items()
        }
        about = {"name": name, "source": contents.origin, "classes": contents.classes, "sha256": digests}
        write_contents(temporary / "data.json", about)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def is_there(name: str, source: Path | None, folder: Path) -> bool:
    """Whether a folder holds a data set, each of its files with the digest that `data.json` holds.

    A list of files that stay where they are is of one source.
    """
    listed = DATA_SETS[name].Settings.needs_source and source is not None
    try:
        about = describe(folder)
        if listed and about["source"] != str(source.resolve()):
            return False
        return about["name"] == name and all(
            sha256(folder / file) == digest for file, digest in about["sha256"].items()
        )
    except (UserError, OSError):
        return False


def get(name: str, source: Path | None, **expected: Any) -> Contents:
    """A data set from its source. Raises UserError."""
    read = DATA_SETS[name].read
    try:
        return read(source, **expected)
    except OSError as error:
        where = error.filename or source or name
        raise UserError(f"{where}: cannot be read ({error.strerror or error})") from None


def check_replaceable(folder: Path, contents: Contents) -> None:
    """Only nothing, or files of the same data set, are replaced. Raises UserError."""
    try:
        present = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from None
    others = present - {"data.json", *contents.files}
    if others and "data.json" not in present:
        raise UserError(f"{folder}: holds other files, such as {min(others)}; give a new folder with -o")


def write_contents(path: Path, content: np.ndarray | list | dict) -> str:
    """Write and sync an array as .npy, anything else as JSON; its SHA-256."""
    with open(path, "w+b") as file:
        if isinstance(content, np.ndarray):
            content = np.ascontiguousarray(content)
            np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(content))
            file.write(content.data)
        else:
            file.write(json.dumps(content, indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()

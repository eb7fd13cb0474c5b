"""A prepared folder: `data.json` and the files whose digests it holds."""

import hashlib
import json
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError


def describe(folder: Path) -> dict:
    """A prepared folder's `data.json`: name, source, classes, SHA-256 of each file. Raises UserError."""
    path = folder / "data.json"
    try:
        about = json.loads(path.read_bytes())
        return {key: about[key] for key in ("name", "source", "classes", "sha256")}
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); make it with `hallmarks data`") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: not a data set's description ({error}); run `hallmarks data` again"
        ) from None


def folder_of(data: Path | None, name: str) -> Path:
    """Where a data set lies: `data` itself, or the folder of its name in it. Raises UserError."""
    if data is None:
        raise UserError(f"--data: give the folder of {name} that `hallmarks data` made")
    return data / name if (data / name / "data.json").exists() else data


def read_contents(name: str, folder: Path) -> tuple[list[np.ndarray | list], dict]:
    """The files of a prepared data set, each one's digest checked, and its description. Raises UserError."""
    about = describe(folder)
    if about["name"] != name:
        raise UserError(f"{folder}: holds {about['name']}, not {name}")
    return [read_file(folder / file, digest) for file, digest in about["sha256"].items()], about


def read_file(path: Path, digest: str) -> np.ndarray | list:
    """One file of a prepared folder, if its SHA-256 is the recorded one. Raises UserError."""
    try:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise UserError(f"{path}: altered or truncated since it was made; run `hallmarks data` again")
            file.seek(0)
            return np.load(file) if path.suffix == ".npy" else json.load(file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); run `hallmarks data` again") from None


def enough(available: int, number: int | None, name: str) -> int:
    """How many are kept of those that there are; all without a number. Raises UserError."""
    if number is not None and number > available:
        raise UserError(f"{name}: {number} images asked for, and it has {available}")
    return available if number is None else number

"""`prepare` a data set once, checked and whole; `load` it for a run, cut and pooled as its task says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hallmarks.data import cifar10, digits, fashion_mnist, imagenet
from hallmarks.data.arrays import Arrays
from hallmarks.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

SOURCES: dict[str, Callable[[Path | None], Arrays]] = {
    "digits": digits.read,
    "fashion-mnist": fashion_mnist.read,
    "cifar10": cifar10.read,
}
NAMES = [*SOURCES, "imagenet"]


class Settings(Protocol):
    """What a task says of its data (`hallmarks.config.types.Data`)."""

    name: str
    training_images: int | None
    test_images: int | None
    pooling: int
    augment: list[str]


@dataclass(frozen=True)
class Dataset:
    """A small data set: images uint8 N×C×H×W, labels int64; `classes` is their number."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: int

    @property
    def channels(self) -> int:
        return self.train_images.shape[1]


@dataclass(frozen=True)
class FolderDataset:
    """A data set of image files: paths, and labels int64; `classes` is their number."""

    folder: Path
    train_files: list[str]
    train_labels: np.ndarray
    test_files: list[str]
    test_labels: np.ndarray
    classes: int
    channels: int = 3


def prepare(name: str, source: Path | None, folder: Path, expected: imagenet.Expected | None = None) -> None:
    """Get a data set, check it, and write `folder`: its arrays (or, of image files, lists) and `data.json`.

    The folder appears whole or not at all. Raises UserError.
    """
    folder = folder.resolve()
    check_replaceable(folder)
    contents, origin, classes = get(name, source, expected or imagenet.Expected())
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        digests = {file: write(temporary / file, content) for file, content in contents.items()}
        about = {"name": name, "source": origin, "classes": classes, "sha256": digests}
        write(temporary / "data.json", about)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def get(name: str, source: Path | None, expected: imagenet.Expected) -> tuple[dict, str, list[str]]:
    """A data set from its source: contents by file name, where they came from, the classes' names."""
    try:
        if name in SOURCES:
            arrays = SOURCES[name](source)
            return arrays.files, arrays.origin, arrays.classes
        if name == "imagenet":
            listing = imagenet.read(source, expected)
            files = {"train.json": listing.train, "test.json": listing.test}
            return files, str(source.resolve()), listing.classes
    except OSError as error:
        where = error.filename or source or name
        raise UserError(f"{where}: cannot be read ({error.strerror or error})") from None
    raise UserError(f"{name}: not a data set; there are {', '.join(NAMES)}")


def check_replaceable(folder: Path) -> None:
    """Only nothing, an empty folder or an earlier data set is replaced. Raises UserError."""
    try:
        present = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from None
    if present and "data.json" not in present:
        raise UserError(f"{folder}: holds other files, such as {min(present)}; give a new folder with -o")


def write(path: Path, content: np.ndarray | list | dict) -> str:
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


def load(settings: Settings, folder: Path) -> Dataset | FolderDataset:
    """What a task trains on, from a prepared folder, each file's digest checked. Raises UserError.

    The first `training_images` and `test_images` are kept (evenly spread ones of image files), and
    pooling k×k averages and rounds.
    """
    about = describe(folder)
    if about["name"] != settings.name:
        raise UserError(f"{folder}: holds {about['name']}, not {settings.name}")
    contents = [read(folder / file, digest) for file, digest in about["sha256"].items()]
    classes = len(about["classes"])
    if settings.name == "imagenet":
        labels = {label: number for number, label in enumerate(about["classes"])}
        train, test = (
            spread(files, number, settings.name)
            for files, number in zip(contents, (settings.training_images, settings.test_images), strict=True)
        )
        numbers = [np.array([labels[Path(file).parts[1]] for file in files]) for files in (train, test)]
        return FolderDataset(Path(about["source"]), train, numbers[0], test, numbers[1], classes)

    from torch import from_numpy

    numbers = (settings.training_images,) * 2 + (settings.test_images,) * 2
    kept = [first(array, number, settings.name) for array, number in zip(contents, numbers, strict=True)]
    kept[0], kept[2] = pool(kept[0], settings.pooling), pool(kept[2], settings.pooling)
    return Dataset(*map(from_numpy, kept), classes)


def describe(folder: Path) -> dict:
    """A prepared folder's `data.json`: name, source, classes, SHA-256 of each file."""
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


def read(path: Path, digest: str) -> np.ndarray | list:
    """One file of a prepared folder, if its SHA-256 is the recorded one."""
    try:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise UserError(f"{path}: altered or truncated since it was made; run `hallmarks data` again")
            file.seek(0)
            return np.load(file) if path.suffix == ".npy" else json.load(file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); run `hallmarks data` again") from None


def enough(available: int, number: int | None, name: str) -> int:
    if number is not None and number > available:
        raise UserError(f"{name}: {number} images asked for, and it has {available}")
    return available if number is None else number


def first(array: np.ndarray, number: int | None, name: str) -> np.ndarray:
    return array[: enough(len(array), number, name)]


def spread(files: list[str], number: int | None, name: str) -> list[str]:
    kept = enough(len(files), number, name)
    return [files[position * len(files) // kept] for position in range(kept)]


def pool(images: np.ndarray, size: int) -> np.ndarray:
    """Average size×size pixels into one, rounded: N×C×H×W → N×C×H/size×W/size. Raises UserError."""
    if size == 1:
        return images
    n, channels, height, width = images.shape
    if height % size or width % size:
        raise UserError(f"pooling: {size} does not divide images of {height}×{width}")
    cells = images.reshape(n, channels, height // size, size, width // size, size)
    return np.rint(cells.mean(axis=(3, 5), dtype=np.float32)).astype(np.uint8)

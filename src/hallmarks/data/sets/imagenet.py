"""ImageNet as a tree of image files, `train/<class>/…` and `val/<class>/…`, listed and counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hallmarks.data.contents import Contents
from hallmarks.data.images import ImageFacts, Images
from hallmarks.errors import UserError

if TYPE_CHECKING:
    from hallmarks.data.folders import FolderBatches

SUFFIXES = {".jpeg", ".jpg", ".png"}


class Settings(Images):
    """The data set, and what makes it smaller for small runs."""

    facts = ImageFacts(train=1_281_167, test=50_000, channels=3, side=224, classes=1000)
    needs_source = True
    name: Literal["imagenet"] = "imagenet"

    @property
    def decoded(self) -> bool:
        """Whether each image is a file, decoded each time that it is used."""
        return True

    @classmethod
    def prepared_bytes(cls) -> int:
        """What a prepared folder takes on disk, about: a list of paths."""
        return 50 * (cls.facts.train + cls.facts.test)

    def batches(self, folder: Path, batch_size: int, seed: int, device: Any) -> FolderBatches:
        """What a run trains on and is tested on, from a prepared folder. Raises UserError."""
        from hallmarks.data.folders import FolderBatches, load

        return FolderBatches(load(self, folder), self, batch_size, seed, device)


@dataclass(frozen=True)
class Expected:
    """What a whole tree holds."""

    classes: int = Settings.facts.classes
    train: int = Settings.facts.train
    test: int = Settings.facts.test


def read(source: Path | None, expected: Expected | None = None) -> Contents:
    """List a tree and check its numbers of classes and images: paths below it, sorted. Raises UserError."""
    expected = expected or Expected()
    if source is None:
        raise UserError(
            "imagenet: may not be downloaded freely; give a folder with train/ and val/ (--source)"
        )
    train, test = split(source / "train"), split(source / "val")
    if len(train) != expected.classes:
        raise UserError(f"{source / 'train'}: {len(train)} classes, not {expected.classes}")
    if unlike := sorted(train.keys() ^ test.keys()):
        raise UserError(f"{source}: class {unlike[0]} is in only one of train/ and val/")
    for name, found, number in (("train", train, expected.train), ("val", test, expected.test)):
        count = sum(map(len, found.values()))
        if count != number:
            raise UserError(f"{source / name}: {count} images, not {number}")
        if empty := [label for label, files in found.items() if not files]:
            raise UserError(f"{source / name / empty[0]}: holds no image")

    def paths(name: str, found: dict[str, list[str]]) -> list[str]:
        return [f"{name}/{label}/{file}" for label, files in found.items() for file in files]

    files = {"train.json": paths("train", train), "test.json": paths("val", test)}
    return Contents(files, str(source.resolve()), list(train))


def split(folder: Path) -> dict[str, list[str]]:
    """Class name → names of its image files, both sorted."""
    try:
        classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
        return {label: sorted(images(folder / label)) for label in classes}
    except OSError as error:
        raise UserError(
            f"{error.filename}: cannot be read ({error.strerror}); it should hold a folder a class"
        ) from None


def images(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]

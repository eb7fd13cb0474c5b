"""ImageNet as a tree of image files, `train/<class>/…` and `val/<class>/…`, listed and counted."""

from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError

SUFFIXES = {".jpeg", ".jpg", ".png"}


@dataclass(frozen=True)
class Expected:
    """What a whole tree holds."""

    classes: int = 1000
    train: int = 1_281_167
    test: int = 50_000


@dataclass(frozen=True)
class Listing:
    """Paths of both splits, relative to the tree and sorted; the class is the second part of each."""

    train: list[str]
    test: list[str]
    classes: list[str]


def read(source: Path | None, expected: Expected) -> Listing:
    """List a tree and check its numbers of classes and images. Raises UserError."""
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

    return Listing(paths("train", train), paths("val", test), list(train))


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

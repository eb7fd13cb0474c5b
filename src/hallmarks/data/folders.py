"""Batches of image files, read ahead by worker processes; each a pure function of (seed, epoch, index)."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL.Image import DecompressionBombError
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets.folder import default_loader
from torchvision.transforms import (
    CenterCrop,
    Compose,
    PILToTensor,
    RandomHorizontalFlip,
    RandomResizedCrop,
    Resize,
)

from hallmarks.data.draws import AUGMENTATION, derived_seed, epoch_order
from hallmarks.data.images import Images
from hallmarks.data.prepared import enough, read_contents
from hallmarks.data.shape import ImageShape
from hallmarks.errors import UserError
from hallmarks.machine import cores

SIZE, RESIZED = 224, 256  # pixels, as ImageNet's ResNets take them
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of values in 0 … 1
MOST_WORKERS = 16


@dataclass(frozen=True)
class FolderDataset:
    """A data set of image files: paths, and labels int64; `classes` is their number."""

    folder: Path
    train_files: list[str]
    train_labels: np.ndarray
    test_files: list[str]
    test_labels: np.ndarray
    classes: int


def load(settings: Images, folder: Path) -> FolderDataset:
    """What a task trains on, from a prepared folder's lists. Raises UserError.

    `training_images` and `test_images` of them are kept, evenly spread.
    """
    contents, about = read_contents(settings.name, folder)
    train, test = (
        spread(files, number, settings.name)
        for files, number in zip(contents, (settings.training_images, settings.test_images), strict=True)
    )
    labels = {label: number for number, label in enumerate(about["classes"])}
    numbers = [np.array([labels[Path(file).parts[1]] for file in files]) for files in (train, test)]
    return FolderDataset(Path(about["source"]), train, numbers[0], test, numbers[1], len(labels))


def spread(files: list[str], number: int | None, name: str) -> list[str]:
    kept = enough(len(files), number, name)
    return [files[position * len(files) // kept] for position in range(kept)]


class ImageFiles:
    """Image files as uint8 3×H×W and labels, by (epoch, number); a file that fails gives its line instead."""

    def __init__(self, dataset: FolderDataset, split: str, transform: Compose, seed: int):
        self.folder, self.transform, self.seed = dataset.folder, transform, seed
        self.files, self.labels = getattr(dataset, f"{split}_files"), getattr(dataset, f"{split}_labels")

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, int] | str:
        epoch, number = key
        path = self.folder / self.files[number]
        try:
            image = default_loader(path)
        except (OSError, SyntaxError, ValueError, DecompressionBombError) as error:
            return f"{path}: cannot be read as an image ({getattr(error, 'strerror', None) or error})"
        # torchvision's transforms draw from the global generator of the CPU.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derived_seed(AUGMENTATION, self.seed, epoch, number))
            return self.transform(image), int(self.labels[number])

    def __getitems__(self, keys: list[tuple[int, int]]) -> tuple[list, float]:
        """Those of a batch, and the seconds that they took."""
        began = time.perf_counter()
        return [self[key] for key in keys], time.perf_counter() - began


def collate(read: tuple[list, float]) -> tuple[Tensor, Tensor, float] | str:
    """A batch and its seconds, or the line of the first file that failed, since no exception would cross
    processes whole."""
    items, seconds = read
    if failed := next((item for item in items if isinstance(item, str)), None):
        return failed
    images, labels = zip(*items, strict=True)
    return torch.stack(images), torch.tensor(labels), seconds


class FolderBatches:
    """As `Batches`, of files: a random resized crop (`crop`) and a flip an image, else the centre.

    `pooling` divides the size of the images, 224. Raises UserError that names a file that cannot be read.
    """

    def __init__(
        self,
        dataset: FolderDataset,
        settings: Images,
        batch_size: int,
        seed: int,
        device: str | torch.device,
        workers: int | None = None,
    ):
        n = len(dataset.train_files)
        self.steps_per_epoch = n // batch_size
        if self.steps_per_epoch == 0:
            raise UserError(
                f"batch_size: {batch_size} is more than the {n} training images of {settings.name}"
            )
        self.batch_size, self.seed, self.device = batch_size, seed, torch.device(device)
        self.workers = min(cores(), MOST_WORKERS) if workers is None else workers
        size, resized = SIZE // settings.pooling, RESIZED // settings.pooling
        centre = [Resize(resized), CenterCrop(size)]
        crop = [RandomResizedCrop(size)] if "crop" in settings.augment else centre
        flip = [RandomHorizontalFlip()] if "flip" in settings.augment else []
        self.train_files = ImageFiles(dataset, "train", Compose([*crop, *flip, PILToTensor()]), seed)
        self.test_files = ImageFiles(dataset, "test", Compose([*centre, PILToTensor()]), seed)
        self.mean, self.deviation = (
            torch.tensor(values, device=device).mul(255).view(1, 3, 1, 1) for values in (MEAN, DEVIATION)
        )
        self.shape = ImageShape(3, dataset.classes, size)
        self._read, self._seconds = 0, 0.0
        self._next: tuple[int, int] | None = None
        self._stream: Iterator[tuple[Tensor, Tensor]] = iter(())

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        """Images and labels of the batch `index` of an epoch; those that follow it are read ahead."""
        if self._next != (epoch, index):
            order = epoch_order(self.seed, epoch, len(self.train_files.files)).tolist()
            starts = range(index * self.batch_size, self.steps_per_epoch * self.batch_size, self.batch_size)
            keys = [
                [(epoch, number) for number in order[start : start + self.batch_size]] for start in starts
            ]
            self._stream = self.read(self.train_files, keys)
        self._next = epoch, index + 1
        return next(self._stream)

    def test(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The test set in order."""
        numbers = range(len(self.test_files.files))
        keys = [(0, number) for number in numbers]
        return self.read(
            self.test_files, [keys[start : start + self.batch_size] for start in numbers[:: self.batch_size]]
        )

    def read_per_second(self) -> float | None:
        """Training images that these workers read a second, waiting for nobody, since this was last asked;
        None where they read none."""
        rate = max(self.workers, 1) * self._read / self._seconds if self._read else None
        self._read, self._seconds = 0, 0.0
        return rate

    def read(self, files: ImageFiles, keys: list) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of these keys, in their order, normalised on the device."""
        loader = DataLoader(
            files,
            batch_sampler=keys,
            num_workers=self.workers,
            collate_fn=collate,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # else the loader draws from the global one
        )
        for batch in loader:
            if isinstance(batch, str):
                raise UserError(batch)
            images, labels = (tensor.to(self.device, non_blocking=True) for tensor in batch[:2])
            if files is self.train_files:
                self._read, self._seconds = self._read + len(labels), self._seconds + batch[2]
            scaled = images.float().sub_(self.mean).div_(self.deviation)
            yield scaled.contiguous(memory_format=torch.channels_last), labels

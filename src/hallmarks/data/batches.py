"""Batches of a small data set that lives on the device; each a pure function of (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hallmarks.data.draws import AUGMENTATION, epoch_order, generator
from hallmarks.data.images import Images
from hallmarks.data.prepared import enough, read_contents
from hallmarks.data.shape import ImageShape
from hallmarks.errors import UserError

TEST_BATCH = 500  # a larger one leaves the caches of a small machine


@dataclass(frozen=True)
class Dataset:
    """A small data set: images uint8 N×C×H×W, labels int64; `classes` is their number."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: int


def load(settings: Images, folder: Path) -> Dataset:
    """What a task trains on, from a prepared folder, each file's digest checked. Raises UserError.

    The first `training_images` and `test_images` are kept, and pooling k×k averages and rounds.
    """
    contents, about = read_contents(settings.name, folder)
    numbers = (settings.training_images,) * 2 + (settings.test_images,) * 2
    kept = [
        array[: enough(len(array), number, settings.name)]
        for array, number in zip(contents, numbers, strict=True)
    ]
    kept[0], kept[2] = pool(kept[0], settings.pooling), pool(kept[2], settings.pooling)
    return Dataset(*map(torch.from_numpy, kept), len(about["classes"]))


def pool(images: np.ndarray, size: int) -> np.ndarray:
    """Average size×size pixels into one, rounded: N×C×H×W → N×C×H/size×W/size. Raises UserError."""
    if size == 1:
        return images
    n, channels, height, width = images.shape
    if height % size or width % size:
        raise UserError(f"pooling: {size} does not divide images of {height}×{width}")
    cells = images.reshape(n, channels, height // size, size, width // size, size)
    return np.rint(cells.mean(axis=(3, 5), dtype=np.float32)).astype(np.uint8)


def padding(size: int) -> int:
    """Pixels that a crop may shift: 4 of 32, in proportion below, at least 1."""
    return min(4, max(1, size // 8))


def augment(images: Tensor, shifts: Tensor | None, flips: Tensor | None) -> Tensor:
    """Shift and mirror each image by its own numbers: N×C×H×W, channels-last out, the border black.

    `shifts` int64 N×2 in 0 … 2·padding (down, right of the window in the padded image); `flips` bool N.
    """
    n, _, height, width = images.shape
    pixels = images.permute(0, 2, 3, 1)
    rows = torch.arange(height, device=images.device).expand(n, height)
    columns = torch.arange(width, device=images.device).expand(n, width)
    if flips is not None:
        columns = torch.where(flips[:, None], width - 1 - columns, columns)
    if shifts is not None:
        border = padding(min(height, width))
        pixels = F.pad(pixels, (0, 0, border, border, border, border))
        rows, columns = rows + shifts[:, :1], columns + shifts[:, 1:]
    which = torch.arange(n, device=images.device)[:, None, None]
    return pixels[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Batches:
    """Training batches of equal size, and the test set; float32 N×C×H×W, channels-last, normalised.

    Each channel has mean 0 and variance 1 over the training images. The incomplete last batch of an
    epoch is dropped. Raises UserError where a batch is larger than the training set.
    """

    def __init__(
        self, dataset: Dataset, settings: Images, batch_size: int, seed: int, device: str | torch.device
    ):
        n = len(dataset.train_images)
        self.steps_per_epoch = n // batch_size
        if self.steps_per_epoch == 0:
            raise UserError(
                f"batch_size: {batch_size} is more than the {n} training images of {settings.name}"
            )
        self.batch_size, self.seed, self.device = batch_size, seed, device
        self.crop, self.flip = "crop" in settings.augment, "flip" in settings.augment
        self.train_images, self.train_labels, self.test_images, self.test_labels = (
            tensor.to(device)
            for tensor in (
                dataset.train_images,
                dataset.train_labels,
                dataset.test_images,
                dataset.test_labels,
            )
        )
        mean, deviation = moments(dataset.train_images)
        self.mean, self.deviation = mean.to(device), deviation.to(device)
        channels, size = dataset.train_images.shape[1:3]
        self.shape = ImageShape(channels, dataset.classes, size)
        self._order: tuple[int, Tensor] | None = None

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        """Images and labels of the batch `index` of an epoch."""
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, epoch_order(self.seed, epoch, len(self.train_images)).to(self.device)
        which = self._order[1][index * self.batch_size : (index + 1) * self.batch_size]
        images = self.train_images[which]
        if self.crop or self.flip:
            images = augment(images, *self.draw(epoch, index, min(images.shape[2:])))
        return self.normalise(images), self.train_labels[which]

    def draw(self, epoch: int, index: int, size: int) -> tuple[Tensor | None, Tensor | None]:
        """The shifts and flips of a batch, a pair and a bit an image."""
        random = generator(AUGMENTATION, self.seed, epoch, index)
        shifts = torch.randint(2 * padding(size) + 1, (self.batch_size, 2), generator=random)
        flips = torch.randint(2, (self.batch_size,), generator=random).bool()
        return shifts.to(self.device) if self.crop else None, flips.to(self.device) if self.flip else None

    def test(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The test set in order, in batches of at most 500."""
        for images, labels in zip(
            self.test_images.split(TEST_BATCH), self.test_labels.split(TEST_BATCH), strict=True
        ):
            yield self.normalise(images), labels

    def normalise(self, images: Tensor) -> Tensor:
        scaled = images.float().sub_(self.mean).div_(self.deviation)
        return scaled.contiguous(memory_format=torch.channels_last)


def moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, 1×C×1×1; a constant channel's deviation is 1."""
    values = torch.arange(256, dtype=torch.float64)
    counts = torch.stack([channel.flatten().bincount(minlength=256) for channel in images.unbind(1)]).double()
    counts /= counts.sum(1, keepdim=True)
    mean = counts @ values
    deviation = (counts @ values.square() - mean.square()).clamp_min(0).sqrt()
    deviation[deviation == 0] = 1
    return mean.float().view(1, -1, 1, 1), deviation.float().view(1, -1, 1, 1)

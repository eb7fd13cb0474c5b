"""What a task says of a data set of images, and what is known of it before it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PositiveInt

from hallmarks.config.strict import Strict
from hallmarks.data.shape import ImageShape
from hallmarks.errors import UserError

if TYPE_CHECKING:
    from hallmarks.data.batches import Batches


@dataclass(frozen=True)
class ImageFacts:
    """Images in the training and the test set, their channels and side in pixels, and their classes."""

    train: int
    test: int
    channels: int
    side: int
    classes: int


class Images(Strict):
    """The data set, and what makes it smaller for small runs."""

    facts: ClassVar[ImageFacts]
    needs_source: ClassVar[bool] = False
    """Whether it cannot be got, and must lie in a folder that the configuration names."""
    name: str
    training_images: PositiveInt | None = None
    """How many to train on; without it all."""
    test_images: PositiveInt | None = None
    """How many to test on; without it all."""
    pooling: PositiveInt = 1
    """k averages k×k pixels into one."""
    augment: list[Literal["crop", "flip"]] = []
    """Random crops and horizontal flips, drawn anew for each image in each epoch."""

    def check(self) -> None:
        """Raise UserError where there are fewer images than asked for, or for a fraction of a pixel."""
        for key in ("training_images", "test_images"):
            asked, present = getattr(self, key), self.facts.train if key[1] == "r" else self.facts.test
            if asked is not None and asked > present:
                raise UserError(f"{key}: {asked} is more than the {present} of {self.name}")
        side = self.facts.side
        if side % self.pooling:
            raise UserError(f"pooling: {self.pooling} does not divide images of {side}×{side}")

    @property
    def training_examples(self) -> int:
        return self.training_images or self.facts.train

    @property
    def test_examples(self) -> int:
        return self.test_images or self.facts.test

    @property
    def shape(self) -> ImageShape:
        """Of the images as a network sees them."""
        return ImageShape(self.facts.channels, self.facts.classes, self.facts.side // self.pooling)

    @property
    def decoded(self) -> bool:
        """Whether each image is a file, decoded each time that it is used."""
        return False

    @classmethod
    def prepared_bytes(cls) -> int:
        """What a prepared folder takes on disk, about: the whole set, a byte a value."""
        facts = cls.facts
        return (facts.train + facts.test) * facts.channels * facts.side**2

    def describe(self) -> str:
        images = f"{self.training_images:,} images" if self.training_images else "all images"
        pooled = f" pooled {self.pooling}×{self.pooling}" if self.pooling > 1 else ""
        return f"{self.name} ({images}{pooled})"

    def batches(self, folder: Path, batch_size: int, seed: int, device: Any) -> Batches:
        """What a run trains on and is tested on, from a prepared folder. Raises UserError."""
        from hallmarks.data.batches import Batches, load

        return Batches(load(self, folder), self, batch_size, seed, device)

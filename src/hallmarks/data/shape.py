"""What a network must know of its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ImageShape:
    """What a network must know of its images: channels×size×size, of so many classes."""

    channels: int
    classes: int
    size: int

    def examples(self, number: int) -> Tensor:
        """Images of this shape, without values."""
        import torch

        return torch.empty(number, self.channels, self.size, self.size)

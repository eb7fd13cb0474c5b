"""VGG16 with BatchNorm and one linear layer, for images of 32×32 and smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from hallmarks.config.strict import Strict

if TYPE_CHECKING:
    from torch import nn

    from hallmarks.data.shape import ImageShape


class Settings(Strict):
    """VGG16 with BatchNorm and one linear layer, for images of 32×32 and smaller."""

    name: Literal["vgg16"] = "vgg16"
    width: PositiveInt = 64
    """Channels of the first stage; the paper's is 64."""

    def build(self, shape: ImageShape) -> nn.Module:
        """The network for images of this shape, freshly initialised."""
        from hallmarks.models.vgg16.network import VGG16

        return VGG16(shape.channels, shape.classes, self.width, shape.size)

"""torchvision's ResNet50."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from hallmarks.config.strict import Strict

if TYPE_CHECKING:
    from torch import nn

    from hallmarks.data.shape import ImageShape


class Settings(Strict):
    """torchvision's ResNet50."""

    name: Literal["resnet50"] = "resnet50"
    width: PositiveInt = 64
    """Channels of the first stage; the paper's is 64."""

    def build(self, shape: ImageShape) -> nn.Module:
        """The network for images of this shape, freshly initialised."""
        from hallmarks.models.resnet50.network import resnet50

        return resnet50(shape.channels, shape.classes, self.width, shape.size)

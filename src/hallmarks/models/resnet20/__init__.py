"""ResNet20 for small images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from hallmarks.config.strict import Strict

if TYPE_CHECKING:
    from torch import nn

    from hallmarks.data.shape import ImageShape


class Settings(Strict):
    """ResNet20 for small images."""

    name: Literal["resnet20"] = "resnet20"
    width: PositiveInt = 16
    """Channels of the first stage; the paper's is 16."""

    def build(self, shape: ImageShape) -> nn.Module:
        """The network for images of this shape, freshly initialised."""
        from hallmarks.models.resnet20.network import ResNet20

        return ResNet20(shape.channels, shape.classes, self.width, shape.size)

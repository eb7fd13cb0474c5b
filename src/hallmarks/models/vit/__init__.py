"""torchvision's vision transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt, model_validator

from hallmarks.config.strict import Strict
from hallmarks.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from hallmarks.data.shape import ImageShape


class Settings(Strict):
    """torchvision's vision transformer; as the defaults stand, ViT-S/16."""

    name: Literal["vit"] = "vit"
    patch: PositiveInt = 16
    """Pixels of a patch's side; it divides the image's."""
    width: PositiveInt = 384
    """Numbers a token."""
    depth: PositiveInt = 12
    """Blocks of attention and perceptron."""
    heads: PositiveInt = 6
    """Of attention; their number divides the width."""
    mlp_ratio: PositiveInt = 4
    """Width of a perceptron's hidden layer, as a multiple of `width`."""

    @model_validator(mode="after")
    def heads_divide_width(self) -> Settings:
        if self.width % self.heads:
            raise ValueError(f"heads: {self.heads} heads do not divide the width, {self.width}")
        return self

    def check(self, shape: ImageShape) -> None:
        """Raise UserError, the key first, where images of this shape cannot be cut into patches."""
        if shape.size % self.patch:
            raise UserError(
                f"patch: {self.patch} pixels do not divide the image's side, {shape.size} pixels; "
                f"take one of {', '.join(str(p) for p in range(1, shape.size + 1) if not shape.size % p)}"
            )

    def build(self, shape: ImageShape) -> nn.Module:
        """The network for images of this shape, freshly initialised."""
        from hallmarks.models.vit.network import vit

        self.check(shape)
        return vit(
            shape.channels,
            shape.classes,
            shape.size,
            self.patch,
            self.width,
            self.depth,
            self.heads,
            self.mlp_ratio,
        )

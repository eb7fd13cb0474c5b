"""GPT-NeoX by transformers, as Pythia has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from hallmarks.config.strict import Strict

if TYPE_CHECKING:
    from torch import nn

    from hallmarks.data.tokens import TokenShape


class Settings(Strict):
    """GPT-NeoX by transformers, as Pythia has it; as the defaults stand, of the size of Pythia 14M."""

    inputs: ClassVar[str] = "tokens"
    name: Literal["gpt-neox"] = "gpt-neox"
    width: PositiveInt = 128
    """Numbers a token."""
    depth: PositiveInt = 6
    """Blocks of attention and perceptron, side by side."""
    head_size: PositiveInt = 32
    """Numbers a head of attention; it divides the width."""
    mlp_ratio: PositiveInt = 4
    """Width of a perceptron's hidden layer, as a multiple of `width`."""
    rotary: Annotated[float, Field(gt=0, le=1)] = 0.25
    """The share of a head that is turned by its position."""

    @model_validator(mode="after")
    def heads_divide_width(self) -> Settings:
        if self.width % self.head_size:
            raise ValueError(f"head_size: {self.head_size} does not divide the width, {self.width}")
        turned = int(self.head_size * self.rotary)
        if turned < 2 or turned % 2:
            raise ValueError(
                f"rotary: {self.rotary:g} of a head of {self.head_size} is {turned}: numbers turn in pairs"
            )
        return self

    @property
    def heads(self) -> int:
        return self.width // self.head_size

    def build(self, shape: TokenShape) -> nn.Module:
        """The network for tokens of this shape, freshly initialised."""
        from hallmarks.models.gpt_neox.network import gpt_neox

        return gpt_neox(
            shape.vocabulary,
            shape.length,
            self.width,
            self.depth,
            self.heads,
            self.width * self.mlp_ratio,
            self.rotary,
        )

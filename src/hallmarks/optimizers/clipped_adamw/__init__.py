"""AdamW as language models are trained: the gradient clipped, weight decay on matrices alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from hallmarks.optimizers import adamw

if TYPE_CHECKING:
    from torch import nn, optim


class Settings(adamw.Settings):
    """AdamW with the gradient clipped and weight decay on matrices alone; as the defaults stand, Pythia's."""

    name: Literal["clipped-adamw"] = "clipped-adamw"
    betas: Annotated[list[adamw.Beta], Field(min_length=2, max_length=2)] = [0.9, 0.95]
    """Of the running means of the gradient and of its square."""
    weight_decay: NonNegativeFloat = 0.1
    """An update multiplies θ by 1 − learning rate × weight decay first, but for biases and norms."""
    clip: PositiveFloat = 1.0
    """A gradient that is longer, over all parameters, is made as long as this."""

    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        """The optimizer of these parameters, AdamW's part one fused loop over all of them."""
        from hallmarks.optimizers.clipped_adamw.optimizer import ClippedAdamW

        return ClippedAdamW(
            parameters,
            self.clip,
            self.weight_decay,
            lr=self.learning_rate,
            betas=tuple(self.betas),
            eps=self.eps,
            fused=True,
        )

    def describe(self) -> str:
        return (
            f"AdamW, learning rate {self.learning_rate:g}, weight decay {self.weight_decay:g} of matrices, "
            f"gradients clipped at {self.clip:g}"
        )

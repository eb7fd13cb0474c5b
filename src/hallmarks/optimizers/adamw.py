"""PyTorch's AdamW: Adam, with the weight decay apart from the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from hallmarks.config.strict import Strict
from hallmarks.optimizers import uncompiled

if TYPE_CHECKING:
    from torch import nn, optim

Beta = Annotated[float, Field(ge=0, lt=1)]


class Settings(Strict):
    """PyTorch's AdamW: Adam, with the weight decay apart from the gradient."""

    name: Literal["adamw"] = "adamw"
    learning_rate: PositiveFloat
    betas: Annotated[list[Beta], Field(min_length=2, max_length=2)] = [0.9, 0.999]
    """Of the running means of the gradient and of its square."""
    eps: PositiveFloat = 1e-8
    weight_decay: NonNegativeFloat = 0.01
    """An update multiplies θ by 1 − learning rate × weight decay first."""

    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        """The optimizer of these parameters, one fused loop over all of them."""
        from torch import optim

        return uncompiled(optim.AdamW)(
            parameters,
            lr=self.learning_rate,
            betas=tuple(self.betas),
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=True,
        )

    def describe(self) -> str:
        return f"AdamW, learning rate {self.learning_rate:g}, weight decay {self.weight_decay:g}"

"""Sharpness-aware minimisation as published, not adaptive, on SGD (Foret et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from hallmarks.config.strict import Strict

if TYPE_CHECKING:
    from torch import nn, optim


class Settings(Strict):
    """Sharpness-aware minimisation as published, not adaptive, on SGD."""

    name: Literal["sam"] = "sam"
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NonNegativeFloat = 0.0
    """Of SGD's step alone: the way uphill does not see it."""
    rho: NonNegativeFloat = 0.05
    """How far uphill the gradient is taken, ρ; at 0 this is SGD, to the bit."""

    @property
    def passes(self) -> int:
        """Gradients that an update takes."""
        return 2 if self.rho else 1

    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        """The optimizer of these parameters, SGD's part one fused loop over all of them."""
        from hallmarks.optimizers.sam.optimizer import SAM

        return SAM(
            parameters,
            self.rho,
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            fused=True,
        )

    def describe(self) -> str:
        return (
            f"SAM of ρ {self.rho:g}, learning rate {self.learning_rate:g}, momentum {self.momentum:g}, "
            f"weight decay {self.weight_decay:g}"
        )

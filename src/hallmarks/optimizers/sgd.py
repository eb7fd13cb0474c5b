"""PyTorch's SGD: heavy-ball momentum, weight decay added to the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from hallmarks.config.strict import Strict
from hallmarks.optimizers import uncompiled

if TYPE_CHECKING:
    from torch import nn, optim


class Settings(Strict):
    """PyTorch's SGD: heavy-ball momentum, weight decay added to the gradient."""

    name: Literal["sgd"] = "sgd"
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NonNegativeFloat = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
        """The optimizer of these parameters, one fused loop over all of them."""
        from torch import optim

        return uncompiled(optim.SGD)(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            fused=True,
        )

    def describe(self) -> str:
        return (
            f"learning rate {self.learning_rate:g}, momentum {self.momentum:g}, "
            f"weight decay {self.weight_decay:g}"
        )

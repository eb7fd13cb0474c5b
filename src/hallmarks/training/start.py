"""Where a run starts: θ_0, what of it trains, and the state of another run that it goes on from, if any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hallmarks.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Start:
    """A model at θ_0; `trained` names the parameters that train, None all of them.

    Where `entries` are given, only those of each, in the model's order: places, int64, in its flat values.
    `step` and `optimizer` are another run's steps done and its optimizer's state, from which this one goes on
    with the data in the order that the other would have had.
    """

    model: nn.Module
    trained: frozenset[str] | None = None
    step: int = 0
    optimizer: dict | None = None
    entries: list[Tensor] | None = None

    def parameters(self) -> list[nn.Parameter]:
        """What the optimizer is given. The others are frozen: momentum and weight decay never see them.

        Raises UserError for a name that is no parameter of the model.
        """
        names = dict(self.model.named_parameters())
        trained = names.keys() if self.trained is None else self.trained
        if unknown := sorted(trained - names.keys()):
            raise UserError(f"{unknown[0]} is to train, and is no parameter of the model")
        for name, parameter in names.items():
            parameter.requires_grad_(name in trained)
        return [parameter for name, parameter in names.items() if name in trained]

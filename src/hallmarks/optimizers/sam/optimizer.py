"""The update of SAM: SGD's at θ, by the gradient at θ + ρ g/‖g‖."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn, optim

from hallmarks.optimizers import uncompiled


class SAM(uncompiled(optim.SGD)):
    """SGD by the gradient at θ + ρ g/‖g‖, g the gradient at θ and ‖g‖ its norm over all parameters.

    Its state is SGD's. With ρ = 0 it takes one gradient an update, else two.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rho: float, **settings: Any):
        super().__init__(parameters, **settings)
        self.rho = rho

    def step(self, closure: Callable[[], Tensor]) -> Tensor:
        """One update; the loss is that at θ."""
        loss = closure()
        if self.rho:
            before = self.climb()
            closure()
            with torch.no_grad():
                for parameter, value in before:
                    parameter.copy_(value)  # subtracting would round
        super().step()
        return loss

    @torch.no_grad()
    def climb(self) -> list[tuple[nn.Parameter, Tensor]]:
        """Move to θ + ρ g/‖g‖; each parameter, and its value before. Where g = 0, it stays at θ."""
        moving = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        before = [(parameter, parameter.clone()) for parameter in moving]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(p.grad) for p in moving]))
        scale = torch.where(norm > 0, self.rho / norm, 0.0)
        for parameter in moving:
            parameter.add_(parameter.grad * scale)
        return before

"""The update of AdamW by a clipped gradient, with weight decay on tensors of two dimensions and more."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn, optim

from hallmarks.optimizers import uncompiled


class ClippedAdamW(uncompiled(optim.AdamW)):
    """θ ← (1 − η α) θ for matrices, α the decay; then Adam's update by g · min(1, clip / ‖g‖).

    Biases, and the scales and shifts of norms, have one dimension and are not decayed, as in GPT-NeoX. Its
    state is AdamW's.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], clip: float, decay: float, **settings: Any):
        super().__init__(parameters, weight_decay=0.0, **settings)
        self.clip, self.decay = clip, decay

    def step(self, closure: Callable[[], Tensor]) -> Tensor:
        """One update; the loss is the one before it."""
        loss = closure()
        every = [parameter for group in self.param_groups for parameter in group["params"]]
        nn.utils.clip_grad_norm_(every, self.clip)
        if self.decay:
            with torch.no_grad():
                for group in self.param_groups:
                    matrices = [parameter for parameter in group["params"] if parameter.dim() > 1]
                    if matrices:
                        torch._foreach_mul_(matrices, 1 - group["lr"] * self.decay)
        super().step()
        return loss

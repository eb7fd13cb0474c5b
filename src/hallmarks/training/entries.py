"""The optimizer of single entries of tensors, which leaves all other entries as they are, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn, optim


class OfEntries:
    """Any optimizer, given the entries as one vector; they are written into their tensors after each update.

    So weight decay, momentum, and whatever else it does reach them and nothing else. It keeps a state for the
    vector alone; gradients are those of whole tensors, which is how backpropagation gives them.
    """

    def __init__(
        self,
        tensors: list[nn.Parameter],
        places: list[Tensor],
        build: Callable[[Iterable[nn.Parameter]], optim.Optimizer],
    ):
        self.tensors = tensors
        self.places = [where.to(p.device) for where, p in zip(places, tensors, strict=True)]
        self.vector = nn.Parameter(gathered([p.detach() for p in tensors], self.places))
        self.optimizer = build([self.vector])

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return self.optimizer.param_groups

    def zero_grad(self) -> None:
        """Forget the gradients of the tensors."""
        for tensor in self.tensors:
            tensor.grad = None

    def step(self, closure: Callable[[], Tensor]) -> Tensor:
        """One update of the entries; the loss is the first that `closure` gives."""
        with torch.no_grad():  # the model may have been loaded since
            self.vector.copy_(gathered(self.tensors, self.places))

        def of_entries() -> Tensor:
            self._write()  # an optimizer that asks twice has moved the vector
            loss = closure()
            self.vector.grad = gathered([tensor.grad for tensor in self.tensors], self.places)
            return loss

        loss = self.optimizer.step(of_entries)
        self._write()
        return loss

    @torch.no_grad()
    def _write(self) -> None:
        values = self.vector.split([len(where) for where in self.places])
        for tensor, where, value in zip(self.tensors, self.places, values, strict=True):
            tensor[torch.unravel_index(where, tensor.shape)] = value

    def state_dict(self) -> dict[str, Any]:
        """What it keeps from one update to the next; the entries are in the model."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state)


def gathered(tensors: list[Tensor], places: list[Tensor]) -> Tensor:
    """The entries of all tensors at these places, one vector."""
    return torch.cat([tensor.flatten()[where] for tensor, where in zip(tensors, places, strict=True)])

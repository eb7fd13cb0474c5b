"""What a branch does not train: that it has not moved, and what training less saves."""

import hashlib
from typing import Any

import torch
from torch import nn

from hallmarks.errors import UserError
from hallmarks.training.loop import Training


class Frozen:
    """The values of a model that do not train: all but those `trained`, as `trainable` gives them."""

    def __init__(self, model: nn.Module, trained: dict[str, torch.Tensor | None]):
        self.model, self.trained = model, trained
        self.before = self.digests()

    def digests(self) -> dict[str, str]:
        """SHA-256 of the frozen values of each parameter that has some."""
        found = {}
        for name, parameter in self.model.named_parameters():
            places = self.trained.get(name, torch.empty(0, dtype=torch.int64))
            if places is not None:
                kept = torch.ones(parameter.numel(), dtype=torch.bool)
                kept[places] = False
                values = parameter.detach().cpu().flatten()[kept]
                found[name] = hashlib.sha256(values.numpy().tobytes()).hexdigest()
        return found

    def check(self) -> None:
        """Raise UserError where a frozen value is another than it was, by a bit."""
        now = self.digests()
        if moved := [name for name, digest in self.before.items() if now[name] != digest]:
            raise UserError(
                f"{moved[0]}: was frozen, and has moved; the optimizer reaches what it was not given"
            )

    def described(self) -> dict[str, Any]:
        """How many scalars train and how many do not, and the digest of these."""
        parameters = dict(self.model.named_parameters())
        trained = sum(
            parameters[name].numel() if places is None else len(places)
            for name, places in self.trained.items()
        )
        text = "".join(f"{digest}  {name}\n" for name, digest in self.before.items())
        every = sum(parameter.numel() for parameter in parameters.values())
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {"trained": trained, "frozen": every - trained, "frozen_sha256": digest}


def memory(training: Training) -> dict[str, int]:
    """Bytes of the gradients of an update, and of what the optimizer keeps between two."""
    state = training.optimizer.state_dict()["state"].values()
    kept = [value for each in state for value in each.values() if torch.is_tensor(value)]
    gradients = [parameter for parameter in training.model.parameters() if parameter.requires_grad]
    return {"gradient_bytes": size(gradients), "optimizer_bytes": size(kept)}


def size(tensors: list[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

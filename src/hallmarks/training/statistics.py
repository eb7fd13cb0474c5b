"""BatchNorm's statistics, where they do not simply go on moving with the batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

if TYPE_CHECKING:
    from hallmarks.training.loop import Training


def layers(model: nn.Module) -> Iterator[tuple[str, _NormBase]]:
    """The layers that keep statistics, by name."""
    for name, module in model.named_modules():
        if isinstance(module, _NormBase) and module.track_running_stats:
            yield name, module


@torch.no_grad()
def refresh(training: Training, epoch: int) -> None:
    """Compute them anew at these weights: the mean over the training batches of one epoch."""
    momenta = {module: module.momentum for _, module in layers(training.model)}
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # PyTorch's word for the mean of all batches
    training.model.train()
    for index in range(training.batches.steps_per_epoch):
        training.forward(training.batches.batch(epoch, index)[0])
    for module, momentum in momenta.items():
        module.momentum = momentum


def fix(model: nn.Module, state: dict[str, Any]) -> None:
    """Take the statistics of a model's state, and normalise by them from now on, in training as in test."""
    for name, module in layers(model):
        for buffer in ("running_mean", "running_var", "num_batches_tracked"):
            getattr(module, buffer).copy_(state[f"{name}.{buffer}"])
        module.eval()
        # Of a layer in training PyTorch normalises by the batch: it no longer follows the model into it.
        module.train = lambda mode=True, module=module: module

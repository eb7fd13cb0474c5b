"""The training loop: updates, and nothing else; whoever looks on is called after each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np
    from torch import nn, optim

    from hallmarks.training.timeline import Timeline

Objective = Callable[[Tensor, Tensor], tuple[Tensor, int, Tensor]]


class Batches(Protocol):
    """What is trained on, a function of (epoch, index), and what is tested on."""

    steps_per_epoch: int

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]: ...

    def test(self) -> Iterator[tuple[Tensor, Tensor]]: ...


@dataclass(frozen=True)
class Training:
    """Everything that updates need; `forward` computes the model's scores, float32."""

    model: nn.Module
    forward: Callable[[Tensor], Tensor]
    optimizer: optim.Optimizer
    objective: Objective
    batches: Batches
    timeline: Timeline


@dataclass(frozen=True)
class Step:
    """One update, done: how many are, and of its batch the mean loss, the count, and how many were right."""

    done: int
    loss: Tensor
    count: int
    correct: Tensor


def train(training: Training, done: int, look: Callable[[Step], None]) -> None:
    """θ_t → θ_{t+1} for every step after the first `done`; `look` is called after each."""
    model, optimizer, timeline = training.model, training.optimizer, training.timeline
    for step in range(done, timeline.steps):
        inputs, targets = training.batches.batch(*divmod(step, timeline.steps_per_epoch))
        for group in optimizer.param_groups:
            group["lr"] = timeline.learning_rate(step)
        model.train()
        first = []

        def closure(inputs=inputs, targets=targets, first=first) -> Tensor:
            """The loss, with its gradient: an optimizer may ask more than once; what counts is the first.

            Running statistics move in the first alone, at θ_t.
            """
            kept = [buffer.clone() for buffer in model.buffers()] if first else []
            measured = training.objective(training.forward(inputs), targets)
            optimizer.zero_grad()
            measured[0].backward()
            if first:
                for buffer, value in zip(model.buffers(), kept, strict=True):
                    buffer.copy_(value)
            first.append(measured)
            return measured[0]

        optimizer.step(closure)
        loss, count, correct = first[0]
        look(Step(step + 1, loss.detach(), count, correct))


@torch.inference_mode()
def test_accuracy(training: Training) -> float:
    """The fraction of the test set that is right."""
    training.model.eval()
    measured = [training.objective(training.forward(x), y) for x, y in training.batches.test()]
    return sum(int(correct) for _, _, correct in measured) / sum(count for _, count, _ in measured)


def point(model: nn.Module) -> dict[str, np.ndarray]:
    """θ: every learnable parameter by name; buffers are none."""
    return {name: parameter.detach().cpu().numpy() for name, parameter in model.named_parameters()}

"""The training loop, and what resuming it needs."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hallmarks.config.types import Recipe
from hallmarks.errors import UserError
from hallmarks.models import parameter_kinds
from hallmarks.training.log import Log
from hallmarks.training.optimizers import OPTIMIZERS
from hallmarks.training.schedule import Schedule
from hallmarks.training.state import States
from hallmarks.trajectory.store import TrajectoryWriter


class BatchSource(Protocol):
    """What is trained on: `hallmarks.data`'s batches, or any like them."""

    steps_per_epoch: int

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]: ...

    def test(self) -> Iterator[tuple[Tensor, Tensor]]: ...


class Interrupted(Exception):
    """The run was asked to stop; its state is saved and it can go on from there."""


class Diverged(Exception):
    """The loss, or a parameter, is not finite after `step` updates."""

    def __init__(self, run: str, epoch: float, step: int, learning_rate: float):
        self.epoch, self.step, self.learning_rate = epoch, step, learning_rate
        where = f"epoch {epoch:.4g} (step {step}), learning rate {learning_rate:g}"
        super().__init__(f"{run}: the loss is not finite at {where}")


class Trainer:
    """One run: `train` leaves its trajectory and log in `folder/output`, its states in `folder/states`.

    `digest` names everything else that decides the run (settings, data, code): a state of another digest is
    refused. Gone on with from a state, a run on the CPU ends with the bits of one that was never stopped.
    """

    def __init__(
        self, run: str, recipe: Recipe, model: nn.Module, batches: BatchSource, folder: Path, digest: str
    ):
        self.run, self.model, self.batches, self.output = run, model, batches, folder / "output"
        self.schedule = Schedule(recipe, batches.steps_per_epoch)
        self.optimizer = OPTIMIZERS[recipe.optimizer.name](model.parameters(), recipe.optimizer)
        self.writer = TrajectoryWriter(self.output / "trajectory", described(model))
        self.states, self.log = States(folder / "states", digest), Log()
        # Asking a GPU for a loss waits for it; on a CPU it costs nothing.
        self.check_every = 1 if next(model.parameters()).device.type == "cpu" else 50

    def train(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Train to the end, from the newest state where there is one.

        Raises Interrupted once `stop()` is true, with the step in hand finished and its state saved; Diverged
        where the loss is not finite: the trajectory then holds the points before, and says so.
        """
        start = self.resume()
        self.log.write(self.output / "log.csv")
        try:
            if start == 0:
                self.write_point(0)
            for step in range(start, self.schedule.steps):
                self.update(step)
                done = step + 1
                stopping = stop() and done < self.schedule.steps
                if stopping or self.schedule.ends_epoch(done) or self.schedule.is_point(done):
                    self.check(done)
                if self.schedule.ends_epoch(done):
                    self.end_epoch(done)
                if self.schedule.is_point(done):
                    self.write_point(done)
                if stopping or self.schedule.is_point(done):
                    self.save(done)
                if stopping:
                    raise Interrupted(f"{self.run}: stopped after {done} of {self.schedule.steps} steps")
        except Diverged as error:
            self.writer.record_divergence(error.epoch, error.step, error.learning_rate)
            raise

    def update(self, step: int) -> None:
        """θ_t → θ_{t+1}."""
        began = time.perf_counter()
        images, labels = self.batches.batch(*divmod(step, self.schedule.steps_per_epoch))
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.learning_rate(step)
        self.model.train()
        scores = self.model(images)
        loss = F.cross_entropy(scores, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.log.record(loss.detach(), (scores.argmax(1) == labels).sum(), len(labels))
        if len(self.log.unchecked) == self.check_every:
            self.check(step + 1)
        self.log.seconds += time.perf_counter() - began

    def check(self, done: int) -> None:
        """Raise Diverged where a loss up to now was not finite."""
        ago = self.log.first_not_finite()
        if ago is not None:
            raise self.diverged(done - ago)

    def diverged(self, done: int) -> Diverged:
        rate = self.schedule.learning_rate(max(done - 1, 0))
        return Diverged(self.run, self.schedule.epoch(done), done, rate)

    def end_epoch(self, done: int) -> None:
        """Close the log's line: the test accuracy, and a plain line for who is looking on."""
        rate = self.schedule.learning_rate(done - 1)
        row = self.log.end_epoch(self.schedule.epoch(done), done, self.test_accuracy(), rate)
        self.log.write(self.output / "log.csv")
        accuracies = f"accuracy {row['train_accuracy']:.1%} in training, {row['test_accuracy']:.1%} in test"
        speed = f"{row['images_per_second']:.0f} images/s"
        print(
            f"epoch {row['epoch']:g}: loss {row['loss']:.4f}, {accuracies}, {speed}",
            file=sys.stderr,
            flush=True,
        )

    @torch.inference_mode()
    def test_accuracy(self) -> float:
        """The fraction of the test images classified rightly."""
        self.model.eval()
        counts = [((self.model(x).argmax(1) == y).sum(), len(y)) for x, y in self.batches.test()]
        return sum(int(correct) for correct, _ in counts) / sum(images for _, images in counts)

    def write_point(self, done: int) -> None:
        """Append θ to the trajectory, with the learning rate of the update that follows."""
        arrays = {name: p.detach().cpu().numpy() for name, p in self.model.named_parameters()}
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise self.diverged(done)
        self.writer.write(arrays, done, self.schedule.epoch(done), self.schedule.learning_rate(done))

    def save(self, done: int) -> None:
        """Write the state from which the run goes on."""
        parts = {"model": self.model, "optimizer": self.optimizer, "log": self.log}
        content = {name: part.state_dict() for name, part in parts.items()}
        self.states.save(done, content | {"step": done, "points": len(self.writer.points)})

    def resume(self) -> int:
        """Take up the newest state: the steps done, 0 where there is none or its points are damaged."""
        for left in self.output.rglob(".*"):  # what a kill left half-written
            left.unlink()
        state = self.states.latest()
        if state is not None:
            try:
                self.writer.resume(state["points"])
            except UserError as error:
                print(f"{error}; starting afresh", file=sys.stderr)
                state = None
        if state is None:
            self.states.clear()
            self.writer.resume(0)
            return 0
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.log.load_state_dict(state["log"])
        print(f"{self.run}: going on after step {state['step']}", file=sys.stderr, flush=True)
        return state["step"]


def described(model: nn.Module) -> dict[str, dict]:
    """Shape and kind of each parameter, as `trajectory.json` holds them."""
    kinds = parameter_kinds(model)
    return {name: {"shape": list(p.shape), "kind": kinds[name]} for name, p in model.named_parameters()}

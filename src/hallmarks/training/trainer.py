"""A run around the training loop: its points, log, states and divergence; resumable at any moment."""

import math
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hallmarks.errors import Interrupted, UserError
from hallmarks.files import write
from hallmarks.training.kinds import parameter_kinds
from hallmarks.training.log import Log
from hallmarks.training.loop import Batches, Step, Training, point, test_accuracy, train
from hallmarks.training.precision import has_tf32
from hallmarks.training.state import States
from hallmarks.training.testing import test_text
from hallmarks.trajectory.store import TrajectoryWriter


class Diverged(Exception):
    """The loss, or a parameter, is not finite after `step` updates."""

    def __init__(self, run: str, epoch: float, step: int, learning_rate: float):
        self.epoch, self.step, self.learning_rate = epoch, step, learning_rate
        where = f"epoch {epoch:.4g} (step {step}), learning rate {learning_rate:g}"
        super().__init__(f"{run}: the loss is not finite at {where}")


class Trainer:
    """One run: `train` leaves its trajectory and log in `folder/output`, its states in `folder/states`.

    `first` is how many steps the start has behind it; after those in `keep` the state is kept for branches,
    in `folder/output/states`. Gone on with from a state, a run on the CPU ends with the bits of one that was
    never stopped.
    """

    def __init__(
        self, run: str, training: Training, folder: Path, first: int = 0, keep: Collection[int] = ()
    ):
        self.run, self.training, self.first, self.output = run, training, first, folder / "output"
        self.timeline = training.timeline
        self.writer = TrajectoryWriter(self.output / "trajectory", described(training.model))
        self.states = States(folder / "states")
        self.log = Log(getattr(training.batches, "bytes_per_token", None))
        self.keep, self.kept = frozenset(keep), States(self.output / "states", kept=None)
        # Asking a GPU for a loss waits for it; on a CPU it costs nothing.
        self.check_every = 1 if device_of(training.model).type == "cpu" else 50

    def train(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Train to the end, from the newest state where there is one.

        Raises Interrupted once `stop()` is true, with the step in hand finished and its state saved; Diverged
        where the loss is not finite: the trajectory then holds the points before, and says so.
        """
        done = self.resume()
        self.write_configuration()
        self.log.write(self.output / "log.csv")
        try:
            if done == self.first:
                self.write_point(done)
            self.keep_state(done)  # one that it goes on from may be wanted since
            self.stop, self.began = stop, time.perf_counter()
            train(self.training, done, self.look)
        except Diverged as error:
            self.writer.record_divergence(error.epoch, error.step, error.learning_rate)
            raise

    def make(self, stop: Callable[[], bool]) -> bool:
        """Train to the end and close the trajectory; True where it diverged. Raises Interrupted."""
        print(f"{self.run}: {computed(self.training)}", file=sys.stderr, flush=True)
        diverged = False
        try:
            self.train(stop)
        except Diverged as divergence:
            print(f"hallmarks train: {divergence}", file=sys.stderr)
            diverged = True
        self.writer.finish()
        return diverged

    def look(self, step: Step) -> None:
        """After each update: count it, and write what is due."""
        done = step.done
        self.log.record(step.loss, step.correct, step.count, self.timeline.recipe.batch_size)
        due = self.timeline.ends_epoch(done) or self.timeline.is_point(done) or done in self.keep
        if due or len(self.log.unchecked) == self.check_every:
            self.check(done)  # waits for the updates until here, whose seconds these are
        self.log.seconds += time.perf_counter() - self.began
        stopping = self.stop() and done < self.timeline.steps
        if stopping:
            self.check(done)
        if self.timeline.ends_epoch(done):
            self.end_epoch(done)
        if self.timeline.is_point(done):
            self.write_point(done)
        self.keep_state(done)
        if stopping or self.timeline.is_point(done):
            self.save(done)
        if stopping:
            raise Interrupted(f"{self.run}: stopped after {done} of {self.timeline.steps} steps")
        self.began = time.perf_counter()

    def check(self, done: int) -> None:
        """Raise Diverged where a loss up to now was not finite."""
        ago = self.log.first_not_finite()
        if ago is not None:
            raise self.diverged(done - ago)

    def diverged(self, done: int) -> Diverged:
        rate = self.timeline.learning_rate(max(done - 1, 0))
        return Diverged(self.run, self.timeline.epoch(done), done, rate)

    def end_epoch(self, done: int) -> None:
        """Close the log's line: the test accuracy, and a plain line for who is looking on."""
        rate, reading = self.timeline.learning_rate(done - 1), read_per_second(self.training.batches)
        accuracy, loss = self.tested()
        row = self.log.end_epoch(self.timeline.epoch(done), done, accuracy, rate, loss)
        self.log.write(self.output / "log.csv")
        accuracies = f"accuracy {row['train_accuracy']:.1%} in training, {row['test_accuracy']:.1%} in test"
        if "bits_per_byte" in row:
            bits = row["bits_per_byte"], row["test_bits_per_byte"]
            accuracies += f", bits a byte {bits[0]:.3f} and {bits[1]:.3f}"
        speed = f"{row['images_per_second']:.0f} examples/s"
        if reading is not None:
            bound = reading < 1.1 * row["images_per_second"]
            speed += f", reading alone {reading:.0f}/s" + (", which bounds it" if bound else "")
        print(
            f"epoch {row['epoch']:g}: loss {row['loss']:.4f}, {accuracies}, {speed}",
            file=sys.stderr,
            flush=True,
        )

    def tested(self) -> tuple[float, float]:
        """The accuracy on the test set, and of a text the loss besides."""
        if self.log.bytes_per_token is None:
            return test_accuracy(self.training), math.nan
        return test_text(self.training)

    def evaluate(self) -> None:
        """Of a run without updates the log's only line: the test accuracy of its start."""
        self.log.evaluated(self.timeline.epoch(self.first), self.first, *self.tested())
        self.log.write(self.output / "log.csv")

    def write_configuration(self) -> None:
        """Beside the points, what transformers says of its models: from it a kernel knows the heads."""
        configuration = getattr(self.training.model, "config", None)
        if hasattr(configuration, "to_json_string"):
            write(self.output / "trajectory/config.json", configuration.to_json_string())

    def write_point(self, done: int) -> None:
        """Append θ to the trajectory, with the learning rate of the update that follows."""
        arrays = point(self.training.model)
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise self.diverged(done)
        self.writer.write(arrays, done, self.timeline.epoch(done), self.timeline.learning_rate(done))

    def keep_state(self, done: int) -> None:
        """Keep the state for those that branch from here."""
        if done in self.keep:
            self.kept.save(done, self.state(done))

    def save(self, done: int) -> None:
        """Write the state from which the run goes on."""
        rest = {"log": self.log.state_dict(), "points": len(self.writer.points)}
        self.states.save(done, self.state(done) | rest)

    def state(self, done: int) -> dict:
        """What updates change."""
        parts = {"model": self.training.model, "optimizer": self.training.optimizer}
        return {name: part.state_dict() for name, part in parts.items()} | {"step": done}

    def resume(self) -> int:
        """Take up the newest state: the steps done, `first` where there is none or its points are damaged."""
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
            return self.first
        self.training.model.load_state_dict(state["model"])
        self.training.optimizer.load_state_dict(state["optimizer"])
        self.log.load_state_dict(state["log"])
        print(f"{self.run}: going on after step {state['step']}", file=sys.stderr, flush=True)
        return state["step"]


def read_per_second(batches: Batches) -> float | None:
    """How fast files are read, told by batches that are read from files; None of others."""
    return batches.read_per_second() if hasattr(batches, "read_per_second") else None


def device_of(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def computed(training: Training) -> str:
    """What is computed where and in which numbers, for who reads the log."""
    recipe, device = training.timeline.recipe, device_of(training.model)
    numbers = recipe.computed()
    if recipe.precision == "tf32" and not has_tf32(device):
        numbers = "in float32, since it has no TF32"
    size = sum(parameter.numel() for parameter in training.model.parameters())
    return f"{size:,} parameters on {device}, {numbers}"


def described(model: nn.Module) -> dict[str, dict]:
    """Shape and kind of each parameter, as `trajectory.json` holds them."""
    kinds = parameter_kinds(model)
    # Of transformers', a linear layer that holds queries, keys and values.
    kinds |= {name: "attention" for name in kinds if "query_key_value" in name.split(".")}
    return {name: {"shape": list(p.shape), "kind": kinds[name]} for name, p in model.named_parameters()}

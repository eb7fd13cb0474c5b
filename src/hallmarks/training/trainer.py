"""A run around the training loop: its points, log, states and divergence; resumable at any moment."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import nn

from hallmarks.errors import Interrupted, UserError
from hallmarks.training.kinds import parameter_kinds
from hallmarks.training.log import Log
from hallmarks.training.loop import Step, Training, point, test_accuracy, train
from hallmarks.training.state import States
from hallmarks.trajectory.store import TrajectoryWriter


class Diverged(Exception):
    """The loss, or a parameter, is not finite after `step` updates."""

    def __init__(self, run: str, epoch: float, step: int, learning_rate: float):
        self.epoch, self.step, self.learning_rate = epoch, step, learning_rate
        where = f"epoch {epoch:.4g} (step {step}), learning rate {learning_rate:g}"
        super().__init__(f"{run}: the loss is not finite at {where}")


class Trainer:
    """One run: `train` leaves its trajectory and log in `folder/output`, its states in `folder/states`.

    `first` is how many steps the start has behind it. Gone on with from a state, a run on the CPU ends with
    the bits of one that was never stopped.
    """

    def __init__(self, run: str, training: Training, folder: Path, first: int = 0):
        self.run, self.training, self.first, self.output = run, training, first, folder / "output"
        self.timeline = training.timeline
        self.writer = TrajectoryWriter(self.output / "trajectory", described(training.model))
        self.states, self.log = States(folder / "states"), Log()
        # Asking a GPU for a loss waits for it; on a CPU it costs nothing.
        self.check_every = 1 if next(training.model.parameters()).device.type == "cpu" else 50

    def train(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Train to the end, from the newest state where there is one.

        Raises Interrupted once `stop()` is true, with the step in hand finished and its state saved; Diverged
        where the loss is not finite: the trajectory then holds the points before, and says so.
        """
        done = self.resume()
        self.log.write(self.output / "log.csv")
        try:
            if done == self.first:
                self.write_point(done)
            self.stop, self.began = stop, time.perf_counter()
            train(self.training, done, self.look)
        except Diverged as error:
            self.writer.record_divergence(error.epoch, error.step, error.learning_rate)
            raise

    def look(self, step: Step) -> None:
        """After each update: count it, and write what is due."""
        done = step.done
        self.log.record(step.loss, step.correct, step.count, self.timeline.recipe.batch_size)
        if len(self.log.unchecked) == self.check_every:
            self.check(done)
        self.log.seconds += time.perf_counter() - self.began
        stopping = self.stop() and done < self.timeline.steps
        if stopping or self.timeline.ends_epoch(done) or self.timeline.is_point(done):
            self.check(done)
        if self.timeline.ends_epoch(done):
            self.end_epoch(done)
        if self.timeline.is_point(done):
            self.write_point(done)
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
        rate = self.timeline.learning_rate(done - 1)
        row = self.log.end_epoch(self.timeline.epoch(done), done, test_accuracy(self.training), rate)
        self.log.write(self.output / "log.csv")
        accuracies = f"accuracy {row['train_accuracy']:.1%} in training, {row['test_accuracy']:.1%} in test"
        speed = f"{row['images_per_second']:.0f} examples/s"
        print(
            f"epoch {row['epoch']:g}: loss {row['loss']:.4f}, {accuracies}, {speed}",
            file=sys.stderr,
            flush=True,
        )

    def write_point(self, done: int) -> None:
        """Append θ to the trajectory, with the learning rate of the update that follows."""
        arrays = point(self.training.model)
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise self.diverged(done)
        self.writer.write(arrays, done, self.timeline.epoch(done), self.timeline.learning_rate(done))

    def save(self, done: int) -> None:
        """Write the state from which the run goes on."""
        parts = {"model": self.training.model, "optimizer": self.training.optimizer, "log": self.log}
        content = {name: part.state_dict() for name, part in parts.items()}
        self.states.save(done, content | {"step": done, "points": len(self.writer.points)})

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


def described(model: nn.Module) -> dict[str, dict]:
    """Shape and kind of each parameter, as `trajectory.json` holds them."""
    kinds = parameter_kinds(model)
    return {name: {"shape": list(p.shape), "kind": kinds[name]} for name, p in model.named_parameters()}

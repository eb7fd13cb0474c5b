"""For `transformers`: Trainer(…, callbacks=[TrajectoryCallback("trajectory", every=100)])."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hallmarks.callbacks.points import Points


class TrajectoryCallback(TrainerCallback):
    """Writes a point at the start, every so many steps, and at the end, on the first process alone."""

    def __init__(self, folder: Path | str, every: int = 1):
        self.folder, self.every = folder, every
        self.points: Points | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any, **told: Any
    ) -> None:
        if state.is_world_process_zero:
            self.points = Points(self.folder, model, self.every, begins=state.global_step)
            self.points.write_now(model, state.global_step, state.epoch or 0.0, rate(told))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any, **told: Any
    ) -> None:
        if self.points:
            self.points.write(model, state.global_step, state.epoch, rate(told))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any, **told: Any
    ) -> None:
        if self.points:
            self.points.write_now(model, state.global_step, state.epoch, rate(told))
            self.points.finish()


def rate(told: dict[str, Any]) -> float:
    """The learning rate of the next step, of the first group of parameters."""
    scheduler = told.get("lr_scheduler")
    return float(scheduler.get_last_lr()[0]) if scheduler else float("nan")

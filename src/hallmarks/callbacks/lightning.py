"""A callback of Lightning: Trainer(…, callbacks=[TrajectoryCallback("trajectory", every=100)])."""

from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from hallmarks.callbacks.points import Points


class TrajectoryCallback(Callback):
    """Writes a point at the start, every so many steps, and at the end, on the first process alone."""

    def __init__(self, folder: Path | str, every: int = 1):
        self.folder, self.every = folder, every
        self.points: Points | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.points = Points(self.folder, pl_module, self.every, begins=trainer.global_step)
            self.points.write_now(pl_module, trainer.global_step, epoch(trainer), rate(trainer))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.points:
            self.points.write(pl_module, trainer.global_step, epoch(trainer, batch_idx + 1), rate(trainer))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.points:
            self.points.write_now(pl_module, trainer.global_step, float(trainer.current_epoch), rate(trainer))
            self.points.finish()


def epoch(trainer: Trainer, batches: int = 0) -> float:
    """Epochs that are behind, with the part of the present one."""
    return trainer.current_epoch + batches / max(trainer.num_training_batches, 1)


def rate(trainer: Trainer) -> float:
    """The learning rate of the next step, of the first optimizer's first group of parameters."""
    return float(trainer.optimizers[0].param_groups[0]["lr"]) if trainer.optimizers else float("nan")

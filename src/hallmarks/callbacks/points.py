"""Points of a PyTorch model while one's own loop trains it, which `hallmarks map` reads at once."""

import math
from pathlib import Path

from torch import nn

from hallmarks.errors import UserError
from hallmarks.training.kinds import parameter_kinds
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.trajectory.store import TrajectoryWriter


class Points:
    """Writes what a model learns, its parameters that require a gradient, as float32, every so many steps.

    A folder that holds a trajectory is gone on with: points after the step at which training begins again are
    written anew. Raises UserError for parameters that are not whole here, or others than the folder's.
    """

    def __init__(self, folder: Path | str, model: nn.Module, every: int = 1, begins: int = 0):
        self.folder, self.every = Path(folder), every
        own = plain(model)
        kinds = parameter_kinds(own)
        learned = {name: p for name, p in own.named_parameters() if p.requires_grad}
        for name, parameter in learned.items():
            if parameter.numel() == 0 or hasattr(parameter, "full_tensor"):
                raise UserError(
                    f"{folder}: {name} is in parts on several devices (FSDP, ZeRO-3); save checkpoints by "
                    "your trainer instead, put together, and give these to `hallmarks map`"
                )
        told = {name: {"shape": p.shape, "kind": kinds[name]} for name, p in learned.items()}
        self.writer = TrajectoryWriter(self.folder, told)
        before = read_trajectory(self.folder).points if (self.folder / "trajectory.json").exists() else []
        self.writer.resume(sum(point.step < begins for point in before))

    def write(
        self, model: nn.Module, step: int, epoch: float = math.nan, learning_rate: float = math.nan
    ) -> bool:
        """Write a point at every so many steps; whether it did."""
        return step % self.every == 0 and self.write_now(model, step, epoch, learning_rate)

    def write_now(
        self, model: nn.Module, step: int, epoch: float = math.nan, learning_rate: float = math.nan
    ) -> bool:
        """Write a point, unless this step's is there; whether it did. Raises UserError where it cannot."""
        if self.writer.points and self.writer.points[-1].step >= step:
            return False
        parameters = dict(plain(model).named_parameters())
        values = {name: parameters[name].detach().float().cpu().numpy() for name in self.writer.parameters}
        self.writer.write(values, step, epoch, learning_rate)
        return True

    def finish(self) -> None:
        """Say that the trajectory is whole."""
        self.writer.finish()


def plain(model: nn.Module) -> nn.Module:
    """The model within what DistributedDataParallel and torch.compile put around it."""
    while (inner := getattr(model, "_orig_mod", None) or ddp_module(model)) is not None:
        model = inner
    return model


def ddp_module(model: nn.Module) -> nn.Module | None:
    wrappers = nn.DataParallel, nn.parallel.DistributedDataParallel
    return model.module if isinstance(model, wrappers) else None

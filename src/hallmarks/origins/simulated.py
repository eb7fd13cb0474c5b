"""Runs that are simulated: heavy-ball gradient descent on a quadratic, without data, a network or torch."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from hallmarks.errors import Interrupted
from hallmarks.files import write
from hallmarks.runs.origin import Cost, Making, Origin, Time
from hallmarks.trajectory.heavy_ball import heavy_ball
from hallmarks.trajectory.store import TrajectoryWriter


class Settings(Origin):
    """Heavy-ball gradient descent on ½ Σ λᵢ θᵢ², from a standard normal point drawn by the run's seed.

    The arithmetic is float64; points are stored as float32, as those of any run. Each eigenvector is a
    parameter tensor of its own, `direction-1`, …, so that a kernel tells them apart.
    """

    origin: Literal["simulated"] = "simulated"
    curvatures: Annotated[list[NonNegativeFloat], Field(min_length=1)]
    """The eigenvalues λ of the quadratic, in the order of the directions."""
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NonNegativeFloat = 0.0
    """α, coupled as in SGD: it adds ½ α ‖θ‖² to the loss."""
    length: PositiveInt
    """Updates; each gives a point."""

    def steps(self) -> int:
        """Updates of the whole run."""
        return self.length

    def time(self) -> Time:
        """It counts in steps, and the learning rate never drops."""
        return Time("steps", [])

    def describe(self) -> str:
        """A line for captions."""
        curvatures = ", ".join(f"{curvature:g}" for curvature in self.curvatures)
        return (
            f"heavy-ball gradient descent on a quadratic with curvatures {curvatures}, {self.length} steps, "
            f"learning rate {self.learning_rate:g}, momentum {self.momentum:g}, "
            f"weight decay {self.weight_decay:g}"
        )

    def cost(self) -> Cost:
        """For `hallmarks plan`."""
        size = len(self.curvatures)
        return Cost(
            self.length + 1, parameters=size, tensors=size, steps=self.length, flops=7.0 * size * self.length
        )

    def make(self, making: Making) -> bool:
        """Simulate the run in `making.folder`, from its start each time; True where it left float32's range.

        Raises Interrupted.
        """
        output, curvatures = making.folder / "output", np.array(self.curvatures)
        points = heavy_ball(
            curvatures,
            np.random.default_rng(making.seed).standard_normal(len(curvatures)),
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            length=self.length,
        )
        names = [f"direction-{number}" for number in range(1, len(curvatures) + 1)]
        writer = TrajectoryWriter(
            output / "trajectory", {name: {"shape": [1], "kind": "other"} for name in names}
        )
        writer.resume(0)
        log = ["epoch,step,loss,learning_rate"]
        for step, point in enumerate(points):
            if making.stop():
                raise Interrupted(f"{making.run}: stopped after {step} of {self.length} steps")
            if not (np.abs(point) <= np.finfo(np.float32).max).all():
                writer.record_divergence(step, step, self.learning_rate)
                break
            # A step is as good as an epoch.
            parameters = {name: point[[index]] for index, name in enumerate(names)}
            writer.write(parameters, step, step, self.learning_rate)
            loss = 0.5 * ((curvatures + self.weight_decay) * point**2).sum()
            log.append(f"{step},{step},{loss:.9g},{self.learning_rate:g}")
        writer.finish()
        write(output / "log.csv", "\n".join([*log, ""]))
        return writer.diverged is not None

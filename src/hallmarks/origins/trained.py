"""Runs that are trained here: data, a network and a recipe."""

import sys
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from hallmarks.config.registry import Registry
from hallmarks.config.strict import Strict, Unit
from hallmarks.data.prepare import DATA_SETS
from hallmarks.errors import UserError
from hallmarks.runs.origin import Cost, Epoch, Making, Origin, Time
from hallmarks.training.timeline import Timeline

MODELS = Registry("hallmarks.models", "model")
OPTIMIZERS = Registry("hallmarks.optimizers", "optimizer", default="sgd")
OBJECTIVES = Registry("hallmarks.objectives", "objective", default="classification")
SCHEDULES = Registry("hallmarks.schedules", "schedule", default="constant")


class Points(Strict):
    """A point of the trajectory every so many epochs or steps; the initialisation is the first."""

    every: PositiveInt = 1
    unit: Unit = "epochs"


class Recipe(Strict):
    """How a run is trained."""

    optimizer: Annotated[Any, OPTIMIZERS]
    objective: Annotated[Any, OBJECTIVES, Field(validate_default=True)] = {}
    batch_size: PositiveInt
    length: NonNegativeInt
    """Of the whole run, in `unit`."""
    unit: Unit = "epochs"
    schedule: Annotated[Any, SCHEDULES, Field(validate_default=True)] = {}
    points: Points = Points()

    @model_validator(mode="after")
    def schedule_fits(self) -> "Recipe":
        self.schedule.check(self.length, self.unit)
        return self


class Settings(Origin):
    """What is trained."""

    origin: Literal["trained"] = "trained"
    data: Annotated[Any, DATA_SETS]
    model: Annotated[Any, MODELS]
    recipe: Recipe

    def check(self) -> None:
        """Raise UserError, the key first, where the settings cannot be run."""
        try:
            self.data.check()
        except UserError as error:
            raise UserError(f"data.{error}") from None
        if self.steps_per_epoch() == 0:
            raise UserError(
                f"recipe.batch_size: {self.recipe.batch_size} is larger than the training set, "
                f"{self.data.training_examples} of {self.data.name}"
            )

    def data_sets(self) -> list[str]:
        """The data sets that must be there."""
        return [self.data.name]

    def modules(self) -> list[str]:
        """The modules that decide its numbers; what they import is found."""
        recipe = self.recipe
        return [
            "hallmarks.training.loop",
            "hallmarks.training.setup",
            DATA_SETS.module_name(self.data.name),
            MODELS.module_name(self.model.name),
            OPTIMIZERS.module_name(recipe.optimizer.name),
            OBJECTIVES.module_name(recipe.objective.name),
            SCHEDULES.module_name(recipe.schedule.name),
        ]

    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch; the incomplete last one is dropped."""
        return self.data.training_examples // self.recipe.batch_size

    def timeline(self) -> Timeline:
        """The recipe counted in steps, as training counts it."""
        return Timeline(self.recipe, self.steps_per_epoch())

    def steps(self) -> int:
        """Updates of the whole run."""
        return self.timeline().steps

    def epoch(self) -> Epoch:
        """Of whole batches."""
        return Epoch(self.steps_per_epoch(), self.steps_per_epoch() * self.recipe.batch_size)

    def time(self) -> Time:
        """For figures and claims."""
        return Time(self.recipe.unit, self.recipe.schedule.drops())

    def describe(self) -> str:
        """A line for captions: network, data and recipe."""
        recipe, drops = self.recipe, self.recipe.schedule.drops()
        sizes = ", ".join(f"{key} {value}" for key, value in self.model if key != "name")
        return (
            f"{self.model.name}{sizes and f' of {sizes}'} on {self.data.describe()}, "
            f"{recipe.length} {recipe.unit} of batch {recipe.batch_size}, {recipe.optimizer.describe()}"
        ) + (f", drops at {', '.join(map(str, drops))}" if drops else "")

    def cost(self) -> Cost:
        """For `hallmarks plan`: testing, after each epoch, is the forward third of training."""
        from hallmarks.training.size import size_of

        size = size_of(self.model, self.data.shape)
        every = self.timeline().in_steps(self.recipe.points.every, self.recipe.points.unit)
        trained = self.steps() * self.recipe.batch_size
        tested = -(-self.steps() // self.steps_per_epoch()) * self.data.test_examples
        return Cost(
            points=1 + -(-self.steps() // every),
            parameters=size.parameters,
            tensors=size.tensors,
            steps=self.steps(),
            flops=size.flops * (trained + tested / 3),
            decoded=trained + tested if self.data.decoded else 0,
            state=2 * size.parameters,  # the weights, and as much of the optimizer
        )

    def make(self, making: Making) -> bool:
        """Train the run in `making.folder`; True where it diverged. Raises Interrupted."""
        from hallmarks.training.setup import fresh, set_up
        from hallmarks.training.trainer import Diverged, Trainer

        device = making.device()
        start, batches = fresh(self, making.data, making.seed, device)
        training = set_up(self.recipe, start, batches)
        size = sum(parameter.numel() for parameter in start.model.parameters())
        print(f"{making.run}: {size:,} parameters on {device}", file=sys.stderr, flush=True)
        trainer = Trainer(making.run, training, making.folder, start.step)
        diverged = False
        try:
            trainer.train(making.stop)
        except Diverged as divergence:
            print(f"hallmarks train: {divergence}", file=sys.stderr)
            diverged = True
        trainer.writer.finish()
        return diverged

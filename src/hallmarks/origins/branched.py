"""Runs that branch from a trained one: from its full state after an epoch on, only some parameters train.

The state is the model with its BatchNorm statistics, and the optimizer with its momentum; data and learning
rate are what the parent would have had.
"""

from typing import Any, Literal

from pydantic import ConfigDict, NonNegativeInt, PositiveInt, model_validator

from hallmarks.config.strict import Name
from hallmarks.errors import UserError
from hallmarks.files import write_json
from hallmarks.origins.trained import Points, Recipe
from hallmarks.origins.trained import Settings as Trained
from hallmarks.runs.origin import Cost, Epoch, Making, Origin, Parent, Time
from hallmarks.training.span import span
from hallmarks.training.timeline import Timeline
from hallmarks.training.trainable import TRAINABLE

REASONS = {"choices": True, "training": {"choices"}}


class Settings(Origin):
    """A branch of another task's run with the same seed."""

    # A configuration need not say what is filled in.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema["required"].remove("training"))

    origin: Literal["branched"] = "branched"
    parent: Name
    """The task that it goes on from."""
    training: Trained
    """That task's settings, filled in from `parent`; a variation may set any of them, of the parent too."""
    at: NonNegativeInt
    """The epoch after which it begins; 0 is the initialisation."""
    trains: Literal[tuple(TRAINABLE)]
    """What trains; all else is frozen, bit for bit."""
    statistics: Literal["moving", "refreshed", "trained"] = "moving"
    """BatchNorm's: go on moving; are computed anew, where nothing trains; or are fixed to those of the
    parent's end, by which training then normalises too."""
    length: PositiveInt | None = None
    """Updates; without it to the parent's end."""
    points: Points | None = None
    """Without it, the parent's."""

    @model_validator(mode="after")
    def nothing_is_idle(self) -> "Settings":
        if self.length is not None and self.trains == "none":
            raise ValueError("length: nothing trains, so that there are no updates; leave it out")
        if self.statistics == "refreshed" and self.trains != "none":
            raise ValueError("statistics: are refreshed where nothing trains; say `trains: none`")
        return self

    def resolved(self) -> dict[str, Any]:
        """The settings, the parent's among them, without the reasons of choices of either."""
        return self.model_dump(exclude=REASONS)

    def given(self) -> dict[str, Any]:
        """Those that are not at their defaults."""
        return self.model_dump(exclude=REASONS, exclude_defaults=True)

    def check(self) -> None:
        """Raise UserError, the key first, where the settings cannot be run."""
        self.training.check()
        steps = self.training.steps()
        if self.first > steps:
            epochs = steps / self.training.steps_per_epoch()
            raise UserError(f"at: epoch {self.at} is past the end of {self.parent}, {epochs:g} epochs")
        if self.length is not None and self.first + self.length > steps:
            raise UserError(
                f"length: {self.length} steps after epoch {self.at} are past the end of {self.parent}"
            )
        for window in self.points.windows if self.points else []:
            if window[0] < self.first or window[1] > self.steps():
                raise UserError(
                    f"points.windows: {window} is not within the branch, steps {self.first} to {self.steps()}"
                )

    def parent_run(self) -> Parent:
        """The run whose state it goes on from."""
        steps = {self.first, *([self.training.steps()] if self.statistics == "trained" else [])}
        return Parent(self.parent, self.training, tuple(sorted(steps)))

    def data_sets(self) -> list[str]:
        """The parent's."""
        return self.training.data_sets()

    def modules(self) -> list[str]:
        """The parent's, what freezes, and what tells that it did and what it saves, in `branch.json`."""
        return [*self.training.modules(), "hallmarks.training.branch", "hallmarks.training.frozen"]

    @property
    def first(self) -> int:
        """The steps of the parent's that are behind it."""
        return span(self).start

    @property
    def recipe(self) -> Recipe:
        """The parent's, with its own points."""
        recipe = self.training.recipe
        return recipe.model_copy(update={"points": self.points}) if self.points else recipe

    def steps(self) -> int:
        """The step at which it ends, counted from the parent's beginning."""
        return span(self).stop

    def epoch(self) -> Epoch:
        """The parent's."""
        return self.training.epoch()

    def time(self) -> Time:
        """The parent's."""
        return self.training.time()

    def describe(self) -> str:
        """A line for captions."""
        return f"branches of {self.training.describe()}"

    def cost(self) -> Cost:
        """For `hallmarks plan`: of a step's three passes, forward and back through activations and weights,
        that through the weights is left out where hardly any train."""
        from hallmarks.training.size import size_of

        data, epoch = self.training.data, self.epoch()
        size, steps = size_of(self.training.model, data.shape), self.steps() - self.first
        timeline = Timeline(self.recipe, epoch.steps, self.steps())
        passes = getattr(self.recipe.optimizer, "passes", 1)
        passes *= 1.0 if self.trains in {"all", "random-weights"} else 2 / 3
        trained = steps * self.recipe.batch_size
        forward = max(-(-steps // epoch.steps), 1) * data.test_examples
        forward += epoch.examples if self.statistics == "refreshed" else 0
        return Cost(
            points=1 + sum(map(timeline.is_point, range(self.first + 1, self.steps() + 1))),
            parameters=size.parameters,
            tensors=size.tensors,
            steps=steps,
            flops=size.flops * (passes * trained + forward / 3),
            decoded=trained + forward if data.decoded else 0,
            state=2 * size.parameters,
            precision=self.recipe.precision,
        )

    def make(self, making: Making) -> bool:
        """Train the branch in `making.folder`; True where it diverged. Raises Interrupted and UserError."""
        from hallmarks.training.branch import branch
        from hallmarks.training.frozen import Frozen, memory
        from hallmarks.training.parent import ParentRun
        from hallmarks.training.trainer import Trainer

        if making.parent is None:
            raise UserError(f"{making.run}: is a branch; give the folder of its parent's run, --parent")
        parent = ParentRun(making.parent, self.training, making)
        training, trained = branch(self, parent.state, making.data, making.seed, making.device())
        if not trained and self.trains != "none":
            raise UserError(f"{making.run}: trains {self.trains}; {self.training.model.name} has none")
        frozen = Frozen(training.model, trained)
        trainer = Trainer(making.run, training, making.folder, self.first)
        diverged = trainer.make(making.stop)
        if self.steps() == self.first:
            trainer.evaluate()
        frozen.check()
        said = frozen.described() | memory(training) | {"steps": self.steps() - self.first}
        said |= {"seconds": sum(row["seconds"] for row in trainer.log.rows)}
        own = {"parent": parent.name, "at": self.at, "trains": self.trains, "statistics": self.statistics}
        write_json(making.folder / "output" / "branch.json", own | said)
        return diverged

"""Runs that are trained here: data, a network and a recipe."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator

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
PRECISIONS = {
    "float32": "in float32",
    "tf32": "in float32, products and convolutions in TF32",
    "bf16": "in bfloat16 by autocast, parameters in float32",
}


def forwards(window: list[int]) -> list[int]:
    """A window from a step to a later one, or of a single step."""
    if window[0] > window[1]:
        raise ValueError(f"a window is [first, last], and {window} ends before it begins")
    return window


def spelled_out(window: Any) -> Any:
    """A window that a single step is."""
    return [window, window] if isinstance(window, int) else window


Window = Annotated[
    list[NonNegativeInt],
    Field(min_length=2, max_length=2),
    AfterValidator(forwards),
    BeforeValidator(spelled_out, json_schema_input_type=NonNegativeInt | list[NonNegativeInt]),
]


class Points(Strict):
    """A point of the trajectory every so many epochs or steps; the initialisation is the first."""

    every: PositiveInt = 1
    unit: Unit = "epochs"
    windows: list[Window] = []
    """Spans of steps, `[first, last]`, in which every step ends in a point too; a number is a single step."""


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
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    """In what products and convolutions are computed, in training and in testing; what is kept is float32.

    `tf32` lets a GPU that has TF32 use it, `bf16` is autocast to bfloat16.
    """
    compile: bool = False
    """Whether `torch.compile` makes the network's kernels: fewer to start, a minute or more to make them."""

    @model_validator(mode="after")
    def schedule_fits(self) -> "Recipe":
        self.schedule.check(self.length, self.unit)
        return self

    def computed(self) -> str:
        """How the network is computed, for captions."""
        return PRECISIONS[self.precision] + (", compiled" if self.compile else "")


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
        given = inputs_of(self.data)
        for key, part in {"model": self.model, "recipe.objective": self.recipe.objective}.items():
            if inputs_of(part) != given:
                raise UserError(
                    f"{key}: {part.name} takes {inputs_of(part)}, and {self.data.name} is {given}"
                )
        if hasattr(self.model, "check"):
            try:
                self.model.check(self.data.shape)
            except UserError as error:
                raise UserError(f"model.{error}") from None
        if self.steps_per_epoch() == 0:
            raise UserError(
                f"recipe.batch_size: {self.recipe.batch_size} is larger than the training set, "
                f"{self.data.training_examples} of {self.data.name}"
            )
        for window in self.recipe.points.windows:
            if window[1] > self.steps():
                raise UserError(f"recipe.points.windows: {window} ends after the last step, {self.steps()}")

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
            (
                f"{self.model.name}{sizes and f' of {sizes}'} on {self.data.describe()}, "
                f"{recipe.length} {recipe.unit} of batch {recipe.batch_size}, {recipe.optimizer.describe()}"
            )
            + (f", drops at {', '.join(map(str, drops))}" if drops else "")
            + (f", {recipe.schedule.describe()}" if hasattr(recipe.schedule, "describe") else "")
            + f", {recipe.computed()}"
        )

    def cost(self) -> Cost:
        """For `hallmarks plan`: testing, after each epoch, is the forward third of training."""
        from hallmarks.training.size import size_of

        size = size_of(self.model, self.data.shape)
        trained = self.steps() * self.recipe.batch_size
        passes = getattr(self.recipe.optimizer, "passes", 1)
        tested = -(-self.steps() // self.steps_per_epoch()) * self.data.test_examples
        return Cost(
            points=len(self.timeline().points()),
            parameters=size.parameters,
            tensors=size.tensors,
            steps=self.steps(),
            flops=size.flops * (passes * trained + tested / 3),
            decoded=trained + tested if self.data.decoded else 0,
            state=2 * size.parameters,  # the weights, and as much of the optimizer
            precision=self.recipe.precision,
        )

    def make(self, making: Making) -> bool:
        """Train the run in `making.folder`; True where it diverged. Raises Interrupted."""
        from hallmarks.training.setup import fresh, set_up
        from hallmarks.training.trainer import Trainer

        start, batches = fresh(self, making.data, making.seed, making.device())
        training = set_up(self.recipe, start, batches, making.until)
        return Trainer(making.run, training, making.folder, keep=making.keep).make(making.stop)


def inputs_of(part: Strict) -> str:
    """What a data set gives, or a model or an objective takes: images, unless it says others."""
    return getattr(part, "inputs", "images")

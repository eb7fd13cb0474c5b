"""The configuration's types. A key that is not named here is an error, and so is a value out of range."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from hallmarks.config.registry import Registry
from hallmarks.config.strict import Choices, Name, Strict, Unit

# Rules of the workflow; figures and tables are targets beside them.
RULES = {"all", "data", "train", "kernel", "discard", "measure", "figure", "claims", "initialisations"}


class Data(Strict):
    """The data set, and what makes it smaller for small runs."""

    name: Literal["digits", "fashion-mnist", "cifar10", "imagenet"]
    training_images: PositiveInt | None = None
    """How many to train on; without it all."""
    test_images: PositiveInt | None = None
    """How many to test on; without it all."""
    pooling: PositiveInt = 1
    """k averages k×k pixels into one."""
    augment: list[Literal["crop", "flip"]] = []
    """Random crops and horizontal flips, drawn anew for each image in each epoch."""


class Model(Strict):
    """The network and the channels of its first stage; by default the paper's."""

    name: Literal["resnet20", "vgg16", "resnet50"]
    width: PositiveInt = Field(default_factory=lambda model: 16 if model["name"] == "resnet20" else 64)
    """Channels of the first stage; without it 16 for resnet20, else 64."""


class Sgd(Strict):
    """PyTorch's SGD: heavy-ball momentum, weight decay added to the gradient."""

    name: Literal["sgd"] = "sgd"
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NonNegativeFloat = 0.0


class Drops(Strict):
    """The learning rate is multiplied by `factor` at each of `at`."""

    at: list[PositiveInt]
    """Rising, all before the end."""
    factor: PositiveFloat = 0.1
    unit: Unit = "epochs"
    """The same as the recipe's."""


class Points(Strict):
    """A point of the trajectory every so many epochs or steps; the initialisation is the first."""

    every: PositiveInt = 1
    unit: Unit = "epochs"


class Recipe(Strict):
    """How a run is trained."""

    optimizer: Sgd
    batch_size: PositiveInt
    length: NonNegativeInt
    """Of the whole run, in `unit`."""
    unit: Unit = "epochs"
    drops: Drops | None = None
    points: Points = Points()

    @model_validator(mode="after")
    def drops_are_within(self) -> "Recipe":
        if self.drops is None:
            return self
        if self.drops.unit != self.unit:
            raise ValueError(f"drops are in {self.drops.unit}, the length in {self.unit}; use one unit")
        if self.drops.at != sorted(set(self.drops.at)):
            raise ValueError(f"drops at {self.drops.at} do not rise; list them in order")
        if self.drops.at and self.drops.at[-1] >= self.length:
            raise ValueError(
                f"a drop at {self.drops.at[-1]} is past the end, {self.length} {self.unit}; end it before"
            )
        return self


class Task(Strict):
    """What is trained."""

    data: Data
    model: Model
    recipe: Recipe
    choices: Choices = {}


class Variation(Strict):
    """What an experiment changes of its task; what is not named stays."""

    batch_size: PositiveInt | None = None
    learning_rate: PositiveFloat | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    weight_decay: NonNegativeFloat | None = None

    def changes(self) -> dict[str, float | int]:
        """The named values, in the fixed (alphabetical) order."""
        return {key: value for key, value in self if value is not None}

    @property
    def label(self) -> str:
        """What a reader sees: `momentum 0, weight decay 0.0001`."""
        changed = [f"{key.replace('_', ' ')} {value:g}" for key, value in self.changes().items()]
        return ", ".join(changed) or "default"


def different(seeds: list[int]) -> list[int]:
    """A seed listed twice would count twice in a mean."""
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is listed twice; list each once")
    return seeds


class Experiment(Strict):
    """A sweep of a task."""

    title: str
    section: str
    """Of the paper."""
    task: Name
    variations: Annotated[list[Variation], Field(min_length=1)]
    """What each run changes of the task; `{}` changes nothing."""
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1), AfterValidator(different)] = [0]
    """Every variation is run with each of them."""
    equal_steps: bool = False
    """Every run must take as many steps as the others."""
    choices: Choices = {}


class Initialisation(Strict):
    """How alike random initialisations of a model are: every pair of seeds, beside the paper's number."""

    title: str
    section: str
    model: Model
    channels: PositiveInt
    classes: PositiveInt
    seeds: Annotated[list[NonNegativeInt], Field(min_length=2), AfterValidator(different)]
    paper: float
    """The paper's number."""


class Figure(Strict):
    """A notebook and the experiments that it shows."""

    title: str
    notebook: Name
    """`maps` is notebooks/maps.ipynb."""
    experiments: Annotated[list[Name], Field(min_length=1)]
    labels: list[str] | None = None
    """Only these variations, such as `momentum 0` or `default`; without it all."""
    options: dict[str, Any] = {}
    """What the notebook takes besides, such as `relative: true` for maps."""


class Config(Strict):
    """The whole configuration: tasks, the experiments that sweep them, figures and claims."""

    scale: Name
    """Written on every figure: paper, laptop, …"""
    results: str = "results"
    """The folder of all that is made."""
    scratch: str = "scratch"
    """The folder of resumable training state."""
    keep_trajectories: bool = True
    """If false, a trajectory's points are removed once its kernel exists."""
    data: dict[Literal["digits", "fashion-mnist", "cifar10", "imagenet"], str] = {}
    """The folder where a data set already lies; without it, it is got."""
    tasks: dict[Name, Task]
    experiments: dict[Name, Experiment]
    initialisations: dict[Name, Initialisation] = {}
    figures: dict[Name, Figure] = {}
    claims: dict[Name, Annotated[Strict, Registry("hallmarks.claims.kinds", "kind of claim", "kind")]] = {}

    @model_validator(mode="after")
    def names_are_known(self) -> "Config":
        def known(name: str, names: Iterable[str], where: str, noun: str) -> None:
            if name not in names:
                raise ValueError(f"{where} names the {noun} '{name}', which is none of {', '.join(names)}")

        for name, experiment in self.experiments.items():
            known(experiment.task, self.tasks, f"experiments.{name}", "task")
        for name, figure in self.figures.items():
            for experiment in figure.experiments:
                known(experiment, self.experiments, f"figures.{name}", "experiment")
            shown = [self.experiments[experiment] for experiment in figure.experiments]
            labels = [variation.label for experiment in shown for variation in experiment.variations]
            for label in figure.labels or []:
                known(label, labels, f"figures.{name}", "variation")
        for kind, names in {"figures": self.figures, "initialisations": self.initialisations}.items():
            for name in names:
                if name in RULES:
                    raise ValueError(f"{kind}.{name}: the workflow has a target of this name; choose another")
        for name in self.figures.keys() & self.initialisations.keys():
            raise ValueError(f"figures.{name}: an initialisation has this name; choose another")
        for name, claim in self.claims.items():
            known(claim.experiment, self.experiments, f"claims.{name}", "experiment")
            last, furthest = len(self.experiments[claim.experiment].variations) - 1, max(claim.positions())
            if furthest > last:
                raise ValueError(f"claims.{name} names variation {furthest}; the last is {last}")
            task = self.experiments[claim.experiment].task
            drops = self.tasks[task].recipe.drops
            if claim.needs_drops() and not (drops and drops.at):
                raise ValueError(f"claims.{name} is about drops of the learning rate; {task} has none")
        return self

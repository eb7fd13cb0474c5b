"""The configuration's types. A key that is not named here is an error, and so is a value out of range."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

# Rules of the workflow; figures and tables are targets beside them.
RULES = {"all", "data", "train", "kernel", "discard", "measure", "figure", "claims", "initialisations"}

# Names become folders and files under results/.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Unit = Literal["epochs", "steps"]
Choices = Annotated[
    dict[str, str],
    Field(description="The reason for each value that the paper does not state; the report repeats it."),
]


class Strict(BaseModel):
    # A docstring below a field is its description in the schema, which editors show.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


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


Reduce = Literal["value", "mean", "last", "change", "phase_change", "drop_change", "unsettled"]
# Measures that follow from a kernel alone; `hallmarks.claims` computes them.
KERNEL_MEASURES = {"mds_every_2nd", "mds_every_5th", "block_contrast"}
OF_DROPS = {"phase_change", "drop_change", "unsettled", "block_contrast"}


class Order(Strict):
    """A claim that a measure rises along some variations of an experiment (positions in its list)."""

    kind: Literal["order"]
    statement: str
    section: str
    experiment: Name
    measure: str = "mds"
    """A measure of results/measures, or one that follows from the kernel, such as `mds_every_5th`."""
    reduce: Reduce = "value"
    """How a measure along the trajectory becomes one number."""
    ascending: Annotated[list[NonNegativeInt], Field(min_length=2)]
    """The variations in the order in which the measure rises, 0 the first in the experiment's list."""

    @property
    def positions(self) -> list[int]:
        return self.ascending


class Bound(Strict):
    """A claim that a measure lies above or below a number in some variations of an experiment."""

    kind: Literal["bound"]
    statement: str
    section: str
    experiment: Name
    variations: Annotated[list[NonNegativeInt], Field(min_length=1)]
    """By their positions in the experiment's list, from 0."""
    measure: str
    """A measure of results/measures, or one that follows from the kernel, such as `block_contrast`."""
    reduce: Reduce = "value"
    """How a measure along the trajectory becomes one number."""
    above: float | None = None
    below: float | None = None

    @property
    def positions(self) -> list[int]:
        return self.variations

    @model_validator(mode="after")
    def one_side(self) -> "Bound":
        if (self.above is None) == (self.below is None):
            raise ValueError("a bound is `above` or `below` a number; give one of them")
        return self


class Number(Strict):
    """A number of the paper's, beside ours."""

    kind: Literal["number"]
    statement: str
    section: str
    experiment: Name
    variation: NonNegativeInt
    """By its position in the experiment's list, from 0."""
    measure: str = "mds"
    """A measure of results/measures, of one value a run."""
    paper: float
    """The paper's number."""

    @property
    def positions(self) -> list[int]:
        return [self.variation]


Claim = Annotated[Order | Bound | Number, Field(discriminator="kind")]


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
    claims: dict[Name, Claim] = {}

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
            last = len(self.experiments[claim.experiment].variations) - 1
            if max(claim.positions) > last:
                raise ValueError(f"claims.{name} names variation {max(claim.positions)}; the last is {last}")
            task = self.experiments[claim.experiment].task
            drops = self.tasks[task].recipe.drops
            if {getattr(claim, "reduce", ""), claim.measure} & OF_DROPS and not (drops and drops.at):
                raise ValueError(f"claims.{name} is about drops of the learning rate; {task} has none")
        return self

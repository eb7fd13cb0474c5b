"""The configuration's types. A key that is not named here is an error, and so is a value out of range."""

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


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Data(Strict):
    """The data set; `pooling` averages k×k pixels into one, for small runs."""

    name: Literal["digits", "fashion-mnist", "cifar10", "imagenet"]
    training_images: PositiveInt | None = None
    test_images: PositiveInt | None = None
    pooling: PositiveInt = 1
    augment: list[Literal["crop", "flip"]] = []


class Model(Strict):
    """The network and the channels of its first stage; by default the paper's."""

    name: Literal["resnet20", "vgg16", "resnet50"]
    width: PositiveInt

    @model_validator(mode="before")
    @classmethod
    def paper_width(cls, values: Any) -> Any:
        if isinstance(values, dict) and "width" not in values:
            return values | {"width": 16 if values.get("name") == "resnet20" else 64}
        return values


class Sgd(Strict):
    """PyTorch's SGD: heavy-ball momentum, weight decay added to the gradient."""

    name: Literal["sgd"] = "sgd"
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NonNegativeFloat = 0.0


class Drops(Strict):
    """The learning rate is multiplied by `factor` at each of `at`."""

    at: list[PositiveInt]
    factor: PositiveFloat = 0.1
    unit: Unit = "epochs"


class Points(Strict):
    """A point of the trajectory every so many epochs or steps; the initialisation is the first."""

    every: PositiveInt = 1
    unit: Unit = "epochs"


class Recipe(Strict):
    """How a run is trained: `length` epochs or steps."""

    optimizer: Sgd
    batch_size: PositiveInt
    length: NonNegativeInt
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
    """What is trained. `choices` give the reason for each value that the paper does not state."""

    data: Data
    model: Model
    recipe: Recipe
    choices: dict[str, str] = {}


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
    """A sweep of a task. `equal_steps`: every run must take as many steps as the others."""

    title: str
    section: str
    task: Name
    variations: Annotated[list[Variation], Field(min_length=1)]
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1), AfterValidator(different)] = [0]
    equal_steps: bool = False
    choices: dict[str, str] = {}


class Initialisation(Strict):
    """How alike random initialisations of a model are: every pair of seeds, beside the paper's number."""

    title: str
    section: str
    model: Model
    channels: PositiveInt
    classes: PositiveInt
    seeds: Annotated[list[NonNegativeInt], Field(min_length=2), AfterValidator(different)]
    paper: float


class Figure(Strict):
    """A notebook, the experiments that it shows, and its options; `labels` keep only some variations."""

    title: str
    notebook: Name
    experiments: Annotated[list[Name], Field(min_length=1)]
    labels: list[str] | None = None
    options: dict[str, Any] = {}


class Order(Strict):
    """A claim that a measure rises along some variations of an experiment (positions in its list)."""

    kind: Literal["order"]
    statement: str
    section: str
    experiment: Name
    measure: str = "mds"
    reduce: Literal["value", "mean", "last"] = "value"
    ascending: Annotated[list[NonNegativeInt], Field(min_length=2)]


class Number(Strict):
    """A number of the paper's, beside ours (the variation by its position)."""

    kind: Literal["number"]
    statement: str
    section: str
    experiment: Name
    variation: NonNegativeInt
    measure: str = "mds"
    paper: float


Claim = Annotated[Order | Number, Field(discriminator="kind")]


class Config(Strict):
    """The whole configuration: tasks, the experiments that sweep them, figures and claims."""

    scale: Name
    results: str = "results"
    scratch: str = "scratch"
    keep_trajectories: bool = True
    """If false, a trajectory's points are removed once its kernel exists."""
    data: dict[Literal["digits", "fashion-mnist", "cifar10", "imagenet"], str] = {}
    tasks: dict[Name, Task]
    experiments: dict[Name, Experiment]
    initialisations: dict[Name, Initialisation] = {}
    figures: dict[Name, Figure] = {}
    claims: dict[Name, Claim] = {}

    @model_validator(mode="after")
    def names_are_known(self) -> "Config":
        def known(name: str, names: dict, where: str, noun: str) -> None:
            if name not in names:
                raise ValueError(f"{where} names the {noun} '{name}', which is none of {', '.join(names)}")

        for name, experiment in self.experiments.items():
            known(experiment.task, self.tasks, f"experiments.{name}", "task")
        for name, figure in self.figures.items():
            for experiment in figure.experiments:
                known(experiment, self.experiments, f"figures.{name}", "experiment")
        for kind, names in {"figures": self.figures, "initialisations": self.initialisations}.items():
            for name in names:
                if name in RULES:
                    raise ValueError(f"{kind}.{name}: the workflow has a target of this name; choose another")
        for name in self.figures.keys() & self.initialisations.keys():
            raise ValueError(f"figures.{name}: an initialisation has this name; choose another")
        for name, claim in self.claims.items():
            known(claim.experiment, self.experiments, f"claims.{name}", "experiment")
            last = len(self.experiments[claim.experiment].variations) - 1
            positions = claim.ascending if isinstance(claim, Order) else [claim.variation]
            if max(positions) > last:
                raise ValueError(f"claims.{name} names variation {max(positions)}; the last is {last}")
        return self

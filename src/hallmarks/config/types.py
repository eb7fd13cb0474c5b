"""The configuration's types. A key that is not named here is an error, and so is a value out of range."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, model_validator

from hallmarks.config.registry import Registry
from hallmarks.config.strict import Choices, Name, Strict

# Rules of the workflow; figures and tables are targets beside them.
RULES = {"all", "data", "train", "kernel", "discard", "measure", "study", "figure", "table", "claims"}

TASKS = Registry("hallmarks.origins", "origin of runs", key="origin", default="trained")
STUDIES = Registry("hallmarks.studies", "study", key="study")


def different(seeds: list[int]) -> list[int]:
    """A seed listed twice would count twice in a mean."""
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is listed twice; list each once")
    return seeds


Seeds = Annotated[list[NonNegativeInt], Field(min_length=1), AfterValidator(different)]


class Experiment(Strict):
    """A sweep of a task."""

    title: str
    section: str
    """Of the paper."""
    task: Name
    variations: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """What each run changes of the task, any of its settings by name, or by the way to it (`model.width`);
    `{}` changes nothing."""
    seeds: Seeds = [0]
    """Every variation is run with each of them."""
    equal_steps: bool = False
    """Every run must take as many steps as the others."""
    choices: Choices = {}


class Figure(Strict):
    """A notebook and the experiments that it shows, if any."""

    title: str
    notebook: Name
    """`maps` is notebooks/maps.ipynb."""
    experiments: list[Name] = []
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
    data: dict[Name, str] = {}
    """The folder where a data set already lies; without it, it is got."""
    tasks: dict[Name, Annotated[Any, TASKS]]
    experiments: dict[Name, Experiment]
    studies: dict[Name, Annotated[Any, STUDIES]] = {}
    """Results without a trajectory."""
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
        for kind, names in {"figures": self.figures, "studies": self.studies}.items():
            for name in names:
                if name in RULES:
                    raise ValueError(f"{kind}.{name}: the workflow has a target of this name; choose another")
        for name in self.figures.keys() & self.studies.keys():
            raise ValueError(f"figures.{name}: a study has this name; choose another")
        for name, claim in self.claims.items():
            known(claim.experiment, self.experiments, f"claims.{name}", "experiment")
            last = len(self.experiments[claim.experiment].variations) - 1
            if max(claim.positions) > last:
                raise ValueError(f"claims.{name} names variation {max(claim.positions)}; the last is {last}")
            task = self.experiments[claim.experiment].task
            drops = self.tasks[task].time().drops
            if {getattr(claim, "reduce", ""), claim.measure} & OF_DROPS and not drops:
                raise ValueError(f"claims.{name} is about drops of the learning rate; {task} has none")
        return self

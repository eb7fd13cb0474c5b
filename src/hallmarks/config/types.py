"""The configuration's types. A key that is not named here is an error, and so is a value out of range."""

import os
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, model_validator

from hallmarks.config.registry import Registry
from hallmarks.config.strict import Choices, Name, Strict

# Rules of the workflow; figures and tables are targets beside them.
RULES = {"all", "data", "train", "kernel", "discard", "measure", "study", "figure", "table"}

TASKS = Registry("hallmarks.origins", "origin of runs", key="origin", default="trained")
STUDIES = Registry("hallmarks.studies", "study", key="study")


def different(seeds: list[int]) -> list[int]:
    """A seed listed twice would count twice in a mean."""
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is listed twice; list each once")
    return seeds


# PyTorch takes no larger one.
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[list[Seed], Field(min_length=1), AfterValidator(different)]


def without_wildcards(path: str) -> str:
    """Snakemake replaces `{word}` and `<word>` in a path."""
    if re.search("[{}]|<.*>", path, re.DOTALL):
        raise ValueError(
            f"'{path}' holds {{…}} or <…>, which Snakemake replaces in a path; choose another name"
        )
    return path


Folder = Annotated[str, AfterValidator(os.path.expanduser)]
Made = Annotated[Folder, AfterValidator(without_wildcards)]


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
    options: dict[str, JsonValue] = {}
    """What the notebook takes besides, such as `relative: true` for maps."""


class Config(Strict):
    """The whole configuration: tasks, the experiments that sweep them, figures and claims."""

    scale: Name
    """Written on every figure: paper, laptop, …"""
    results: Made = "results"
    """The folder of all that is made."""
    scratch: Made = "scratch"
    """The folder of resumable training state."""
    keep_trajectories: bool = True
    """If false, a trajectory's points are removed once its kernel exists."""
    data: dict[Name, Folder] = {}
    """The folder where a data set already lies; without it, it is got."""
    tasks: dict[Name, Annotated[Any, TASKS]]
    experiments: dict[Name, Experiment]
    studies: dict[Name, Annotated[Any, STUDIES]] = {}
    """Results without a trajectory."""
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
        for kind, names in {"figures": self.figures, "studies": self.studies}.items():
            for name in names:
                if name in {*RULES, "claims"}:
                    raise ValueError(f"{kind}.{name}: the workflow has a target of this name; choose another")
        for name in self.figures.keys() & self.studies.keys():
            raise ValueError(f"figures.{name}: a study has this name; choose another")
        for name, claim in self.claims.items():
            known(claim.experiment, self.experiments, f"claims.{name}", "experiment")
            last, furthest = len(self.experiments[claim.experiment].variations) - 1, max(claim.positions())
            if furthest > last:
                raise ValueError(f"claims.{name} names variation {furthest}; the last is {last}")
            task = self.experiments[claim.experiment].task
            if claim.needs_drops() and not self.tasks[task].time().drops:
                raise ValueError(f"claims.{name} is about drops of the learning rate; {task} has none")
        return self

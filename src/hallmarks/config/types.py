"""The configuration's types. A key that is not named here is an error, and so is a value out of range."""

import os
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from hallmarks.config.registry import Registry
from hallmarks.config.strict import Choices, Name, Strict, Target

# Rules of the workflow; figures and tables are targets beside them.
RULES = {
    "all",
    "data",
    "train",
    "look_up",
    "fetch",
    "kernel",
    "discard",
    "measure",
    "study",
    "figure",
    "table",
}

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


def with_parents(tasks: Any) -> Any:
    """Tasks of which each that names a `parent` holds that task's settings too, which decide its runs."""
    if not isinstance(tasks, dict):
        return tasks
    found = {}
    for name, task in tasks.items():
        if (
            isinstance(task, dict)
            and isinstance(parent := task.get("parent"), str)
            and "training" not in task
        ):
            if not isinstance(settings := tasks.get(parent), dict) or parent == name:
                raise ValueError(f"{name}.parent: no task is called '{parent}'")
            task = task | {"training": {key: value for key, value in settings.items() if key != "choices"}}
        found[name] = task
    return found


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
    in_all: bool = True
    """If false, its runs and the figures that show them are made only where a figure or a run is named."""
    choices: Choices = {}


class Figure(Strict):
    """A notebook and the experiments, or studies, that it shows, if any: a picture, or a table."""

    title: str
    notebook: Name
    """`maps` is notebooks/maps.ipynb."""
    experiments: list[Name] = []
    labels: list[str] | None = None
    """Only these variations, such as `momentum 0` or `default`; without it all."""
    studies: list[Name] = []
    """The studies whose tables it shows."""
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
    tasks: Annotated[dict[Name, Annotated[Any, TASKS]], BeforeValidator(with_parents)]
    experiments: dict[Name, Experiment]
    studies: dict[Name, Annotated[Any, STUDIES]] = {}
    """Results without a trajectory, or that look at finished runs besides."""
    figures: dict[Target, Figure] = {}
    tables: dict[Target, Figure] = {}
    """As figures, of notebooks that write a table; those of studies and claims are there without."""
    claims: dict[Name, Annotated[Strict, Registry("hallmarks.claims.kinds", "kind of claim", "kind")]] = {}

    @model_validator(mode="after")
    def names_are_known(self) -> "Config":
        def known(name: str, names: Iterable[str], where: str, noun: str) -> None:
            if name not in names:
                raise ValueError(f"{where} names the {noun} '{name}', which is none of {', '.join(names)}")

        for name, experiment in self.experiments.items():
            known(experiment.task, self.tasks, f"experiments.{name}", "task")
        targets = dict.fromkeys({*RULES, "claims"}, "the workflow has a target")
        for kind, noun in {"figures": "a figure", "studies": "a study", "tables": "a table"}.items():
            for name, shown in getattr(self, kind).items():
                if name in targets:
                    raise ValueError(f"{kind}.{name}: {targets[name]} of this name; choose another")
                targets[name] = f"there is {noun}"
                for experiment in getattr(shown, "experiments", []):
                    known(experiment, self.experiments, f"{kind}.{name}", "experiment")
                if looked_at := getattr(shown, "experiment", None):
                    known(looked_at, self.experiments, f"{kind}.{name}", "experiment")
                for study in getattr(shown, "studies", []):
                    known(study, self.studies, f"{kind}.{name}", "study")
        for name, claim in self.claims.items():
            if claim.figure:
                known(claim.figure, self.figures, f"claims.{name}", "figure")
            if claim.study:
                known(claim.study, self.studies, f"claims.{name}", "study")
                continue
            known(claim.experiment, self.experiments, f"claims.{name}", "experiment")
            experiment = self.experiments[claim.experiment]
            if not experiment.in_all:
                raise ValueError(f"claims.{name}: {claim.experiment} is not made by `all`, as claims are")
            last, furthest = len(experiment.variations) - 1, max(claim.positions())
            if furthest > last:
                raise ValueError(f"claims.{name} names variation {furthest}; the last is {last}")
        return self

import json
import os

from hallmarks.experiments.runs import panels, runs_of
from hallmarks.sources import sources

RESULTS = paper.results
SCRATCH = paper.scratch
ENVIRONMENT = "../../envs/hallmarks.yaml"


wildcard_constraints:
    run=r"[^/]+/[^/]+/seed\d+",
    figure="|".join(paper.figures) or "none",
    initialisation="|".join(paper.initialisations) or "none",
    dataset="digits|fashion-mnist|cifar10|imagenet",


def folder_of(wildcards, output):
    """Where a command writes: the folder of its first output."""
    return os.path.dirname(output[0])


def as_json(value):
    """One value on a command line, its keys sorted, so that only a changed value reruns a job."""
    return json.dumps(value, sort_keys=True)


def runs_shown(figure):
    """The names of the runs that a figure shows."""
    return [run for panel in panels(paper, paper.figures[figure]) for run in panel.runs]


def removals(names):
    """What removes the points of these runs, where the configuration wants that."""
    return (
        []
        if paper.keep_trajectories
        else [f"{RESULTS}/runs/{run}/removed.json" for run in names]
    )


def settings_of(wildcards):
    """What decides a run, without the reasons of its choices: those change no result."""
    return as_json(runs[wildcards.run].settings.model_dump(exclude={"choices"}))


def time_of(figure):
    """The unit of time and the drops of the learning rate, from the recipe of the figure's experiments."""
    recipe = paper.tasks[paper.experiments[figure.experiments[0]].task].recipe
    return {"unit": recipe.unit, "drops": recipe.drops.at if recipe.drops else []}


def parameters_of(wildcards):
    """What the notebook is told: the panels, the options and the scale."""
    figure = paper.figures[wildcards.figure]
    shown = [
        {"label": panel.label, "experiment": panel.experiment, "runs": panel.runs}
        for panel in panels(paper, figure)
    ]
    return as_json(
        {
            "scale": paper.scale,
            "results": RESULTS,
            "panels": shown,
            "options": time_of(figure) | figure.options,
        }
    )


def experiments_of(figure):
    return [paper.experiments[name] for name in paper.figures[figure].experiments]


def choices_of(figure):
    """The reasons of every value that the paper does not state, of the figure's tasks and experiments."""
    stated = {}
    for experiment in experiments_of(figure):
        stated |= paper.tasks[experiment.task].choices | experiment.choices
    return [f"{key}: {reason}" for key, reason in stated.items()]


def claim_settings():
    """The claims, their variations by label, with the runs of each."""
    stated = []
    for name, claim in paper.claims.items():
        labels = [v.label for v in paper.experiments[claim.experiment].variations]
        content = claim.model_dump() | {"id": name}
        if claim.kind == "order":
            content["ascending"] = [labels[position] for position in claim.ascending]
        else:
            content["variation"] = labels[claim.variation]
        rows = runs_of(paper, claim.experiment)
        content["runs"] = {
            label: [run.name for run in row] for label, row in zip(labels, rows)
        }
        stated.append(content)
    return {"scale": paper.scale, "claims": stated}


def measures_folder(first):
    """The folder of the measures: three names above one run's file."""
    return os.path.dirname(os.path.dirname(os.path.dirname(first)))


def runs_judged():
    return sorted(
        {
            run
            for claim in claim_settings()["claims"]
            for row in claim["runs"].values()
            for run in row
        }
    )

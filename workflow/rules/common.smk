import json
import os
import re

from hallmarks.config.types import KERNEL_MEASURES
from hallmarks.runs.expand import panels, runs_of
from hallmarks.runs.sources import sources

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


def time_of(experiment):
    """The unit of time and the drops of the learning rate, from the recipe of an experiment's task."""
    recipe = paper.tasks[paper.experiments[experiment].task].recipe
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
            "options": time_of(figure.experiments[0]) | figure.options,
        }
    )


def experiments_of(figure):
    return [paper.experiments[name] for name in paper.figures[figure].experiments]


def sorting(text):
    """The text with its numbers padded with figure spaces: the report sorts sections and rows as text."""
    return re.sub(r"\d+", lambda number: number[0].rjust(2, "\u2007"), text)


def section_of(figure):
    """The report's section: the experiment, by its place in the paper."""
    return " and ".join(
        f"{sorting(experiment.section)} {experiment.title}"
        for experiment in experiments_of(figure)
    )


def label_of(figure):
    """`Figure 12`, as the paper numbers it; ours come after."""
    number = figure.removeprefix("fig")
    return sorting(f"Figure {number}") if number.isdigit() else f"Ours: {figure}"


def recipe_of(task):
    """A task in a line: network, data and recipe."""
    data, recipe, sgd = task.data, task.recipe, task.recipe.optimizer
    images = (
        f"{data.training_images:,} images" if data.training_images else "all images"
    )
    pooled = f" pooled {data.pooling}×{data.pooling}" if data.pooling > 1 else ""
    drops = f", drops at {', '.join(map(str, recipe.drops.at))}" if recipe.drops else ""
    return (
        f"{task.model.name} of width {task.model.width} on {data.name} ({images}{pooled}), "
        f"{recipe.length} {recipe.unit} of batch {recipe.batch_size}, learning rate {sgd.learning_rate:g}, "
        f"momentum {sgd.momentum:g}, weight decay {sgd.weight_decay:g}{drops}"
    )


def shown_in(figure):
    """For the caption: each experiment's title, task, recipe, variations and seeds."""
    panels_shown = panels(paper, paper.figures[figure])
    return [
        {
            "title": f"{experiment.section} {experiment.title}",
            "task": experiment.task,
            "recipe": recipe_of(paper.tasks[experiment.task]),
            "variations": [p.label for p in panels_shown if p.experiment == name],
            "seeds": experiment.seeds,
        }
        for name, experiment in zip(
            paper.figures[figure].experiments, experiments_of(figure)
        )
    ]


def choices_of(figure):
    """The reasons of every value that the paper does not state, of the figure's tasks and experiments."""
    stated = {}
    for experiment in experiments_of(figure):
        stated |= paper.tasks[experiment.task].choices | experiment.choices
    return [f"{key.replace('_', ' ')}: {reason}" for key, reason in stated.items()]


def claim_settings():
    """The claims, each with its variations by label and its seeds: short, for it stands on a command line."""
    stated = []
    for name, claim in paper.claims.items():
        experiment = paper.experiments[claim.experiment]
        labels = [variation.label for variation in experiment.variations]
        first = [row[0] for row in runs_of(paper, claim.experiment)]
        content = claim.model_dump() | time_of(claim.experiment)
        # By label, since as JSON the runs lie in another order.
        for key in {"ascending", "variations"} & content.keys():
            content[key] = [labels[position] for position in content[key]]
        if claim.kind == "number":
            content["variation"] = labels[claim.variation]
        content["runs"] = {
            label: f"{run.task}/{run.variation}" for label, run in zip(labels, first)
        }
        stated.append(content | {"id": name, "seeds": experiment.seeds})
    return {"scale": paper.scale, "claims": stated}


def judged(measures=None):
    """The runs that claims compare; with `measures`, only those of claims about one of these."""
    return sorted(
        {
            run.name
            for claim in paper.claims.values()
            if measures is None or claim.measure in measures
            for row in runs_of(paper, claim.experiment)
            for run in row
        }
    )

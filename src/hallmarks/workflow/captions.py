"""The report's words: sections, labels, and what a caption says of a figure's runs and choices."""

import re
from typing import Any

from hallmarks.workflow.paper import Paper


def plain(text: str) -> str:
    """The text in one line; an invisible joiner keeps Snakemake from reading `{word}` as a wildcard."""
    return " ".join(text.split()).replace("{", "{\u2060")


def sorting(text: str) -> str:
    """The text with its numbers padded with figure spaces: the report sorts sections and rows as text."""
    return re.sub(r"\d+", lambda number: number[0].rjust(2, "\u2007"), text)


def section_of(paper: Paper, name: str) -> str:
    """The report's section: a study's, or that of the first experiment or study that a result shows."""
    config = paper.config
    if name in config.studies:
        shown = [config.studies[name]]
    elif name in paper.shown:
        named = paper.figure(name)
        shown = [config.experiments[each] for each in named.experiments]
        shown += [config.studies[each] for each in named.studies]
    else:
        return "The paper's claims"
    if not shown:
        return "Schematics"
    return f"{sorting(plain(shown[0].section))} {plain(shown[0].title)}"


def label_of(figure: str) -> str:
    """`Figure 12`, as the paper numbers it; ours come after."""
    number = figure.removeprefix("fig")
    return sorting(f"Figure {number}") if number.isdigit() else f"Ours, {figure}"


def title_of(paper: Paper, name: str) -> str:
    """The title of a figure or a table."""
    titled = paper.config.studies | paper.config.tables | paper.config.figures
    return plain(titled[name].title if name in titled else "Claims of order and numbers, judged")


def labels_of(paper: Paper, kind: str, name: str) -> dict[str, str]:
    """The one column of the report's list: of two, it makes a switch where a section has two results."""
    return {"shows": f"{label_of(name) if kind == 'figures' else 'Table'}: {title_of(paper, name)}"}


def shown_by(paper: Paper, figure: str) -> list[dict[str, Any]]:
    """Each experiment's title, task, recipe, variations and seeds; nothing of the claims and of studies."""
    if figure not in paper.shown:
        return []
    rows = paper.shown[figure]
    return [
        {
            "title": f"{experiment.section} {experiment.title}",
            "task": experiment.task,
            "recipe": paper.task(name).describe(),
            "variations": [row.label for row in rows if row.experiment == name],
            "seeds": experiment.seeds,
        }
        for name in paper.figure(figure).experiments
        for experiment in [paper.config.experiments[name]]
    ]


def choices_of(paper: Paper, figure: str) -> list[str]:
    """The reasons of every value that the paper does not state, of a figure's tasks, experiments, studies."""
    if figure not in paper.shown:
        return []
    config, named = paper.config, paper.figure(figure)
    stated = [config.studies[name].choices for name in named.studies]
    for name in named.experiments:
        stated += [paper.task(name).choices, config.experiments[name].choices]
    reasons = dict.fromkeys(item for choices in stated for item in choices.items())
    return [f"{key.replace('_', ' ')}: {reason}" for key, reason in reasons]

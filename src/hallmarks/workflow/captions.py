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


def section_of(paper: Paper, figure: str) -> str:
    """The report's section: the experiments, by their place in the paper."""
    experiments = [paper.config.experiments[name] for name in paper.config.figures[figure].experiments]
    titles = [f"{sorting(plain(each.section))} {plain(each.title)}" for each in experiments]
    return " and ".join(titles) or "Without a run"


def label_of(figure: str) -> str:
    """`Figure 12`, as the paper numbers it; ours come after."""
    number = figure.removeprefix("fig")
    return sorting(f"Figure {number}") if number.isdigit() else f"Ours: {figure}"


def title_of(paper: Paper, table: str) -> str:
    """A table's label."""
    claims = table == "claims"
    return plain("Claims of order and numbers, judged" if claims else paper.config.studies[table].title)


def shown_by(paper: Paper, figure: str) -> list[dict[str, Any]]:
    """Each experiment's title, task, recipe, variations and seeds."""
    rows = paper.shown[figure]
    return [
        {
            "title": f"{experiment.section} {experiment.title}",
            "task": experiment.task,
            "recipe": paper.task(name).describe(),
            "variations": [row.label for row in rows if row.experiment == name],
            "seeds": experiment.seeds,
        }
        for name in paper.config.figures[figure].experiments
        for experiment in [paper.config.experiments[name]]
    ]


def choices_of(paper: Paper, figure: str) -> list[str]:
    """The reasons of every value that the paper does not state, of the figure's tasks and experiments."""
    stated: dict[str, str] = {}
    for name in paper.config.figures[figure].experiments:
        stated |= paper.task(name).choices | paper.config.experiments[name].choices
    return [f"{key.replace('_', ' ')}: {reason}" for key, reason in stated.items()]

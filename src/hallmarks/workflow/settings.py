"""What figures, tables and studies are told of the configuration: the content of their settings files."""

from typing import Any

from hallmarks.runs.run import Row
from hallmarks.workflow.paper import Paper


def figure_settings(paper: Paper, name: str) -> dict[str, Any]:
    """A figure: its panels, each with its runs and how these count their time."""
    figure = paper.config.figures[name]
    return {
        "name": name,
        "title": figure.title,
        "scale": paper.config.scale,
        "notebook": figure.notebook,
        "panels": [panel_settings(paper, row) for row in paper.shown[name]],
        "options": figure.options,
    }


def panel_settings(paper: Paper, row: Row) -> dict[str, Any]:
    time = row.runs[0].settings.time()
    return {
        "label": row.label,
        "experiment": row.experiment,
        "runs": row.names,
        "unit": time.unit,
        "drops": time.drops,
    }


def claims_settings(paper: Paper) -> dict[str, Any]:
    """The claims, each with its variations by label and its seeds."""
    return {
        "name": "claims",
        "title": "The paper's claims",
        "scale": paper.config.scale,
        "notebook": "claims",
        "claims": [claim_settings(paper, name) for name in paper.config.claims],
    }


def claim_settings(paper: Paper, name: str) -> dict[str, Any]:
    claim = paper.config.claims[name]
    rows = paper.experiments[claim.experiment]
    time = paper.task(claim.experiment).time()
    return claim.with_labels([row.label for row in rows]) | {
        "unit": time.unit,
        "drops": time.drops,
        "id": name,
        "seeds": paper.config.experiments[claim.experiment].seeds,
        "runs": {row.label: f"{row.runs[0].task}/{row.runs[0].variation}" for row in rows},
    }


def study_settings(paper: Paper, name: str) -> dict[str, Any]:
    """A study: its settings, and what shows its table."""
    study = paper.config.studies[name]
    return {
        "name": name,
        "title": study.title,
        "scale": paper.config.scale,
        "notebook": study.notebook,
        "study": study.resolved(),
    }

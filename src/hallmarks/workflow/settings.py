"""What figures, tables and studies are told of the configuration: the content of their settings files."""

from pathlib import Path
from typing import Any

from hallmarks.runs.run import Row
from hallmarks.workflow.captions import label_of
from hallmarks.workflow.paper import Paper


def run_settings(paper: Paper, results: Path, name: str) -> dict[str, Any]:
    """A run: its settings, and, which decides no number, where its parent lies and what states are kept."""
    run = paper.runs[name]
    settings = {"run": run.name, "seed": run.seed, "settings": run.settings.resolved()}
    if run.parent:
        settings["parent"] = str(results / "runs" / run.parent.name)
    kept = paper.kept.get(run.parent.name if run.parent else name)
    return settings | ({"keep": kept} if kept else {})


def figure_settings(paper: Paper, name: str) -> dict[str, Any]:
    """A figure, or a table of runs: its panels, with runs and how these count their time, and its studies."""
    figure = paper.figure(name)
    return {
        "name": name,
        "title": figure.title,
        "scale": paper.config.scale,
        "notebook": figure.notebook,
        "panels": [panel_settings(paper, row) for row in paper.shown[name]],
        "options": figure.options,
    } | ({"studies": figure.studies} if figure.studies else {})


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
    """The claims, each with its variations by label and its seeds, and what the page says of each origin."""
    claims = paper.config.claims.values()
    experiments = {
        claim.experiment: paper.config.experiments[claim.experiment] for claim in claims if claim.experiment
    }
    studies = {claim.study: paper.config.studies[claim.study] for claim in claims if claim.study}
    return {
        "name": "claims",
        "title": "The paper's claims",
        "scale": paper.config.scale,
        "notebook": "claims",
        "claims": [claim_settings(paper, name) for name in paper.config.claims],
        "experiments": {
            name: {"section": each.section, "title": each.title, "task": each.task}
            | {"recipe": paper.task(name).describe()}
            for name, each in experiments.items()
        },
        "studies": {name: {"section": each.section, "title": each.title} for name, each in studies.items()},
        "figures": {
            claim.figure: label_of(claim.figure).replace("\u2007", "") for claim in claims if claim.figure
        },
    }


def claim_settings(paper: Paper, name: str) -> dict[str, Any]:
    claim = paper.config.claims[name]
    if claim.study:
        return claim.with_labels([]) | {"id": name}
    rows = paper.experiments[claim.experiment]
    time = paper.claim_times[name]
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

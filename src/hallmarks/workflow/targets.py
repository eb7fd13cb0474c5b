"""What a user may name as a target, and which results are behind it."""

import difflib
import re
from pathlib import Path

from hallmarks.config.types import RULES
from hallmarks.errors import UserError
from hallmarks.workflow.paper import Paper
from hallmarks.workflow.results import Result, Results

STAGES = {
    "train_all": ["runs"],
    "kernels_all": ["kernels"],
    "measures_all": ["measures"],
    "figures_all": ["figures"],
    "tables_all": ["tables"],
    "all": ["figures", "tables"],
}


def results_behind(results: Results, targets: list[str]) -> list[Result]:
    """What targets name and all that it is made of, each result after its parts. Raises UserError."""
    wanted: set[Result] = set()
    for target in targets:
        wanted |= behind(results, named(results, target))
    return [result for result in results.all() if result in wanted]


def named(results: Results, target: str) -> set[Result]:
    """The results of one target: a stage, a name, or a file of one."""
    every = results.all()
    if target in STAGES:
        paper = results.paper
        kept = {*paper.runs_in_all, *paper.in_all([*paper.config.figures, *results.tables])}
        return {result for result in every if result.kind in STAGES[target] and result.name in kept}
    found = {
        result for result in every if result.name == target and result.kind in {"runs", "figures", "tables"}
    }
    paths = {str(results.folder / output): result for result in every for output in result.outputs}
    if str(Path(target)) in paths:
        found.add(paths[str(Path(target))])
    experiments = experiments_shown(results.paper)
    if target in experiments:
        found |= {result for result in experiments[target] if result in every}
    if not found:
        hint = near(target, [*STAGES, *experiments, *(result.name for result in every)])
        others = f"; there are {', '.join(STAGES)}, and figures, tables, experiments and runs by name"
        raise UserError(f"{target}: no such target{hint or others}")
    return found


def experiments_shown(paper: Paper) -> dict[str, list[Result]]:
    """The experiments that are targets, each with the figures and tables that show it.

    None whose name another target has, and of one in `all` nothing that is made by name alone.
    """
    found: dict[str, list[Result]] = {}
    taken = own_names(paper)
    for experiment in [name for name in paper.config.experiments if name not in taken]:
        shown = [
            Result(kind, name)
            for kind in ("figures", "tables")
            for name, figure in getattr(paper.config, kind).items()
            if experiment in figure.experiments
        ]
        if paper.config.experiments[experiment].in_all:
            kept = paper.in_all(result.name for result in shown)
            shown = [result for result in shown if result.name in kept]
        if shown:
            found[experiment] = shown
    return found


def own_names(paper: Paper) -> list[str]:
    """The targets that are a rule's, or a result's own."""
    config = paper.config
    return [*STAGES, *RULES, "claims", "data_all", *config.figures, *config.studies, *config.tables]


def check_target(paper: Paper, target: str) -> None:
    """Raise UserError where a word is no target; what looks like a file is left to Snakemake."""
    known = [*own_names(paper), *experiments_shown(paper)]
    if target not in known and re.fullmatch(r"[\w-]+", target) and not Path(target).exists():
        raise UserError(
            f"{target}: no such target{near(target, known)}; `snakemake --list-target-rules` names all"
        )


def check_made(results: Results, targets: list[str]) -> None:
    """Raise UserError where a picture or table of these targets is not there, for a report."""
    shown = {"figures", "tables"}
    wanted = [result for result in results_behind(results, targets) if result.kind in shown]
    missing = [each.name for each in wanted if not (results.folder / each.outputs[0]).exists()]
    if missing:
        raise UserError(
            f"a report shows what is made, and {len(missing)} of {len(wanted)} figures and tables are not, "
            f"such as {missing[0]}; make them first, or name in the call those that are there"
        )


def behind(results: Results, wanted: set[Result]) -> set[Result]:
    parts = {part for result in wanted for part in results.parts(result)}
    return wanted | behind(results, parts) if parts else wanted


def near(target: str, names: list[str]) -> str:
    """`; did you mean fig9?`, or nothing where no name is near."""
    close = difflib.get_close_matches(target, names, 1)
    return f"; did you mean {close[0]}?" if close else ""

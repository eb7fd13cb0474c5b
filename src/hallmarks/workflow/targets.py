"""What a user may name as a target, and which results are behind it."""

import difflib
from pathlib import Path

from hallmarks.errors import UserError
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
        return {result for result in every if result.kind in STAGES[target]}
    found = {
        result for result in every if result.name == target and result.kind in {"runs", "figures", "tables"}
    }
    paths = {str(results.folder / output): result for result in every for output in result.outputs}
    if str(Path(target)) in paths:
        found.add(paths[str(Path(target))])
    if not found:
        raise UserError(
            f"{target}: no such target{near(target, [*STAGES, *(result.name for result in every)])}"
        )
    return found


def behind(results: Results, wanted: set[Result]) -> set[Result]:
    parts = {part for result in wanted for part in results.parts(result)}
    return wanted | behind(results, parts) if parts else wanted


def near(target: str, names: list[str]) -> str:
    """`; did you mean fig9?`, or what there is."""
    close = difflib.get_close_matches(target, names, 1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; there are {', '.join(STAGES)}, and figures, tables and runs by name"

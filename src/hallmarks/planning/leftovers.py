"""What is set aside: states that are not gone on from, and runs that others have replaced."""

from pathlib import Path

from hallmarks.planning.text import number, size
from hallmarks.workflow.accepting import states_set_aside
from hallmarks.workflow.results import Results


def leftovers_said(results: Results) -> str:
    """A line on both; empty where there are none."""
    states = [folder for run in results.paper.runs for folder in states_set_aside(results, run)]
    replaced = list(results.folder.glob("runs/*/*/superseded/*"))
    said = []
    if states:
        said.append(
            f"{number(len(states), 'states')} of other settings, data or code, {size(bytes_in(states))} in "
            f"{results.paper.config.scratch} (`hallmarks accept RUN --why …` goes on from one)"
        )
    if replaced:
        where = results.folder / "runs" / "*" / "*" / "superseded"
        said.append(f"{number(len(replaced), 'superseded runs')}, {size(bytes_in(replaced))} in {where}")
    return f"Set aside: {'; '.join(said)}" if said else ""


def bytes_in(folders: list[Path]) -> int:
    """The size of all files in these folders."""
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())

"""How far each run is, from what it leaves in `scratch/` and `results/`, and what is set aside there."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hallmarks.cluster.slurm import Queued, job_of, submissions
from hallmarks.errors import UserError
from hallmarks.files import size
from hallmarks.planning.text import aligned, duration, number
from hallmarks.runs.run import Run
from hallmarks.runs.states import MADE_AGAIN
from hallmarks.trajectory.log import read_log
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.workflow.accepting import states_set_aside
from hallmarks.workflow.results import Results

RESUMED = "going on after step"
# What a log's last line says: the head of the table's column, the log's, and how it is shown.
LOGGED = (
    ("loss", "loss", "{:.4f}"),
    ("test %", "test_accuracy", "{:.1%}"),
    ("images/s", "images_per_second", "{:.0f}"),
)
HEADS = "run", "state", "epoch", *(head for head, *_ in LOGGED), "left", "last sign", "attempts", "node"


def progress(run: Run, results: Path, scratch: Path, jobs: list[Queued]) -> dict[str, str]:
    """How far a run is now, by HEADS: done, diverged, in progress, waiting, or what the queue says."""
    line = dict.fromkeys(HEADS, "") | {"run": run.name, "state": "waiting"}
    made, total, epoch, step = results / "runs" / run.name, run.settings.steps(), run.settings.epoch(), None
    finished = present(read_trajectory, made / "trajectory")
    # Beside the newest may lie what other settings or other code left.
    folder = made if finished else max((scratch / run.name).glob("*/output"), key=written, default=scratch)
    log = (present(read_log, folder / "log.csv") or [{}])[-1]
    if finished:
        line["state"], step = "done", total
        if finished.diverged:
            line["state"], step = "diverged", finished.diverged["step"]
    elif trajectory := present(read_trajectory, folder / "trajectory"):
        step = max(log.get("step", 0), *(point.step for point in trajectory.points[-1:]), 0)
        text = results / "logs" / "train" / f"{run.name}.log"
        again = text.exists() and RESUMED in text.read_text(errors="replace")
        line |= {"state": "in progress", "attempts": "2 or more" if again else "1"}
        line["last sign"] = f"{duration(max(time.time() - written(folder, text), 0))} ago"
        if epoch and "images_per_second" in log:  # at the present speed
            left = (total - step) * epoch.examples / epoch.steps
            line["left"] = duration(left / log["images_per_second"])
    if step is not None:
        line["epoch"] = f"{step:g} of {total} steps"
        if epoch:
            line["epoch"] = f"{step / epoch.steps:.4g} of {total / epoch.steps:.4g}"
    job, submitted = job_of(run.name, jobs), submissions(run.name, Path(".snakemake"))
    if job and not finished:
        line |= {"state": job.state.lower(), "node": job.node}
    if submitted and not finished:
        line["attempts"] = str(submitted)
    return line | {head: form.format(log[name]).rstrip("%") for head, name, form in LOGGED if name in log}


def present(read: Callable[[Path], Any], path: Path) -> Any:
    """What `read` finds at a path, or None where there is nothing yet."""
    with suppress(UserError):
        return read(path)


def written(output: Path, *texts: Path) -> float:
    """When a run last wrote its log or a point, or one of these texts, in seconds since 1970."""
    paths = output / "log.csv", output / "trajectory" / "trajectory.json", *texts
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)


def render_progress(rows: list[dict[str, str]]) -> str:
    """One line a run, and how many are in which state."""
    counts = Counter(row["state"] for row in rows)
    said = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"{aligned(HEADS, [tuple(row.values()) for row in rows], range(2, 9))}\n\n{len(rows)} runs: {said}"


def leftovers_said(results: Results) -> str:
    """A line on states not gone on from, runs that others have replaced, and states trained again."""
    states = [folder for run in results.paper.runs for folder in states_set_aside(results, run)]
    runs, said = list(results.folder.glob("runs/*/*/superseded/*")), []
    if states:
        where = f"{results.paper.config.scratch} (`hallmarks accept RUN --why …` goes on from one)"
        number_of = f"{number(len(states), 'states')} of other settings, data or code"
        said.append(f"{number_of}, {held(states)} in {where}")
    if runs:
        where = results.folder / "runs" / "*" / "*" / "superseded"
        said.append(f"{number(len(runs), 'superseded runs')}, {held(runs)} in {where}")
    again = Path(results.paper.config.scratch) / MADE_AGAIN
    if list(again.rglob("state-*.pt")):
        said.append(f"states trained again for branches, {held([again])} in {again}, which may be deleted")
    return f"Set aside: {'; '.join(said)}" if said else ""


def held(folders: list[Path]) -> str:
    """The size of all files in these folders."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return size(sum(path.stat().st_size for path in files))

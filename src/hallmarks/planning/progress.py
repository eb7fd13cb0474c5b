"""How far each run is, from what it leaves in `scratch/`, in its log and in `results/`."""

import csv
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hallmarks.cluster.queue import Queued, job_of, submissions
from hallmarks.errors import UserError
from hallmarks.planning.text import aligned, duration
from hallmarks.runs.run import Run
from hallmarks.trajectory.reader import Trajectory, read_trajectory
from hallmarks.workflow.results import Results

RESUMED = "going on after step"
HEADS = "run", "state", "epoch", "loss", "test %", "images/s", "left", "last sign", "attempts", "node"


@dataclass(frozen=True)
class Progress:
    """One run: `state` is done, diverged, in progress, waiting, or what the queue says; the last line of its
    log; `left` and `seen` are seconds, to the end at the present speed, and since it last wrote anything.
    """

    run: Run
    state: str
    log: dict[str, float]
    step: float | None = None
    left: float | None = None
    node: str = ""
    attempts: str = ""
    seen: float | None = None

    @property
    def done(self) -> str:
        """`2 of 6` epochs, or steps where there are no epochs."""
        epoch, steps = self.run.settings.epoch(), self.run.settings.steps()
        if self.step is None:
            return ""
        if epoch is None:
            return f"{self.step:g} of {steps} steps"
        return f"{self.step / epoch.steps:.4g} of {steps / epoch.steps:.4g}"


def progress(run: Run, results: Path, scratch: Path, jobs: list[Queued], now: float) -> Progress:
    """How far a run is at the time `now`."""
    total, finished = run.settings.steps(), present(results / "runs" / run.name / "trajectory")
    if finished:
        found = Progress(run, "done", last_row(results / "runs" / run.name / "log.csv"), total)
        diverged = finished.diverged
        return replace(found, state="diverged", step=diverged["step"]) if diverged else found
    # Beside it may lie what other settings or other code left.
    folder = max((scratch / run.name).glob("*/output"), key=last_written, default=scratch)
    found = Progress(run, "waiting", last_row(folder / "log.csv"))
    step, trajectory = int(found.log.get("step", 0)), present(folder / "trajectory")
    if trajectory:
        step = max([step, *(point.step for point in trajectory.points[-1:])])
        text = results / "logs" / "train" / f"{run.name}.log"
        seen = max(now - max(last_written(folder), modified(text)), 0)
        tries = "2 or more" if text.exists() and RESUMED in text.read_text(errors="replace") else "1"
        found = replace(found, state="in progress", step=step, attempts=tries, seen=seen)
    epoch, speed = run.settings.epoch(), found.log.get("images_per_second")
    if epoch and speed:
        found = replace(found, left=(total - step) * epoch.examples / epoch.steps / speed)
    if attempts := submissions(run.name, Path(".snakemake")):
        found = replace(found, attempts=str(attempts))
    if job := job_of(run.name, jobs):
        found = replace(found, state=job.state.lower(), node=job.node)
    return found


def present(folder: Path) -> Trajectory | None:
    """The trajectory in a folder, or None where there is none yet."""
    try:
        return read_trajectory(folder)
    except UserError:
        return None


def last_row(path: Path) -> dict[str, float]:
    """The last line of a log; nothing where there is none yet."""
    try:
        with open(path) as file:
            rows = list(csv.DictReader(file))
        return {key: float(value) for key, value in rows[-1].items()} if rows else {}
    except (OSError, TypeError, ValueError):
        return {}


def last_written(output: Path) -> float:
    """When a run last wrote its log or a point, in seconds since 1970."""
    return max(modified(output / "log.csv"), modified(output / "trajectory" / "trajectory.json"))


def modified(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def all_progress(results: Results, jobs: list[Queued]) -> list[Progress]:
    """How far every run is now."""
    now, scratch = time.time(), Path(results.paper.config.scratch)
    return [progress(run, results.folder, scratch, jobs, now) for run in results.paper.runs.values()]


def render_progress(rows: list[Progress]) -> str:
    """One line a run, and how many are in which state."""
    lines = [
        (
            row.run.name,
            row.state,
            row.done,
            shown(row.log.get("loss"), "{:.4f}"),
            shown(row.log.get("test_accuracy"), "{:.1%}").removesuffix("%"),
            shown(row.log.get("images_per_second"), "{:.0f}"),
            "" if row.left is None else duration(row.left),
            "" if row.seen is None else f"{duration(row.seen)} ago",
            row.attempts,
            row.node,
        )
        for row in rows
    ]
    states = [row.state for row in rows]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return f"{aligned(HEADS, lines, range(2, 9))}\n\n{len(rows)} runs: {', '.join(counts)}"


def shown(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)

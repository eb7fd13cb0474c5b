"""How far each run is, from what it leaves in `scratch/`, in its log and in `results/`."""

import csv
import time
from dataclasses import dataclass
from pathlib import Path

from hallmarks.cluster.queue import Queued, job_of, submissions
from hallmarks.errors import UserError
from hallmarks.planning.text import aligned, duration
from hallmarks.runs.run import Run
from hallmarks.trajectory.reader import Trajectory, read_trajectory

RESUMED = "going on after step"
HEADS = "run", "state", "epoch", "loss", "test %", "images/s", "left", "last sign", "attempts", "node"


@dataclass(frozen=True)
class Progress:
    """One run: `state` is done, diverged, in progress, waiting, or what the queue says; `log` its last line.

    `left` and `seen` are seconds: to the end at the present speed, and since it last wrote anything.
    """

    run: Run
    state: str
    log: dict[str, float]
    step: float | None = None
    left: float | None = None
    node: str = ""
    attempts: str = ""
    seen: float | None = None

    def cells(self) -> tuple[str, ...]:
        """A line of the table: epochs, or steps where there are none."""
        epoch, steps, log = self.run.settings.epoch(), self.run.settings.steps(), self.log
        if epoch and self.step is not None:
            done = f"{self.step / epoch.steps:.4g} of {steps / epoch.steps:.4g}"
        else:
            done = "" if self.step is None else f"{self.step:g} of {steps} steps"
        return (
            self.run.name,
            self.state,
            done,
            f"{log['loss']:.4f}" if "loss" in log else "",
            f"{100 * log['test_accuracy']:.1f}" if "test_accuracy" in log else "",
            f"{log['images_per_second']:.0f}" if "images_per_second" in log else "",
            "" if self.left is None else duration(self.left),
            "" if self.seen is None else f"{duration(self.seen)} ago",
            self.attempts,
            self.node,
        )


def progress(run: Run, results: Path, scratch: Path, jobs: list[Queued]) -> Progress:
    """How far a run is now."""
    total, epoch, made = run.settings.steps(), run.settings.epoch(), results / "runs" / run.name
    if finished := present(made / "trajectory"):
        diverged, log = finished.diverged, last_row(made / "log.csv")
        return (
            Progress(run, "diverged", log, diverged["step"])
            if diverged
            else Progress(run, "done", log, total)
        )
    # Beside the newest may lie what other settings or other code left.
    folder = max((scratch / run.name).glob("*/output"), key=last_written, default=scratch)
    log, trajectory = last_row(folder / "log.csv"), present(folder / "trajectory")
    state, step, left, seen, tries = "waiting", None, None, None, ""
    if trajectory:
        state, step = (
            "in progress",
            max([log.get("step", 0), *(point.step for point in trajectory.points[-1:])]),
        )
        text = results / "logs" / "train" / f"{run.name}.log"
        seen = max(time.time() - max(last_written(folder), modified(text)), 0)
        tries = "2 or more" if text.exists() and RESUMED in text.read_text(errors="replace") else "1"
    if epoch and "images_per_second" in log:
        left = (total - (step or 0)) * epoch.examples / epoch.steps / log["images_per_second"]
    job, submitted = job_of(run.name, jobs), submissions(run.name, Path(".snakemake"))
    state, node = (job.state.lower(), job.node) if job else (state, "")
    return Progress(run, state, log, step, left, node, str(submitted or tries), seen)


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


def render_progress(rows: list[Progress]) -> str:
    """One line a run, and how many are in which state."""
    states = [row.state for row in rows]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    table = aligned(HEADS, [row.cells() for row in rows], range(2, 9))
    return f"{table}\n\n{len(rows)} runs: {', '.join(counts)}"

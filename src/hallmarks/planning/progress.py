"""How far each run is, from what it leaves in `scratch/`, in its log and in `results/`."""

import csv
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hallmarks.cluster.queue import Queued, job_of, submissions
from hallmarks.errors import UserError
from hallmarks.planning.text import aligned, duration
from hallmarks.runs.expand import Run, steps_per_epoch, total_steps
from hallmarks.trajectory.reader import Trajectory, read_trajectory

RESUMED = "going on after step"


@dataclass(frozen=True)
class Progress:
    """One run: `state` is done, diverged, in progress, waiting, or what the queue says.

    `left` and `seen` are seconds: to the end at the present speed, and since it last wrote anything.
    """

    run: str
    state: str
    epochs: float
    epoch: float | None = None
    loss: float | None = None
    accuracy: float | None = None
    speed: float | None = None
    left: float | None = None
    node: str = ""
    attempts: str = ""
    seen: float | None = None


def progress(run: Run, results: Path, scratch: Path, jobs: list[Queued], now: float) -> Progress:
    """How far a run is at the time `now`."""
    finished = present(results / "runs" / run.name / "trajectory")
    folder = results / "runs" / run.name if finished else scratch / run.name / "output"
    total, an_epoch = total_steps(run.settings), steps_per_epoch(run.settings)
    found, logged = Progress(run.name, "waiting", total / an_epoch), last_row(folder / "log.csv")
    if logged:
        accuracy, speed = 100 * logged["test_accuracy"], logged["images_per_second"]
        found = replace(found, loss=logged["loss"], accuracy=accuracy, speed=speed)
    if finished and finished.diverged:
        return replace(found, state="diverged", epoch=finished.diverged["epoch"])
    if finished:
        return replace(found, state="done", epoch=found.epochs)
    step, trajectory = int(logged.get("step", 0)), present(folder / "trajectory")
    text, attempts = results / "logs" / "train" / f"{run.name}.log", submissions(run.name, Path(".snakemake"))
    if trajectory:
        step = max([step, *(point.step for point in trajectory.points[-1:])])
        written = [text, folder / "log.csv", folder / "trajectory" / "trajectory.json"]
        seen = max(now - max(path.stat().st_mtime for path in written if path.exists()), 0)
        tries = "2 or more" if text.exists() and RESUMED in text.read_text(errors="replace") else "1"
        found = replace(found, state="in progress", epoch=step / an_epoch, attempts=tries, seen=seen)
    if logged:
        found = replace(found, left=(total - step) * run.settings.recipe.batch_size / found.speed)
    if attempts:
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
    """The last epoch's line of a log; nothing where there is none yet."""
    try:
        with open(path) as file:
            rows = list(csv.DictReader(file))
        return {key: float(value) for key, value in rows[-1].items()} if rows else {}
    except (OSError, TypeError, ValueError):
        return {}


def all_progress(runs: list[Run], results: Path, scratch: Path, jobs: list[Queued]) -> list[Progress]:
    """How far every run is now."""
    now = time.time()
    return [progress(run, results, scratch, jobs, now) for run in runs]


def render(rows: list[Progress]) -> str:
    """One line a run, and how many are in which state."""
    heads = "run", "state", "epoch", "loss", "test %", "images/s", "left", "last sign", "attempts", "node"
    lines = [
        (
            row.run,
            row.state,
            "" if row.epoch is None else f"{row.epoch:.4g} of {row.epochs:.4g}",
            "" if row.loss is None else f"{row.loss:.4f}",
            "" if row.accuracy is None else f"{row.accuracy:.1f}",
            "" if row.speed is None else f"{row.speed:.0f}",
            "" if row.left is None else duration(row.left),
            "" if row.seen is None else f"{duration(row.seen)} ago",
            row.attempts,
            row.node,
        )
        for row in rows
    ]
    states = [row.state for row in rows]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return f"{aligned(heads, lines, range(2, 9))}\n\n{len(rows)} runs: {', '.join(counts)}"

"""How far each run is, from what it leaves in `scratch/`, in its log and in `results/`."""

import csv
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hallmarks.cluster.queue import Queued, job_of, submissions
from hallmarks.errors import UserError
from hallmarks.planning.text import aligned, duration
from hallmarks.runs.expand import Run, steps_per_epoch, total_steps
from hallmarks.trajectory.store import Trajectory, read

RESUMED = "going on after step"


@dataclass(frozen=True)
class Progress:
    """One run: `state` is done, diverged, in progress, waiting, or what the queue says.

    `left` and `seen` are seconds: to the end at the present speed, and since it last wrote anything.
    """

    run: str
    state: str
    epoch: float | None = None
    epochs: float | None = None
    loss: float | None = None
    accuracy: float | None = None
    speed: float | None = None
    left: float | None = None
    node: str = ""
    attempts: str = ""
    seen: float | None = None


def progress(run: Run, results: Path, scratch: Path, jobs: list[Queued], now: float) -> Progress:
    """How far a run is at the time `now`."""
    finished = results / "runs" / run.name
    epochs = total_steps(run.settings) / steps_per_epoch(run.settings)
    if trajectory := present(finished / "trajectory"):
        logged = last_row(finished / "log.csv")
        state = "diverged" if trajectory.diverged else "done"
        epoch = trajectory.diverged["epoch"] if trajectory.diverged else epochs
        return told(Progress(run.name, state, epoch, epochs), logged)
    text, output = results / "logs" / "train" / f"{run.name}.log", scratch / run.name / "output"
    trajectory, logged = present(output / "trajectory"), last_row(output / "log.csv")
    step = max(
        trajectory.points[-1].step if trajectory and trajectory.points else 0, int(logged.get("step", 0))
    )
    left = None
    if logged:
        left = (total_steps(run.settings) - step) * run.settings.recipe.batch_size
        left /= logged["images_per_second"]
    started = trajectory is not None
    job = job_of(run.name, jobs)
    written = [text, output / "log.csv", output / "trajectory" / "trajectory.json"]
    times = [path.stat().st_mtime for path in written if path.exists()]
    attempts = submissions(run.name, Path(".snakemake"))
    found = Progress(
        run=run.name,
        state=job.state.lower() if job else "in progress" if started else "waiting",
        epoch=step / steps_per_epoch(run.settings) if started else None,
        epochs=epochs,
        left=left,
        node=job.node if job else "",
        attempts=str(attempts) if attempts else "2 or more" if went_on(text) else "1" if started else "",
        seen=max(now - max(times), 0) if started and times else None,
    )
    return told(found, logged)


def present(folder: Path) -> Trajectory | None:
    """The trajectory in a folder, or None where there is none yet."""
    try:
        return read(folder)
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


def told(found: Progress, logged: dict[str, float]) -> Progress:
    """With what the last epoch's line says."""
    if not logged:
        return found
    accuracy = 100 * logged["test_accuracy"]
    return replace(found, loss=logged["loss"], accuracy=accuracy, speed=logged["images_per_second"])


def went_on(text: Path) -> bool:
    """Whether the present attempt of a run took up a state of an earlier one."""
    try:
        return RESUMED in text.read_text(errors="replace")
    except OSError:
        return False


def all_progress(runs: list[Run], results: Path, scratch: Path, jobs: list[Queued]) -> list[Progress]:
    """How far every run is now."""
    now = time.time()
    return [progress(run, results, scratch, jobs, now) for run in runs]


def render(rows: list[Progress]) -> str:
    """One line a run, and how many are in which state."""

    def shown(value: float | None, form: str = "{:g}") -> str:
        return "" if value is None else form.format(value)

    heads = "run", "state", "epoch", "loss", "test %", "images/s", "left", "last sign", "attempts", "node"
    lines = [
        (
            row.run,
            row.state,
            "" if row.epoch is None else f"{row.epoch:.4g} of {row.epochs:.4g}",
            shown(row.loss, "{:.4f}"),
            shown(row.accuracy, "{:.1f}"),
            shown(row.speed, "{:.0f}"),
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

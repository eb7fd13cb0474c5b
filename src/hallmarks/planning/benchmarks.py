"""What finished runs took, from Snakemake's benchmark files and the runs' own logs."""

import csv
import statistics
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from hallmarks.config.types import Task
from hallmarks.planning.costs import Cost
from hallmarks.runs.expand import total_steps


@dataclass(frozen=True)
class Measured:
    """Seconds of a finished job, with what was trained."""

    task: Task
    seconds: float


def read(results: Path, rule: str) -> list[Measured]:
    """The finished jobs of `train` or `kernel`, wherever benchmark and settings are both left."""
    folder = results / "benchmarks" / rule
    found = []
    for path in sorted(folder.glob("*/*/seed*.tsv")):
        run = results / "runs" / path.relative_to(folder).with_suffix("")
        task, seconds = settings_of(run), seconds_of(path)
        if task is None or seconds is None:
            continue
        if rule == "train":  # of a run that went on after a stop, the benchmark holds the last attempt only
            seconds = max(seconds, logged_seconds(run / "log.csv"))
        found.append(Measured(task, seconds))
    return found


def settings_of(run: Path) -> Task | None:
    """What was trained, from the run's settings.yaml; None where that is not there or of another version."""
    try:
        content = yaml.safe_load((run / "settings.yaml").read_text())
        return Task.model_validate({key: content[key] for key in ("data", "model", "recipe")})
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValidationError):
        return None


def seconds_of(path: Path) -> float | None:
    """The median of a benchmark file's repeats."""
    try:
        with open(path) as file:
            return statistics.median(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))
    except (OSError, KeyError, ValueError):
        return None


def logged_seconds(path: Path) -> float:
    """Seconds of training that the run's log adds up to."""
    try:
        with open(path) as file:
            return sum(float(row["seconds"]) for row in csv.DictReader(file))
    except (OSError, KeyError, ValueError):
        return 0.0


def estimate(finished: list[Measured], task: Task, rule: str) -> tuple[float, int] | None:
    """Seconds for a task from finished runs of the same network and data, and of how many; None without any.

    Training grows with the images, a kernel with the points. Runs of the same batch size go before others,
    since small batches are slower.
    """
    alike = [m for m in finished if (m.task.model, m.task.data) == (task.model, task.data)]
    same = [m for m in alike if m.task.recipe.batch_size == task.recipe.batch_size]
    chosen = same or alike
    if not chosen:
        return None

    def amount(settings: Task) -> int:
        if rule == "train":
            return total_steps(settings) * settings.recipe.batch_size
        return Cost(settings).points

    rate = statistics.median(m.seconds / max(amount(m.task), 1) for m in chosen)
    return rate * amount(task), len(chosen)

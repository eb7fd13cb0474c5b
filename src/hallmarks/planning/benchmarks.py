"""What finished runs took, from Snakemake's benchmark files and the runs' own logs."""

import csv
import statistics
from dataclasses import dataclass
from pathlib import Path

import yaml

from hallmarks.config.types import Task
from hallmarks.planning.costs import Cost
from hallmarks.runs.expand import total_steps


@dataclass(frozen=True)
class Measured:
    """Seconds of a finished job, with what was trained."""

    task: Task
    seconds: float


def read(results: Path, rule: str) -> list[Measured]:
    """The finished jobs of `train` or `kernel` whose benchmark and settings are left whole."""
    folder, found = results / "benchmarks" / rule, []
    for path in sorted(folder.glob("*/*/seed*.tsv")):
        run = results / "runs" / path.relative_to(folder).with_suffix("")
        try:
            settings = yaml.safe_load((run / "settings.yaml").read_text())
            task = Task.model_validate({key: settings[key] for key in ("data", "model", "recipe")})
            seconds = statistics.median(column(path, "s", "\t"))
            if (
                rule == "train"
            ):  # of a run that went on after a stop, the benchmark holds the last attempt only
                seconds = max(seconds, sum(column(run / "log.csv", "seconds", ",")))
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
            continue
        found.append(Measured(task, seconds))
    return found


def column(path: Path, name: str, between: str) -> list[float]:
    with open(path) as file:
        return [float(row[name]) for row in csv.DictReader(file, delimiter=between)]


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

"""What finished runs took, from Snakemake's benchmark files and the runs' own logs."""

import csv
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

from hallmarks.config.load import read_yaml
from hallmarks.config.types import TASKS
from hallmarks.errors import UserError
from hallmarks.planning.costs import START_SECONDS
from hallmarks.runs.origin import Origin


@dataclass(frozen=True)
class Work:
    """What training a run, or its kernel, is: where it comes from, its data and its network's size are equal
    for runs that are `alike`; FLOPs of a `step`; and the `amount`, in FLOPs or points."""

    alike: tuple
    step: float
    amount: float


def work_of(settings: Origin, rule: str) -> Work:
    cost = settings.cost()
    alike = type(settings), settings.data_sets(), cost.parameters, cost.tensors
    amount = cost.points if rule == "kernel" else cost.flops or cost.steps
    return Work(alike, cost.flops / max(cost.steps, 1), max(amount, 1))


def read_measured(results: Path, rule: str) -> list[tuple[Work, float]]:
    """The finished jobs of `train` or `kernel` whose benchmark and settings are whole, and their seconds."""
    folder, found = results / "benchmarks" / rule, []
    for path in sorted(folder.glob("*/*/seed*.tsv")):
        run = results / "runs" / path.relative_to(folder).with_suffix("")
        try:
            said = read_yaml(run / "settings.yaml")
            settings = TASKS.validate({key: value for key, value in said.items() if key != "run"})
            seconds = statistics.median(column(path, "s", "\t"))
            logged = sum(column(run / "log.csv", "seconds", ",")) if rule == "train" else 0
        except (OSError, TypeError, ValueError, UserError):
            continue
        # The last attempt's alone: of a run that went on after a stop, or was found finished.
        seconds = logged + START_SECONDS if seconds < logged else seconds
        found.append((work_of(settings, rule), seconds))
    return found


def column(path: Path, name: str, between: str) -> list[float]:
    """A column of a file; nothing where it has none of this name."""
    with open(path) as file:
        return [float(row[name]) for row in csv.DictReader(file, delimiter=between) if name in row]


def estimate(finished: list[tuple[Work, float]], wanted: Work) -> tuple[float, int] | None:
    """Seconds for a job from finished ones like it, and of how many; None without any.

    Those whose steps are as large go before others, since small steps are slower.
    """
    alike = [(work, seconds) for work, seconds in finished if work.alike == wanted.alike]
    same = [(work, seconds) for work, seconds in alike if math.isclose(work.step, wanted.step, rel_tol=0.05)]
    rates = [seconds / work.amount for work, seconds in same or alike]
    return (statistics.median(rates) * wanted.amount, len(rates)) if rates else None

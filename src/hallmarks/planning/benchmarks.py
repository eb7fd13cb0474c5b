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
from hallmarks.runs.origin import Cost, Origin


@dataclass(frozen=True)
class Measured:
    """Seconds of a finished job, with the settings of its run and what these cost."""

    settings: Origin
    cost: Cost
    seconds: float


def read_measured(results: Path, rule: str) -> list[Measured]:
    """The finished jobs of `train` or `kernel` whose benchmark and settings are left whole."""
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
        found.append(Measured(settings, settings.cost(), seconds))
    return found


def column(path: Path, name: str, between: str) -> list[float]:
    """A column of a file; nothing where it has none of this name."""
    with open(path) as file:
        return [float(row[name]) for row in csv.DictReader(file, delimiter=between) if name in row]


def estimate(finished: list[Measured], settings: Origin, rule: str) -> tuple[float, int] | None:
    """Seconds for a run from finished ones like it, and of how many; None without any.

    Training grows with the FLOPs, a kernel with the points. Runs whose steps are as large go before others,
    since small steps are slower.
    """
    cost = settings.cost()
    alike = [each for each in finished if kind(each.settings, each.cost) == kind(settings, cost)]
    same = [each for each in alike if math.isclose(step(each.cost), step(cost), rel_tol=0.05)]
    chosen = same or alike
    if not chosen:
        return None

    def amount(cost: Cost) -> float:
        return cost.points if rule == "kernel" else cost.flops or cost.steps

    rate = statistics.median(each.seconds / max(amount(each.cost), 1) for each in chosen)
    return rate * amount(cost), len(chosen)


def kind(settings: Origin, cost: Cost) -> tuple:
    """What runs have in common that take as long: where they come from, their data, their network's size."""
    return type(settings), settings.data_sets(), cost.parameters, cost.tensors


def step(cost: Cost) -> float:
    """FLOPs of a step."""
    return cost.flops / max(cost.steps, 1)

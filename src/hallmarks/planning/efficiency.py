"""What jobs used of what they asked for, from `--slurm-efficiency-report`, and what to ask for instead."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.planning.text import aligned, duration, size

COLUMNS = ["Elapsed_sec", "TotalCPU_sec", "NCPUS", "MaxRSS_MB", "RequestedMem_MB"]


@dataclass(frozen=True)
class Use:
    """The jobs of a rule, or of a group of rules: the most that one used, and the most that one asked for.

    Memory in MB; `busy` is how many cores were at work on average.
    """

    name: str
    jobs: int
    seconds: float
    busy: float
    cores: int
    used: float
    asked: float


def read(paths: list[Path]) -> list[Use]:
    """The use of each rule over all reports. Raises UserError where a file is not such a report."""
    rows = defaultdict(list)
    for path in paths:
        try:
            with open(path) as file:
                for row in csv.DictReader(file):
                    name = row["RuleName"].removeprefix("rule_").split("_wildcards_")[0]
                    rows[name].append([float(row[column] or 0) for column in COLUMNS])
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        except KeyError as error:
            why = (
                " (is AccountingStoreFlags=job_comment set at your site?)" if "RuleName" in str(error) else ""
            )
            raise UserError(f"{path}: has no column {error}{why}") from None
        except ValueError as error:
            raise UserError(f"{path}: not an efficiency report ({error})") from None
    return [use(name, jobs) for name, jobs in sorted(rows.items())]


def use(name: str, jobs: list[list[float]]) -> Use:
    seconds, _, cores, used, asked = (max(column) for column in zip(*jobs, strict=True))
    busy = max(processor / max(elapsed, 1) for elapsed, processor, *_ in jobs)
    return Use(name, len(jobs), seconds, busy, int(cores), used, asked)


def render(uses: list[Use], rules: dict[str, list[str]]) -> str:
    """A line a rule, and the lines for the profile; `rules` are those of each group.

    Suggested are a quarter more memory than was used, in whole 100 MB, the cores that were busy, and twice
    the longest time, in whole 10 minutes. A run's time stays: it is what the partition allows.
    """
    heads = "rule", "jobs", "memory", "asked", "cores busy", "asked", "longest"
    lines = [
        (
            use.name,
            str(use.jobs),
            size(use.used * 1e6),
            size(use.asked * 1e6),
            f"{use.busy:.1f}",
            str(use.cores),
            duration(use.seconds),
        )
        for use in uses
    ]
    resources, threads = ["set-resources:"], ["set-threads:"]
    for use in uses:
        for rule in rules.get(use.name, [use.name]):
            resources += [f"  {rule}:", f"    mem_mb: attempt * {100 * math.ceil(1.25 * use.used / 100)}"]
            if rule != "train":
                resources.append(f"    runtime: attempt * {10 * math.ceil(2 * use.seconds / 600)}")
            threads.append(f"  {rule}: {max(1, math.ceil(use.busy - 0.1))}")
    table = aligned(heads, lines, range(1, 7))
    return "\n".join([table, "", "For the profile, from the most that a job used:", "", *resources, *threads])

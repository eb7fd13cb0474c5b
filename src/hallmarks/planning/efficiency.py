"""What jobs used of what they asked for, by a driver's efficiency report, and what to ask for instead."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import aligned, duration, size

COLUMNS = ["Elapsed_sec", "TotalCPU_sec", "NCPUS", "MaxRSS_MB", "RequestedMem_MB"]


@dataclass(frozen=True)
class Use:
    """The job steps of a rule, or of a group of rules: the most that one used, and its job asked for.

    Memory in MB, `part` of it by one rule where those of a group run side by side; `busy` is how many cores
    were at work on average.
    """

    rules: list[str]
    steps: int
    seconds: float
    busy: float
    cores: float
    used: float
    asked: float
    part: float


def read_reports(paths: list[Path], profile: Profile) -> list[Use]:
    """The use of each rule, or group of rules, over all reports. Raises UserError where one is no report."""
    groups, steps = set(profile.keys.get("groups", {}).values()), defaultdict(list)
    for path in paths:
        try:
            with open(path) as file:
                for row in csv.DictReader(file):
                    name = row["RuleName"].removeprefix("rule_").split("_wildcards_")[0]
                    # A group's job is named <group>_<rule>…, after those of its rules that are in it.
                    name = next((group for group in groups if name.startswith(f"{group}_")), name)
                    steps[name].append([float(row[column] or 0) for column in COLUMNS])
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        except KeyError as error:
            raise UserError(
                f"{path}: has no column {error}; RuleName needs AccountingStoreFlags=job_comment at your site"
            ) from None
        except ValueError as error:
            raise UserError(f"{path}: not an efficiency report ({error})") from None
    return [use(name, steps[name], profile.keys) for name in sorted(steps)]


def use(name: str, steps: list[list[float]], keys: dict) -> Use:
    """What these steps of a rule or group used; as many rules of a group run at once as its cores are for."""
    grouped = [rule for rule, group in keys.get("groups", {}).items() if group == name]
    wide = max((keys.get("set-threads", {}).get(rule, 1) for rule in grouped), default=math.inf)
    seconds, _, cores, used, asked = (max(column) for column in zip(*steps, strict=True))
    busy = max(processor / max(elapsed, 1) for elapsed, processor, *_ in steps)
    part = max(used / max(cores // wide, 1) for _, _, cores, used, _ in steps)
    return Use(grouped or [name], len(steps), seconds, busy, cores, used, asked, part)


def render_uses(uses: list[Use]) -> str:
    """A line for each, and the lines for the profile.

    Suggested are a quarter more memory than was used, in whole 100 MB, and twice the longest time, in whole
    10 minutes. The time of a run stays: it is what the partition allows.
    """
    heads = "rule", "steps", "memory", "asked", "cores busy", "asked", "longest"
    lines, resources = [], ["", "For the profile, from the most that one used:", "", "set-resources:"]
    for use in uses:
        memory = size(use.used * 1e6), size(use.asked * 1e6)
        cores = f"{use.busy:.1f}", f"{use.cores:g}"
        lines.append((", ".join(use.rules), str(use.steps), *memory, *cores, duration(use.seconds)))
        for rule in use.rules:
            resources += [f"  {rule}:", f"    mem_mb: attempt * {100 * math.ceil(1.25 * use.part / 100)}"]
            if rule != "train":
                resources.append(f"    runtime: attempt * {10 * math.ceil(2 * use.seconds / 600)}")
    return "\n".join([aligned(heads, lines, range(1, 7)), *resources])

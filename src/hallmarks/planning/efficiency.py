"""What jobs used of what they asked for, by a driver's efficiency report, and what to ask for instead."""

import math
from pathlib import Path

import pandas as pd

from hallmarks.errors import UserError
from hallmarks.files import size
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import aligned, duration

COLUMNS = {"RuleName": "name", "Elapsed_sec": "seconds", "TotalCPU_sec": "busy", "NCPUS": "cores"}
COLUMNS |= {"MaxRSS_MB": "used", "RequestedMem_MB": "asked"}
HEADS = "rule", "steps", "memory", "asked", "cores busy", "asked", "longest"


def read_reports(paths: list[Path], profile: Profile) -> list[tuple]:
    """Of each rule, or group of rules: its `rules`, `steps`, and the most that one of them took.

    That is `seconds`, `cores` and how many of them were `busy` on average; memory in MB, `used` and `asked`,
    and the `part` of it by one rule where those of a group run side by side, as many as its cores are for.
    Raises UserError where a file is no report.
    """
    steps, rules = pd.concat(map(read_report, paths)), {}
    for rule, group in profile.keys.get("groups", {}).items():
        rules.setdefault(group, []).append(rule)
    names = steps["name"].str.removeprefix("rule_").str.split("_wildcards_").str[0]
    # A group's job is named <group>_<rule>…, after those of its rules that are in it.
    names = names.map(lambda name: next((group for group in rules if name.startswith(f"{group}_")), name))
    threads = profile.keys.get("set-threads", {})
    wide = {group: max(threads.get(rule, 1) for rule in grouped) for group, grouped in rules.items()}
    side_by_side = (steps["cores"] // names.map(wide).fillna(math.inf)).clip(1)
    steps = steps.assign(name=names, part=steps["used"] / side_by_side).groupby("name")
    most = steps.max().assign(steps=steps.size())
    return list(most.assign(rules=[rules.get(name, [name]) for name in most.index]).itertuples())


def read_report(path: Path) -> pd.DataFrame:
    """The job steps of one report. Raises UserError where it is none."""
    try:
        steps = pd.read_csv(path, usecols=list(COLUMNS)).fillna(0).rename(columns=COLUMNS)
        steps = steps.astype(dict.fromkeys(steps.columns, float) | {"name": str})
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        needs = "RuleName needs AccountingStoreFlags=job_comment at your site"
        raise UserError(f"{path}: not an efficiency report ({error}; {needs})") from None
    return steps.assign(busy=steps["busy"] / steps["seconds"].clip(1))


def render_uses(uses: list[tuple]) -> str:
    """A line for each, and the lines for the profile.

    Suggested are a quarter more memory than was used, in whole 100 MB, and twice the longest time, in whole
    10 minutes. The time of a run stays: it is what the partition allows.
    """
    lines, resources = [], ["", "For the profile, from the most that one used:", "", "set-resources:"]
    for use in uses:
        memory = size(use.used * 1e6), size(use.asked * 1e6)
        cores = f"{use.busy:.1f}", f"{use.cores:g}"
        lines.append((", ".join(use.rules), str(use.steps), *memory, *cores, duration(use.seconds)))
        for rule in use.rules:
            resources += [f"  {rule}:", f"    mem_mb: attempt * {100 * math.ceil(1.25 * use.part / 100)}"]
            if rule != "train":
                resources.append(f"    runtime: attempt * {10 * math.ceil(2 * use.seconds / 600)}")
    return "\n".join([aligned(HEADS, lines, range(1, 7)), *resources])

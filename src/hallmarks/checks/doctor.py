"""All checks of a profile, in the order in which one would mend what they find."""

import shutil
from pathlib import Path

from hallmarks.checks import Check
from hallmarks.checks.node import nearest, unwritable
from hallmarks.checks.probe import check_node, space
from hallmarks.checks.site import check_site
from hallmarks.checks.versions import check_versions
from hallmarks.config.types import Config
from hallmarks.planning.jobs import Job
from hallmarks.planning.profile import Profile
from hallmarks.planning.table import Plan
from hallmarks.planning.text import duration

LOCK = Path("envs/requirements.txt")


def examine(profile: Profile, plan: Plan, jobs: list[Job], wait: float) -> list[Check]:
    """What applies to the profile: `jobs` and `plan` are of all that it would make; a job is waited for."""
    config = profile.config
    results, scratch = Path(config.results), Path(config.scratch)
    checks = [check_versions(LOCK)]
    if problem := unwritable(results):
        remedy = "set results: in the configuration to a folder that you can write"
        checks.append(Check("results", f"{results}: {problem}", remedy))
    else:
        checks.append(space("results", str(results), shutil.disk_usage(nearest(results)).free, plan.to_come))
    sources, missing = data_sources(config, jobs)
    checks += [*missing, *check_limits(plan, profile)]
    site = check_site(jobs) if profile.slurm else []
    checks += site
    if len(site) == 1:  # SLURM itself does not answer
        return checks
    training = [job for job in jobs if job.rule == "train"]
    job = training[0] if training else jobs[0]
    asked = {
        "gpu": bool(profile.slurm and job.resources.get("gpu")),
        "data": sources,
        "scratch": str(scratch),
    }
    return checks + check_node(job if profile.slurm else None, asked, plan.in_progress, wait)


def data_sources(config: Config, jobs: list[Job]) -> tuple[dict[str, str], list[Check]]:
    """The configured paths of the data sets in use, and a failure where one is missing."""
    used = sorted({job.wildcards["dataset"] for job in jobs if job.rule == "data"})
    made = {job.wildcards["dataset"] for job in jobs if job.rule == "data" and job.reason is None}
    sources = {name: config.data[name] for name in used if name in config.data}
    if "imagenet" in used and not {"imagenet"} & (sources.keys() | made):
        remedy = "set data: {imagenet: FOLDER}, a folder with train/ and val/ that every node sees"
        return sources, [Check("data imagenet", "no path is configured", remedy)]
    return sources, []


def check_limits(plan: Plan, profile: Profile) -> list[Check]:
    """Whether every run ends within its time limit, or within the attempts that the profile allows."""
    allowed = 1 + int(profile.keys.get("retries", 0))
    checks = []
    for task, (seconds, limit, attempts) in plan.attempts.items():
        found = f"{task}: {duration(seconds)} in jobs of {duration(limit)}, {attempts} of {allowed} attempts"
        remedy = "raise `runtime` of `train`, or `retries`, in the profile" if attempts > allowed else ""
        checks.append(Check("time limits", found, remedy))
    return checks or [Check("time limits", "every run fits into one job")]

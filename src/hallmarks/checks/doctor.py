"""All checks of a profile, in the order in which one would mend what they find."""

from pathlib import Path

from hallmarks.checks import Check
from hallmarks.checks.node import room
from hallmarks.checks.probe import check_node
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
    sources, missing = data_sources(config, jobs)
    checks = [check_versions(LOCK), room("results", Path(config.results), plan.to_come), *missing]
    checks += check_limits(plan, profile)
    if profile.slurm:
        checks += (site := check_site(jobs))
        if len(site) == 1:  # SLURM itself does not answer
            return checks
    job = next((job for job in jobs if job.rule == "train"), jobs[0]) if profile.slurm else None
    asked = {"gpu": bool(job and job.resources.get("gpu")), "data": sources}
    asked |= {"scratch": config.scratch, "needed": plan.in_progress}
    return checks + check_node(job, asked, wait)


def data_sources(config: Config, jobs: list[Job]) -> tuple[dict[str, str], list[Check]]:
    """The configured paths of the data sets in use, and a failure where one is missing."""
    used = {job.wildcards["dataset"]: job.reason is None for job in jobs if job.rule == "data"}
    sources = {name: config.data[name] for name in sorted(used) if name in config.data}
    if used.get("imagenet", True) or "imagenet" in sources:
        return sources, []
    remedy = "set data: {imagenet: FOLDER}, a folder with train/ and val/ that every node sees"
    return sources, [Check("data imagenet", "no path is configured", remedy)]


def check_limits(plan: Plan, profile: Profile) -> list[Check]:
    """Whether every run ends within its time limit, or within the attempts that the profile allows."""
    checks = []
    for task, (seconds, limit, attempts) in plan.attempts.items():
        allowed = f"{attempts} of {profile.attempts} attempts"
        found = f"{task}: {duration(seconds)} in jobs of {duration(limit)}, {allowed}"
        remedy = "raise `runtime` of `train`, or `retries`, in the profile"
        checks.append(Check("time limits", found, remedy if attempts > profile.attempts else ""))
    return checks or [Check("time limits", "every run fits into one job")]

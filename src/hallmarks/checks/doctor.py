"""All checks of a profile, in the order in which one would mend what they find."""

from pathlib import Path

from hallmarks.checks import Check
from hallmarks.checks.node import check_room
from hallmarks.checks.probe import check_node
from hallmarks.checks.site import check_site
from hallmarks.checks.versions import check_versions
from hallmarks.config.types import Config
from hallmarks.data.prepare import DATA_SETS
from hallmarks.planning.jobs import Job
from hallmarks.planning.table import Plan
from hallmarks.planning.wall import attempts_of, attempts_said

LOCK = Path("envs/requirements.txt")


def examine(plan: Plan, wait: float) -> list[Check]:
    """What applies to the plan of all that a profile makes; so many seconds are waited for a job."""
    profile, config, jobs = plan.profile, plan.profile.paper.config, plan.jobs
    checks = [check_versions(LOCK), check_room("results", Path(config.results), plan.disk.to_come)]
    checks += [*check_sources(config, jobs), *check_limits(plan.over_limit, profile.attempts)]
    if profile.slurm:
        checks += (site := check_site(jobs))
        if len(site) == 1:  # SLURM itself does not answer
            return checks
    job = next((job for job in jobs if job.rule == "train"), jobs[0]) if profile.slurm else None
    used = {job.name for job in jobs if job.rule == "data"}
    sources = {name: folder for name, folder in config.data.items() if name in used}
    asked = {"gpu": bool(job and job.resources.get("gpu")), "data": sources}
    asked |= {"scratch": config.scratch, "needed": plan.disk.in_progress}
    return checks + check_node(job, asked, wait)


def check_sources(config: Config, jobs: list[Job]) -> list[Check]:
    """A failure for each data set that must lie somewhere already, and no folder is configured."""
    to_get = sorted(job.name for job in jobs if job.rule == "data" and job.reason)
    return [
        Check(
            f"data {name}",
            "no path is configured",
            f"set data: {{{name}: FOLDER}}, a folder that holds it and that every node sees",
        )
        for name in to_get
        if DATA_SETS[name].Settings.needs_source and name not in config.data
    ]


def check_limits(over_limit: list[Job], allowed: int) -> list[Check]:
    """Whether every run ends within its time limit, or within the attempts that the profile allows."""
    remedy = "raise `runtime` of `train`, or `retries`, in the profile"
    checks = [
        Check("time limits", attempts_said(job, allowed), remedy if attempts_of(job) > allowed else "")
        for job in over_limit
    ]
    return checks or [Check("time limits", "every run fits into one job")]

"""All checks of a profile, in the order in which one would mend what they find."""

import math
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from hallmarks.checks import Check
from hallmarks.checks.node import check_node, check_room
from hallmarks.cluster.slurm import Partition, accounts, ask, partitions
from hallmarks.data.prepare import DATA_SETS
from hallmarks.errors import UserError
from hallmarks.planning.jobs import Job
from hallmarks.planning.plan import Plan
from hallmarks.planning.text import duration

LOCK = Path("envs/requirements.txt")


def examine(plan: Plan, wait: float) -> Iterator[Check]:
    """What applies to the plan of all that a profile makes; so many seconds are waited for a job."""
    config, jobs, job = plan.profile.paper.config, plan.jobs, None
    yield check_versions(LOCK)
    yield check_room("results", Path(config.results), plan.to_come)
    yield from check_plan(plan)
    if plan.profile.slurm:
        try:
            yield from check_site(jobs)
        except UserError as error:
            yield Check(
                "SLURM", str(error), "run this on a login node of the cluster, while its controller is up"
            )
            return
        job = next((job for job in jobs if job.rule == "train"), jobs[0])
    used = {job.name for job in jobs if job.rule == "data"}
    data = {name: folder for name, folder in config.data.items() if name in used}
    yield from check_node(job, wait, data, config.scratch, plan.in_progress)


def check_versions(lock: Path) -> Check:
    """Every package of the lock that this platform takes, in its version (a build such as +cpu aside)."""
    if not lock.exists():
        return Check("versions", f"{lock}: not found", "run in the folder of the clone")
    # `name==version ; marker \`, beside hashes and comments.
    lines = [line.rstrip("\\ ") for line in lock.read_text().splitlines() if line[:1].isalnum()]
    asked = [each for each in map(Requirement, lines) if each.marker is None or each.marker.evaluate()]
    if not (wrong := [said for said in map(wrong_with, asked) if said]):
        return Check("versions", f"{len(asked)} packages as in {lock}")
    more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Check("versions", ", ".join(wrong[:3]) + more, f"`make install` takes the versions of {lock}")


def wrong_with(asked: Requirement) -> str:
    try:
        installed = version(asked.name)
    except PackageNotFoundError:
        return f"{asked.name} is missing"
    fits = asked.specifier.contains(installed.split("+")[0], prereleases=True)
    return "" if fits else f"{asked.name} is {installed}, not {str(asked.specifier)[2:]}"


def check_plan(plan: Plan) -> Iterator[Check]:
    """Whether data that must lie somewhere has its folder, and each run ends within its limit or attempts."""
    for name in sorted(job.name for job in plan.todo if job.rule == "data"):
        if DATA_SETS[name].Settings.needs_source and name not in plan.profile.paper.config.data:
            remedy = f"set data: {{{name}: FOLDER}}, a folder that holds it and that every node sees"
            yield Check(f"data {name}", "no path is configured", remedy)
    remedy = "raise `runtime` of `train`, or `retries`, in the profile"
    for said, enough in (plan.limits or {"every run fits into one job": True}).items():
        yield Check("time limits", said, "" if enough else remedy)


def check_site(jobs: list[Job]) -> Iterator[Check]:
    """Every account and partition that these jobs ask for. Raises UserError where SLURM does not answer."""
    [version], present = ask("sinfo", "--version"), partitions()
    yield Check("SLURM", version)
    asked, named = (
        sorted({job.resources[key] for job in jobs if job.resources.get(key)})
        for key in ("slurm_account", "slurm_partition")
    )
    yield from map(check_account, asked)
    for name in named:
        yield check_partition(name, present, jobs)


def check_account(account: str) -> Check:
    """Whether the user may use an account, where accounting can tell."""
    title = f"account {account}"
    try:
        mine = accounts()
    except UserError:
        return Check(title, "accounting does not answer; the job below shows whether it is accepted")
    if account in mine:
        return Check(title, "you may use it")
    remedy = f"set slurm_account in the profile to one of yours: {', '.join(mine) or 'you have none, ask'}"
    return Check(title, "you may not use it", remedy)


def check_partition(name: str, present: dict[str, Partition], jobs: list[Job]) -> Check:
    """Whether a partition is there and up, and has the GPUs and the time that its jobs ask for."""
    title, partition = f"partition {name}", present.get(name)
    if partition is None:
        remedy = f"set slurm_partition in the profile to one of {', '.join(sorted(present))}"
        return Check(title, "does not exist", remedy)
    if partition.state != "up":
        return Check(title, f"is {partition.state}", "choose another partition, or wait until it is up")
    asks = [job.resources for job in jobs if job.resources.get("slurm_partition") == name]
    if any(each.get("gpu") for each in asks) and not partition.gpus:
        return Check(title, "has no GPUs", "set slurm_partition of `train` to a partition with GPUs")
    if partition.limit == math.inf:
        return Check(title, "is up, without a limit")
    limit, longest = duration(partition.limit), 60.0 * max(float(each.get("runtime", 0)) for each in asks)
    if longest <= partition.limit:
        return Check(title, f"is up, for jobs of up to {limit}")
    remedy = f"ask for a `runtime` of at most {partition.limit / 60:.0f}; a longer run goes on in another job"
    return Check(title, f"ends jobs after {limit}, {duration(longest)} are asked for", remedy)

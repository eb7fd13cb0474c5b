"""The cluster's side: whether its accounts and partitions allow what the jobs ask for."""

import math

from hallmarks.checks import Check
from hallmarks.cluster.ask import ask
from hallmarks.cluster.site import Partition, accounts, partitions
from hallmarks.errors import UserError
from hallmarks.planning.jobs import Job
from hallmarks.planning.text import duration


def check_site(jobs: list[Job]) -> list[Check]:
    """Every account and partition that these jobs ask for; a single failure where SLURM does not answer."""
    try:
        [version], present = ask("sinfo", "--version"), partitions()
    except UserError as error:
        remedy = "run this on a login node of the cluster, while its controller is up"
        return [Check("SLURM", str(error), remedy)]
    asked, named = (
        sorted({job.resources[name] for job in jobs if job.resources.get(name)})
        for name in ("slurm_account", "slurm_partition")
    )
    checks = [check_partition(name, present, jobs) for name in named]
    return [Check("SLURM", version), *map(check_account, asked), *checks]


def check_account(account: str) -> Check:
    """Whether the user may use an account, where accounting can tell."""
    name = f"account {account}"
    try:
        mine = accounts()
    except UserError:
        return Check(name, "accounting does not answer; the job below shows whether it is accepted")
    if account in mine:
        return Check(name, "you may use it")
    remedy = f"set slurm_account in the profile to one of yours: {', '.join(mine) or 'you have none, ask'}"
    return Check(name, "you may not use it", remedy)


def check_partition(name: str, present: dict[str, Partition], jobs: list[Job]) -> Check:
    """Whether a partition is there and up, and has the GPUs and the time that its jobs ask for."""
    title, partition = f"partition {name}", present.get(name)
    mine = [job.resources for job in jobs if job.resources.get("slurm_partition") == name]
    if partition is None:
        remedy = f"set slurm_partition in the profile to one of {', '.join(sorted(present))}"
        return Check(title, "does not exist", remedy)
    if partition.state != "up":
        return Check(title, f"is {partition.state}", "choose another partition, or wait until it is up")
    if any(asks.get("gpu") for asks in mine) and not partition.gpus:
        return Check(title, "has no GPUs", "set slurm_partition of `train` to a partition with GPUs")
    if partition.limit == math.inf:
        return Check(title, "is up, without a limit")
    limit, longest = partition.limit, 60.0 * max(float(asks.get("runtime", 0)) for asks in mine)
    if longest > limit:
        remedy = f"ask for a `runtime` of at most {limit / 60:.0f}; a longer run goes on in another job"
        return Check(title, f"ends jobs after {duration(limit)}, {duration(longest)} are asked for", remedy)
    return Check(title, f"is up, for jobs of up to {duration(limit)}")

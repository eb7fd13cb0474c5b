"""The cluster's side: accounts, partitions and their limits."""

import getpass
import shutil
import subprocess

from hallmarks.checks import Check
from hallmarks.planning.jobs import Job
from hallmarks.planning.text import duration


def ask(*command: str) -> str | None:
    """What a SLURM command prints, None where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.strip()


def check_site(jobs: list[Job]) -> list[Check]:
    """Every account and partition that these jobs ask for; a single failure where SLURM does not answer."""
    if ask("sinfo", "--noheader") is None:
        found = "sinfo fails" if shutil.which("sinfo") else "sinfo is not installed here"
        return [Check("SLURM", found, "run this on a login node of the cluster, while its controller is up")]
    asked = [job.resources for job in jobs]
    accounts = sorted({resources["slurm_account"] for resources in asked if resources.get("slurm_account")})
    partitions: dict[str, list[Job]] = {}
    for job in jobs:
        if partition := job.resources.get("slurm_partition"):
            partitions.setdefault(partition, []).append(job)
    return [
        Check("SLURM", ask("sinfo", "--version") or "answers"),
        *(check_account(account) for account in accounts),
        *(check_partition(name, members) for name, members in sorted(partitions.items())),
    ]


def check_account(account: str) -> Check:
    """Whether the user may use an account, where accounting can tell."""
    user = getpass.getuser()
    known = ask("sacctmgr", "-nP", "show", "associations", f"user={user}", "format=account")
    name = f"account {account}"
    if known is None:
        return Check(name, "accounting does not answer; the job below shows whether it is accepted")
    mine = sorted({line for line in known.splitlines() if line})
    if account in mine:
        return Check(name, f"{user} may use it")
    remedy = f"set slurm_account in the profile to one of yours: {', '.join(mine) or 'you have none, ask'}"
    return Check(name, f"{user} may not use it", remedy)


def check_partition(name: str, jobs: list[Job]) -> Check:
    """Whether a partition exists, is up, has GPUs where they are asked for, and lets jobs run long enough."""
    listed = ask("sinfo", "--noheader", f"--partition={name}", "--format=%a|%l|%G")
    title = f"partition {name}"
    rows = [line.split("|", 2) for line in (listed or "").splitlines()]
    if not rows:
        present = ", ".join(sorted(set((ask("sinfo", "--noheader", "--format=%R") or "").split())))
        return Check(title, "does not exist", f"set slurm_partition in the profile to one of {present}")
    if all(available != "up" for available, _, _ in rows):
        return Check(title, f"is {rows[0][0]}", "choose another partition, or wait until it is up")
    if any(job.resources.get("gpu") for job in jobs) and not any("gpu" in gres for _, _, gres in rows):
        return Check(title, "has no GPUs", "set slurm_partition of `train` to a partition with GPUs")
    limit = min(seconds_of(limit) for _, limit, _ in rows)
    longest = 60.0 * max(float(job.resources.get("runtime", 0)) for job in jobs)
    if longest > limit:
        remedy = f"ask for a `runtime` of at most {limit / 60:.0f}; a longer run goes on in another job"
        return Check(title, f"ends jobs after {duration(limit)}, {duration(longest)} are asked for", remedy)
    shown = "without a limit" if limit == float("inf") else f"for jobs of up to {duration(limit)}"
    return Check(title, f"is up, {shown}")


def seconds_of(limit: str) -> float:
    """`infinite`, `days-hours:minutes:seconds`, `minutes:seconds`, … in seconds."""
    if limit in {"infinite", "n/a"}:
        return float("inf")
    days, _, rest = limit.rpartition("-")
    total = 0
    for part in rest.split(":"):
        total = 60 * total + int(part)
    return 86400 * int(days or 0) + total

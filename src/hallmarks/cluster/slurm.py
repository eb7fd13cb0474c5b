"""All that the house asks of SLURM: the one module that calls squeue, sacct, sinfo and sacctmgr."""

import getpass
import math
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from hallmarks.errors import UserError

SECONDS = 60  # for an answer
# Ended, or in the queue again under the same number: accounting says the same of both.
INTERRUPTED = {"PREEMPTED", "NODE_FAIL"}
RESTARTS = "HALLMARKS_RESTARTS"  # the variable in which a job's step is told of its restarts


def ask(command: str, *arguments: str) -> list[str]:
    """The lines that it prints; none of a job that SLURM has forgotten. Raises UserError where none comes."""
    try:
        done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=SECONDS)
    except FileNotFoundError:
        raise UserError(f"{command} is not installed here") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command} does not answer within {SECONDS} s") from None
    if done.returncode and "Invalid job id" not in done.stderr:
        raise UserError(f"{command}: {' '.join(done.stderr.split())}")
    return done.stdout.splitlines()


class Queued(NamedTuple):
    """One job: RUNNING, PENDING, …; the node, or why it waits; who submitted it, and what for."""

    job: str
    state: str
    node: str
    driver: str
    comment: str


def queued(folder: Path) -> list[Queued]:
    """The jobs that were submitted from a folder and have not ended. Raises UserError without an answer."""
    found = []
    for line in ask("squeue", "--me", "--noheader", "--format=%A|%T|%N|%r|%j|%Z|%k"):
        job, state, node, reason, driver, submitted_from, comment = line.split("|", 6)
        if Path(submitted_from) == folder:
            found.append(Queued(job, state, node or reason, driver, comment))
    return found


def states(driver: str) -> dict[str, str]:
    """The state of each job of a driver, by accounting or else by the controller. Raises UserError."""
    name = f"--name={driver}"
    try:
        since = ["--clusters=all", "--starttime=now-2days", "--endtime=now"]
        lines = ask("sacct", "-X", "--noheader", "--parsable2", "--format=JobIDRaw,State", *since, name)
    except UserError:  # there is no accounting, or it is away
        lines = ask("squeue", "--noheader", "--states=all", "--format=%A|%T", name)
    # The first word of "CANCELLED by 0".
    found = {job: state.split()[0] for job, state in (line.split("|") for line in lines)}
    if INTERRUPTED & set(found.values()):
        # Accounting lags: the job may be in the queue again, may run, and may even have ended well since.
        now = (
            line.split("|") for line in ask("squeue", "--noheader", "--states=all", "--format=%A|%T", name)
        )
        found |= {job: state for job, state in now if found.get(job) in INTERRUPTED}
    return found


def cancel(driver: str, clusters: bool) -> None:
    """Cancel all jobs of a driver, on all `clusters` or on this one. Raises UserError."""
    ask("scancel", "--me", f"--name={driver}", *(["--clusters=all"] if clusters else []))


def runs(job: str) -> bool:
    """Whether SLURM still runs a job, or does not answer."""
    if shutil.which("squeue") is None:
        return False
    try:
        return ask("squeue", "--noheader", "--jobs", job, "--format=%T") not in ([], ["PENDING"])
    except UserError:
        return True


def job_of(run: str, jobs: list[Queued]) -> Queued | None:
    """The job that trains a run, one that is running before one that waits."""
    mine = [job for job in jobs if job.comment == f"rule_train_wildcards_{run.replace('/', '_')}"]
    return min(mine, key=lambda job: job.state != "RUNNING", default=None)


def submissions(run: str, snakemake: Path) -> int:
    """How often a run was submitted and has not ended well, from the logs that the executor keeps."""
    folder = snakemake / "slurm_logs" / "rule_train" / run.replace("/", "_")
    return len(list(folder.glob("*.log")))


class Partition(NamedTuple):
    """`up`, `down`, …; the longest time of a job in seconds; whether any of its nodes has GPUs."""

    state: str
    limit: float
    gpus: bool


def partitions() -> dict[str, Partition]:
    """Every partition by name. Raises UserError where the controller does not answer."""
    from snakemake_executor_plugin_slurm.utils import time_to_seconds

    found: dict[str, Partition] = {}
    for line in ask("sinfo", "--noheader", "--format=%R|%a|%l|%G"):  # a line for each kind of node
        name, state, limit, gres = line.split("|", 3)
        gpus = "gpu" in gres or (name in found and found[name].gpus)
        found[name] = Partition(state, time_to_seconds(limit) or math.inf, gpus)  # 0 of `infinite`
    return found


def accounts() -> list[str]:
    """The accounts that the user may use. Raises UserError where accounting does not answer."""
    mine = f"user={getpass.getuser()}"
    return sorted({*ask("sacctmgr", "-nP", "show", "associations", mine, "format=account")} - {""})

"""The jobs of this workflow that SLURM knows of: in the queue now, by driver, by run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from hallmarks.cluster.ask import ask
from hallmarks.errors import UserError

# Ended, or in the queue again under the same number: accounting says the same of both.
INTERRUPTED = {"PREEMPTED", "NODE_FAIL"}


@dataclass(frozen=True)
class Queued:
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
    found = {}
    for line in lines:
        job, state = line.split("|")
        found[job] = state.split()[0]  # of "CANCELLED by 0"
    if INTERRUPTED & set(found.values()):
        present = ask("squeue", "--noheader", "--format=%A", name)
        found |= {job: "PENDING" for job in present if found.get(job) in INTERRUPTED}
    return found


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
    name = f"rule_train_wildcards_{run.replace('/', '_')}"
    mine = sorted((job for job in jobs if job.comment == name), key=lambda job: job.state != "RUNNING")
    return mine[0] if mine else None


def submissions(run: str, snakemake: Path) -> int:
    """How often a run was submitted and has not ended well, from the logs that the executor keeps."""
    folder = snakemake / "slurm_logs" / "rule_train" / run.replace("/", "_")
    return len(list(folder.glob("*.log")))

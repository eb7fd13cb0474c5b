"""The jobs of this workflow that SLURM knows of now."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

FORMAT = "%A|%T|%N|%r|%Z|%k"
TRAINING = "rule_train_wildcards_"


@dataclass(frozen=True)
class Queued:
    """One job: RUNNING, PENDING, …; the node, or why it waits; and what Snakemake calls it."""

    job: str
    state: str
    node: str
    comment: str


def queued() -> list[Queued] | str:
    """The jobs that were submitted from this folder, or why they cannot be listed."""
    command = ["squeue", "--me", "--noheader", f"--format={FORMAT}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return "squeue is not installed here; run this where you submit jobs"
    except subprocess.TimeoutExpired:
        return "squeue does not answer within 60 s"
    if asked.returncode:
        return f"squeue: {' '.join(asked.stderr.split())}"
    return parse(asked.stdout, Path.cwd())


def parse(listing: str, folder: Path) -> list[Queued]:
    """What `squeue` printed, without the jobs of other folders."""
    found = []
    for line in listing.splitlines():
        job, state, node, reason, submitted_from, comment = line.split("|", 5)
        if Path(submitted_from) == folder:
            found.append(Queued(job, state, node or reason, comment))
    return found


def job_of(run: str, jobs: list[Queued]) -> Queued | None:
    """The job that trains a run, one that is running before one that waits."""
    name = TRAINING + run.replace("/", "_")
    mine = sorted((job for job in jobs if job.comment == name), key=lambda job: job.state != "RUNNING")
    return mine[0] if mine else None


def submissions(run: str, snakemake: Path) -> int:
    """How often a run was submitted and has not ended well, from the logs that the executor keeps."""
    folder = snakemake / "slurm_logs" / "rule_train" / run.replace("/", "_")
    return len(list(folder.glob("*.log")))

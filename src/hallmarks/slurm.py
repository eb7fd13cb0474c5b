"""What the SLURM executor of Snakemake leaves undone, mended in the process that submits.

Written against snakemake-executor-plugin-slurm 2.8; `tests/slurm` holds each of these against a real SLURM:

- A cancelled job ("CANCELLED by 0", says accounting) is not recognised, and waited for without end.
- A job preempted by cancellation, or lost with its node, is waited for although SLURM has given it up.
- When accounting does not answer, every job that runs is forgotten, and its end never noticed.
- While nothing ends, the time between two looks grows to minutes, however short the jobs are.
- After a driver was killed, its jobs still run; the next driver starts them a second time beside them.
"""

import subprocess
import sys
import time

GIVEN_UP_OR_REQUEUED = {"PREEMPTED", "NODE_FAIL"}


def mend() -> None:
    """Change the executor plugin, where Snakemake has loaded it."""
    plugin = sys.modules.get("snakemake_executor_plugin_slurm")
    if plugin is None or hasattr(plugin, "mended"):
        return
    plugin.mended = True
    plugin.query_job_status = statuses_by(plugin.query_job_status, plugin.query_job_status_squeue)
    plugin.get_submit_command = submission_by(plugin.get_submit_command)
    plugin.Executor.next_seconds_between_status_checks = property(
        lambda executor: executor.workflow.executor_settings.init_seconds_before_status_checks,
        lambda executor, seconds: None,
    )


def statuses_by(query, squeue_command):
    """`query`, by the controller where accounting is silent, and for jobs that it may have queued again."""

    async def statuses(command, logger):
        began = time.monotonic()
        known, _ = await query(command, logger)
        if known is None:
            known, _ = await query(squeue_command(command.split("--name ")[1].split()[0]), logger)
        known = {job: status.split()[0] for job, status in (known or {}).items()}
        for job in [job for job, status in known.items() if status in GIVEN_UP_OR_REQUEUED]:
            queued = squeue("--jobs", job, "--format=%A")
            known[job] = "FAILED" if queued == [] else "PENDING"
        return known, time.monotonic() - began

    return statuses


def submission_by(command):
    """`command`, its job put behind those that already make the same in the same folder."""

    def submission(job, params, *args, **kwargs):
        call = command(job, params, *args, **kwargs)
        lines = squeue("--me", "--array", "--format=%A\t%j\t%Z\t%k") or []
        same = [
            number
            for number, driver, folder, comment in (line.split("\t") for line in lines)
            # Jobs of one group share their comment, so that those of the same driver are others.
            if (folder, comment) == (str(params["workdir"]), params["comment_str"])
            and not (job.is_group() and driver == params["run_uuid"])
        ]
        return f"{call} --dependency=afterany:{':'.join(same)}" if same else call

    return submission


def squeue(*arguments: str) -> list[str] | None:
    """The lines that `squeue` prints; [] for a job that SLURM has forgotten; None where nobody answers."""
    asked = subprocess.run(["squeue", "--noheader", *arguments], capture_output=True, text=True)
    if asked.returncode:
        return [] if "Invalid job id" in asked.stderr else None
    return asked.stdout.splitlines()

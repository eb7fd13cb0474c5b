"""What the SLURM executors of Snakemake leave undone, mended in the process that submits, and in the job.

Written against snakemake-executor-plugin-slurm 2.8 and its jobstep 0.6; `tests/slurm` holds each of these
against a real SLURM:

- A wildcard with a comma, such as the run of momentum=0,weight_decay=0, is cut in two on its way to a job
  (by Snakemake 9 itself, for every cluster).
- A cancelled job ("CANCELLED by 0", says accounting) is not recognised, and waited for without end.
- A job preempted by cancellation, or lost with its node, is waited for although SLURM has given it up.
- When accounting does not answer, every job that runs is forgotten, and its end never noticed.
- While nothing ends, the time between two looks grows to minutes, however short the jobs are.
- After a driver was killed, its jobs still run; the next driver starts them a second time beside them.
- A job that is submitted while the controller or accounting is away fails, and so do its retries at once.
- The parts of a group run one after another, each in a job step and a Snakemake of its own, on as many cores
  as all of them together have asked for.
- In an array all ask for what the first asks for, all bear its name, and each is taken for done when the last
  is; what becomes ready one by one, as a retry does, is never submitted; the first task runs in no job step,
  and only steps are warned of a time limit.
"""

import os
import subprocess
import sys
import time
from collections import defaultdict

from snakemake import dag
from snakemake_interface_executor_plugins.executors import real
from snakemake_interface_executor_plugins.utils import TargetSpec

COMMA = "%2C"
GIVEN_UP_OR_REQUEUED = {"PREEMPTED", "NODE_FAIL"}
AWAY = 900.0  # seconds that a submission waits for a controller that does not answer


def mend() -> None:
    """Change the executor plugins, where Snakemake has loaded them, and how it names jobs to a cluster."""
    if not hasattr(real, "mended"):
        real.mended = True
        real.encode_target_jobs_cli_args = without_commas(real.encode_target_jobs_cli_args)
        dag.DAG.new_job = with_commas(dag.DAG.new_job)
    step = sys.modules.get("snakemake_executor_plugin_slurm_jobstep")
    if step is not None and not hasattr(step, "mended"):
        step.mended = True
        step.Executor.run_job = first_task_by(step.Executor.run_job, step._is_first_array_task)
    plugin = sys.modules.get("snakemake_executor_plugin_slurm")
    if plugin is None or hasattr(plugin, "mended"):
        return
    plugin.mended = True
    plugin.query_job_status = statuses_by(plugin.query_job_status, plugin.query_job_status_squeue)
    plugin.get_submit_command = submission_by(plugin.get_submit_command)
    # `sbatch` itself refuses a wrong account, and needs no accounting for it.
    plugin.validate_account = lambda account, logger: account
    # Nothing that is ready waits for an array to grow.
    plugin.pending_jobs_for_rule = lambda dag, rule: 0
    executor = plugin.Executor
    executor.next_seconds_between_status_checks = property(
        lambda executor: executor.workflow.executor_settings.init_seconds_before_status_checks,
        lambda executor, seconds: None,
    )
    executor.format_job_exec = whole_groups_by(executor.format_job_exec, step.get_cpu_setting)
    executor._submit_array_jobs = arrays_by(executor._submit_array_jobs, plugin.get_job_wildcards)
    executor._report_job_submission_threadsafe = names_by(
        executor._report_job_submission_threadsafe, plugin.get_job_wildcards
    )


def without_commas(encode):
    """`encode`, a comma in a wildcard's value written as COMMA."""

    def encoded(targets):
        return encode(
            [
                TargetSpec(
                    target.rulename, {k: v.replace(",", COMMA) for k, v in target.wildcards_dict.items()}
                )
                for target in targets
            ]
        )

    return encoded


def with_commas(new_job):
    """`new_job`, a wildcard's value read as it was meant."""

    async def job(self, rule, *args, wildcards_dict=None, **kwargs):
        if wildcards_dict:
            wildcards_dict = {k: v.replace(COMMA, ",") for k, v in wildcards_dict.items()}
        return await new_job(self, rule, *args, wildcards_dict=wildcards_dict, **kwargs)

    return job


def statuses_by(query, squeue_command):
    """`query`, by the controller where accounting is silent, and for jobs that it may have queued again."""

    async def statuses(command, logger):
        began = time.monotonic()
        known, _ = await query(command.replace("JobIdRaw", "JobID"), logger)  # 7_2, as arrays are tracked
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
        same = [
            number
            for number, driver, comment in queued(params["workdir"])
            # Jobs of one group share their comment, so that those of the same driver are others.
            if comment == params["comment_str"] and not (job.is_group() and driver == params["run_uuid"])
        ]
        return f"{call} --dependency=afterany:{':'.join(same)}" if same else call

    return submission


def whole_groups_by(command, cores_of):
    """`command`, a group run in one job step by one Snakemake, its parts side by side on their cores."""

    def job_command(executor, job):
        call = command(executor, job)
        if not job.is_group():
            return call
        call = call.replace(executor.additional_general_args(), "")
        return f"srun -n1 --nodes=1 --cpu-bind=q {cores_of(job, False)} {call}"

    return job_command


def arrays_by(submit, wildcards_of):
    """`submit` for each lot of jobs that ask for the same; one alone, or queued before, is no array."""

    def submit_arrays(executor, jobs):
        present = {comment for _, _, comment in queued(executor.workflow.workdir_init)}
        lots = defaultdict(list)
        for job in jobs:
            alone = job if name_of(job, wildcards_of) in present else None
            lots[alone, job.threads, str(sorted(job.resources.items()))].append(job)
        for lot in lots.values():
            if len(lot) == 1:
                executor._submit_job(lot[0])
            else:
                submit(executor, lot)

    return submit_arrays


def names_by(report, wildcards_of):
    """`report`, and each task of an array given the comment that its job would have alone, and its log."""

    def reported(executor, submitted):
        report(executor, submitted)
        task = submitted.external_jobid
        if task and "_" in task:
            name = f"Comment={name_of(submitted.job, wildcards_of)}"
            # In vain for a task that has ended.
            subprocess.run(["scontrol", "update", f"JobId={task}", name], capture_output=True)
            log = submitted.aux["slurm_logfile"]  # where the plugin looks; SLURM writes it one folder above
            log.parent.mkdir(parents=True, exist_ok=True)
            log.symlink_to(f"../{log.name}")

    return reported


def first_task_by(run, is_first):
    """`run`, the first task of an array like a job that is none: in a step of its own."""

    def run_job(executor, job):
        settings = executor.workflow.executor_settings
        if settings.array_execs and is_first(int(os.environ["SLURM_ARRAY_TASK_ID"])):
            settings.array_execs = ""
        run(executor, job)

    return run_job


def name_of(job, wildcards_of) -> str:
    """The comment by which the plugin names a job."""
    wildcards = wildcards_of(job)
    return f"rule_{job.name}_wildcards_{wildcards}" if wildcards else f"rule_{job.name}"


def queued(folder) -> list[tuple[str, str, str]]:
    """Id, driver and comment of each job that was submitted from `folder` and has not ended."""
    deadline = time.monotonic() + AWAY
    wanted = ["--me", "--array", "--format=%i\t%j\t%Z\t%k"]
    while (lines := squeue(*wanted)) is None and time.monotonic() < deadline:
        time.sleep(5)
    jobs = (line.split("\t") for line in lines or [])
    return [(number, driver, comment) for number, driver, where, comment in jobs if where == str(folder)]


def squeue(*arguments: str) -> list[str] | None:
    """The lines that `squeue` prints; [] for a job that SLURM has forgotten; None where nobody answers."""
    asked = subprocess.run(["squeue", "--noheader", *arguments], capture_output=True, text=True)
    if asked.returncode:
        return [] if "Invalid job id" in asked.stderr else None
    return asked.stdout.splitlines()

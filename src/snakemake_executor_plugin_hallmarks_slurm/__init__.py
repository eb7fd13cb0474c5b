"""`--executor hallmarks-slurm`: the published SLURM executor, so that a run outlives the cluster's faults.

Snakemake finds this package by its name. It subclasses snakemake-executor-plugin-slurm 2.8 and changes none
of it; `tests/slurm` holds each of these against a real SLURM. The numbers are issues of
snakemake/snakemake-executor-plugin-slurm; where none stands, we found none.

- A cancelled job ("CANCELLED by 0", says accounting) has failed; upstream waits for it without end.
- A job preempted or lost with its node is waited for only where SLURM has put it back in the queue (#109).
- Where accounting does not answer, the controller is asked; upstream forgets the jobs that run (#207).
- Two looks at the queue are always equally far apart; upstream's grow to three minutes (#319).
- Accounts are left to `sbatch`, which refuses a wrong one, and needs no accounting for it.
- A job waits behind those that make the same in the same folder: a killed driver leaves them running.
- A submission waits while the controller is away (#313).
- Ctrl-C cancels all that the driver has submitted; upstream's leaves out the jobs whose state is being looked
  up at that moment, and those that are being submitted.
- A group is one job step with one Snakemake, its parts side by side on their cores (#469).
- There are no job arrays.
"""

import contextlib
import shlex
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import snakemake_executor_plugin_slurm as upstream
from snakemake_executor_plugin_slurm.utils import get_job_wildcards
from snakemake_executor_plugin_slurm_jobstep import get_cpu_setting
from snakemake_interface_common.exceptions import WorkflowError

from hallmarks.cluster.slurm import INTERRUPTED, RESTARTS, Queued, cancel, queued, states
from hallmarks.errors import UserError

common_settings = upstream.common_settings
FAILED = {"FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "OUT_OF_MEMORY", "BOOT_FAIL", *INTERRUPTED}


@dataclass
class ExecutorSettings(upstream.ExecutorSettings):
    """Upstream's. `status_command`, `status_attempts` and `no_account` change nothing here."""

    wait_for_controller: int = field(
        default=900,
        metadata={"help": "Seconds that a submission waits for a controller that does not answer."},
    )

    def __post_init__(self):
        super().__post_init__()
        if self.array_jobs:
            raise WorkflowError("hallmarks-slurm-array-jobs: this executor submits each job by itself")


class Executor(upstream.Executor):
    """Submits jobs to SLURM and follows them."""

    def __post_init__(self, test_mode: bool = False):
        if shutil.which("sbatch") is None:
            raise WorkflowError("sbatch is not installed here; run this where you submit jobs")
        super().__post_init__(test_mode)
        self.cancelled = threading.Event()

    @property
    def next_seconds_between_status_checks(self) -> int:
        return self.workflow.executor_settings.init_seconds_before_status_checks

    async def check_active_jobs(self, active_jobs):
        """Report the jobs that have ended, yield the others: all of them where nobody answers."""
        known = {}
        with contextlib.suppress(UserError):
            known = states(self.run_uuid) if active_jobs else {}
        for job in active_jobs:
            state, log = known.get(job.external_jobid), job.aux["slurm_logfile"]
            if state == "COMPLETED":
                self.report_job_success(job)
                if not self.workflow.executor_settings.keep_successful_logs:
                    with contextlib.suppress(OSError):
                        log.unlink()
            elif state in FAILED:
                self.report_job_error(
                    job, msg=f"SLURM job {job.external_jobid}: {state}. ", aux_logs=[str(log)]
                )
            else:
                yield job

    def cancel(self):
        self.cancelled.set()
        self._job_submission_executor.shutdown(cancel_futures=True)  # what is being submitted, is to be found
        super().cancel()

    def cancel_jobs(self, active_jobs):
        """Cancel the driver's jobs by its name: `active_jobs` are not all of them."""
        try:
            cancel(self.run_uuid, bool(self._submitted_job_clusters))
        except UserError as error:
            self.logger.error(f"{error}; the jobs run on: scancel --me --name={self.run_uuid}")

    def get_account_arg(self, job):
        account = job.resources.get("slurm_account")
        yield f" -A {shlex.quote(str(account))}" if account else ""

    def in_queue(self) -> list[Queued]:
        """The jobs submitted from here, once the controller answers; none where it stays away."""
        deadline = time.monotonic() + self.workflow.executor_settings.wait_for_controller
        while time.monotonic() < deadline and not self.cancelled.is_set():
            with contextlib.suppress(UserError):
                return queued(Path(self.workflow.workdir_init))
            self.cancelled.wait(5)
        return []  # `sbatch` will say why

    # Upstream has no method for the two below, which stand in those that come nearest. They can go once its
    # `run_job` asks a method for further options of `sbatch`, and its groups run side by side (#469).

    def get_partition_arg(self, job) -> str:
        """The partition, and those that make the same, to wait for."""
        wildcards = get_job_wildcards(job)
        comment = f"rule_{job.name}_wildcards_{wildcards}" if wildcards else f"rule_{job.name}"
        same = [
            other.job
            for other in self.in_queue()
            # Jobs of one group share their comment, so that those of the same driver are others.
            if other.comment == comment and not (job.is_group() and other.driver == self.run_uuid)
        ]
        behind = f" --dependency=afterany:{':'.join(same)}" if same else ""
        return super().get_partition_arg(job) + behind

    def format_job_exec(self, job) -> str:
        """The command of a job; of a group one job step, without the executor that makes one a part."""
        call = super().format_job_exec(job)
        if not job.is_group():
            # The job step is kept from most of SLURM's variables. The command stands in double quotes.
            dollar = "$" if self.workflow.executor_settings.pass_command_as_script else "\\$"
            return f"export {RESTARTS}={dollar}SLURM_RESTART_COUNT; {call}"
        call = call.replace(self.additional_general_args(), "")
        return f"srun -n1 --nodes=1 --cpu-bind=q {get_cpu_setting(job, False)} {call}"

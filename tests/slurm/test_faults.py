"""Whatever the cluster does to a run, it ends with the bits of the run that nothing disturbed."""

import os
import signal

import pytest
from cluster import ask, until


def state(job: str) -> str:
    return ask("scontrol", "show", "job", job).split("JobState=")[1].split()[0]


def running() -> str:
    """The id of the one job that runs."""
    (job,) = ask("squeue", "-h", "-t", "running", "-o", "%A").split()
    return job


def submitted() -> int:
    """How many jobs SLURM remembers."""
    return len(ask("squeue", "-h", "-t", "all", "-o", "%A").split())


def test_a_killed_training_process_goes_on(project, undisturbed):
    driver = project.start(project.target())
    os.kill(project.frozen_after_a_state(), signal.SIGKILL)
    project.finished(driver)
    assert project.points() == undisturbed[1]


def test_a_cancelled_job_goes_on(project, undisturbed):
    driver = project.start(project.target())
    project.frozen_after_a_state()
    ask("scancel", running())
    project.finished(driver)
    assert project.points() == undisturbed[1]


@pytest.mark.parametrize(
    ("partition", "left", "submissions"), [("requeued", "PENDING", 1), ("cancelled", "PREEMPTED", 2)]
)
def test_a_preempted_job_goes_on(project, undisturbed, partition, left, submissions):
    before = submitted()
    driver = project.start(project.target(), "--set-resources", f"train:slurm_partition={partition}")
    project.frozen_after_a_state()
    job = running()
    node = ask("squeue", "-h", "-j", job, "-o", "%N")
    urgent = ask(
        "sbatch", "--parsable", "-p", "urgent", "-w", node, "-c8", "-o", "/dev/null", "--wrap", "true"
    )
    until(lambda: state(urgent) == "COMPLETED", "the urgent job")
    if left == "PENDING":
        until(lambda: state(job) == left, "the job in the queue again")
        ask("scontrol", "update", f"JobId={job}", "StartTime=now")  # SLURM would wait for two minutes
    project.finished(driver)
    assert project.points() == undisturbed[1]
    assert submitted() - before == submissions + 1


def test_three_time_limits_in_a_row(project, undisturbed):
    """A minute each, the warning due 20 s before its end; SLURM looks at the clock twice a minute."""
    resources = ["--set-resources", "train:runtime=1", "train:slurm_extra='--signal=TERM@20'"]
    driver = project.start(project.target(), "--retries", "9", *resources)
    saved = []
    for _ in range(3):
        project.frozen_after_a_state()
        job = running()
        until(lambda job=job: state(job) == "FAILED", "the job's end")
        saved += project.states()[-1:]
    project.finished(driver)
    assert saved == sorted(set(saved)) and len(saved) == 3
    assert project.points() == undisturbed[1]

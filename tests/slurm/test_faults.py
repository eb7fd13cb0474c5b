"""Whatever the cluster or the user does to a run, it ends with the bits of the run that nothing disturbed."""

import os
import signal

import pytest
from cluster import ask, until
from project import Project

TRAINED_BEFORE = "finished before, nothing is trained"


def state(job: str) -> str:
    return ask("scontrol", "show", "job", job).split("JobState=")[1].split()[0]


def test_a_killed_training_process_goes_on(project, undisturbed):
    driver = project.start(project.target())
    os.kill(project.frozen_after_a_state(), signal.SIGKILL)
    project.finished(driver)
    assert project.points() == undisturbed[1]


def test_a_cancelled_job_goes_on(project, undisturbed):
    driver = project.start(project.target())
    project.frozen_after_a_state()
    ask("scancel", project.running())
    project.finished(driver)
    assert project.points() == undisturbed[1]


@pytest.mark.parametrize(
    ("partition", "left", "submissions"), [("requeued", "PENDING", 1), ("cancelled", "PREEMPTED", 2)]
)
def test_a_preempted_job_goes_on(project, undisturbed, partition, left, submissions):
    driver = project.start(project.target(), "--set-resources", f"train:slurm_partition={partition}")
    project.frozen_after_a_state()
    job = project.running()
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
    assert len(project.jobs()) == submissions


def test_memory_grows_with_each_attempt(project, undisturbed):
    driver = project.start(project.target(), "--set-resources", "train:mem_mb=attempt * 700")
    project.finished(driver)
    first, second = project.jobs()
    account = ["sacct", "-X", "-n", "-P", "-o", "State,ReqMem", "-j"]
    assert ask(*account, first) == "OUT_OF_MEMORY|700M"
    assert ask(*account, second) == "COMPLETED|1400M"
    assert project.points() == undisturbed[1]


def test_a_full_scratch_disk_is_said_and_gone_on_from(project, undisturbed):
    project.scratch.mkdir(parents=True)
    ask("mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(project.scratch))
    try:
        assert project.ended(project.start(project.target(), "--retries", "0")) == 1
        assert "cannot be written (No space left on device)" in project.said()
        assert project.states() and not (project.folder / project.target()).exists()
        ask("mount", "-o", "remount,size=64m", str(project.scratch))
        project.finished(project.start(project.target()))
        assert "going on after step" in project.log()
        assert project.points() == undisturbed[1]
    finally:
        project.close()
        ask("umount", "--lazy", str(project.scratch))


def test_a_killed_driver_starts_nothing_twice(project, undisturbed):
    driver = project.start(project.target())
    trainer, job = project.frozen_after_a_state(), project.running()
    driver.kill()
    driver.wait()
    project.run("snakemake", "--unlock", "--profile", "slurm", "--configfile", "config/smoke.yaml")
    driver = project.start(project.target())
    (again,) = until(lambda: project.jobs("pending"), "the job of the second driver")
    until(lambda: ask("squeue", "-h", "-j", again, "-o", "%r") == "Dependency", "its wait for the first")
    assert project.running() == job and project.trainers() == [trainer]
    os.kill(trainer, signal.SIGCONT)
    project.finished(driver)
    assert state(job) == "COMPLETED" and TRAINED_BEFORE in project.log()
    assert project.points() == undisturbed[1]


def test_ctrl_c_on_the_driver_ends_its_jobs_and_the_same_command_goes_on(project, undisturbed):
    driver = project.start(project.target())
    project.frozen_after_a_state()
    os.killpg(driver.pid, signal.SIGINT)
    assert project.ended(driver) != 0
    until(lambda: not project.jobs("running,completing,pending"), "the end of its jobs")
    project.finished(project.start(project.target()))
    assert "going on after step" in project.log()
    assert project.points() == undisturbed[1]


def test_two_drivers_on_one_results_folder(project, undisturbed, tmp_path_factory):
    """The same command twice in one clone, and once in another clone that shares results and scratch."""
    first = project.start(project.target())
    trainer = project.frozen_after_a_state()
    assert project.ended(project.start(project.target())) == 1
    assert "Directory cannot be locked" in project.said()
    other = Project(tmp_path_factory.mktemp("other"))
    smoke = (project.folder / "config/smoke.yaml").read_text()
    for name in ("results", "scratch"):
        smoke = smoke.replace(f"{name}: {name}", f"{name}: {project.folder}/{name}")
    (other.folder / "config/smoke.yaml").write_text(smoke)
    try:
        second = other.start(f"{project.folder}/{project.target()}")
        until(lambda: "another job trains this run; waiting for it" in project.log(), "the second job's wait")
        os.kill(trainer, signal.SIGCONT)
        project.finished(first)
        other.finished(second)
    finally:
        print(other.said())
        other.close()
    assert TRAINED_BEFORE in project.log()
    assert project.points() == undisturbed[1]


def test_a_run_that_diverges_uses_no_retry_and_is_labelled(project):
    smoke = project.folder / "config/smoke.yaml"
    smoke.write_text(smoke.read_text().replace("learning_rate: 0.1,", "learning_rate: 1.0e+9,"))
    project.finished(project.start("fig2"))
    # Two runs, a kernel with its measures for each, and a picture.
    assert len(project.jobs()) == 5
    assert "diverged at epoch" in (project.results / "figures/fig2.csv").read_text()


def test_three_time_limits_in_a_row(project, undisturbed):
    """A minute each; SLURM looks at the clock twice a minute, and warns at the first look here."""
    resources = ["--set-resources", "train:runtime=1", "train:slurm_extra='--signal=TERM@29'"]
    driver = project.start(project.target(), "--retries", "9", *resources)
    saved = []
    for _ in range(3):
        project.frozen_after_a_state()
        job = project.running()
        until(lambda job=job: state(job) == "FAILED", "the job's end")
        saved += project.states()[-1:]
    project.finished(driver)
    assert saved == sorted(set(saved)) and len(saved) == 3
    assert project.points() == undisturbed[1]

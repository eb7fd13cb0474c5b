"""Whatever the cluster or the user does to a run, it ends with the bits of the run that nothing disturbed."""

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

from cluster import ask, until
from project import RUNS, Project
from users import OTHER

TRAINED_BEFORE = "finished before, nothing is trained"


def state(job: str) -> str:
    return ask("scontrol", "show", "job", job).split("JobState=")[1].split()[0]


def test_each_run_goes_on_after_its_fault(project, undisturbed):
    """One workflow: a training process killed, a job cancelled, two preempted, one without enough memory."""
    killed, cancelled, requeued, preempted, short = RUNS
    resources = {
        "mem_mb": "attempt * 700 if '/weight_decay=0/' in wildcards.run else 2000",
        "slurm_partition": "{'momentum=0': 'requeued', 'momentum=0+weight_decay=0': 'cancelled'}"
        ".get(wildcards.run.split('/')[1], 'cpu')",
        "slurm_extra": "'-w n1' if '/momentum=0' in wildcards.run else '-w n2'",
    }
    asked = [f"train:{name}={value}" for name, value in resources.items()]
    driver = project.start(*map(project.target, RUNS), "--set-resources", *asked)
    trainers = {run: project.frozen_after_a_state(run) for run in RUNS if run != short}

    os.kill(trainers[killed], signal.SIGKILL)
    until(lambda: len(project.jobs(run=killed)) == 2, "the killed run's next job")
    ask("scancel", project.running(cancelled))

    again = project.running(requeued)
    urgent = ["sbatch", "--parsable", "-p", "urgent", "-w", "n1", "-c8", "-o", "/dev/null", "--wrap", "true"]
    urgent = ask(*urgent)
    until(lambda: state(urgent) == "COMPLETED", "the urgent job")
    until(lambda: state(again) == "PENDING", "the job in the queue again")
    ask("scontrol", "update", f"JobId={again}", "StartTime=now")  # SLURM would wait for two minutes

    project.finished(driver)
    assert all(project.points(run) == undisturbed.points(run) for run in RUNS)
    assert [len(project.jobs(run=run)) for run in RUNS] == [2, 2, 1, 2, 2]
    first, second = project.jobs(run=short)
    (told,) = project.folder.glob(f".snakemake/slurm_logs/rule_train/*/{first}.log")
    assert "exceeded memory limit" in told.read_text()
    asked = ask("sacct", "-X", "-n", "-P", "-o", "ReqMem", "-j", f"{first},{second}")
    assert asked.split() == ["700M", "1400M"]
    assert state(project.jobs(run=preempted)[0]) == "PREEMPTED"
    words = ["audit", f"--results={project.results}", "--no-checkout", "--json"]
    audit = json.loads(project.done("hallmarks", *words))
    assert audit["findings"] == 0 and {f"runs/{run}" for run in RUNS} <= audit["results"].keys(), audit
    records = [json.loads(path.read_text()) for path in project.results.glob("provenance/records/*.json")]
    jobs = [each["execution"]["slurm"] for each in records if each["target"] == f"runs/{requeued}"]
    assert "1" in {job.get("restarts") for job in jobs}


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
        assert project.points() == undisturbed.points()
    finally:
        project.close()
        ask("umount", "--lazy", str(project.scratch))


def test_a_killed_driver_starts_nothing_twice(project, undisturbed):
    both = RUNS[:2]
    driver = project.start(*map(project.target, both))
    trainers = [project.frozen_after_a_state(run) for run in both]
    jobs = [project.running(run) for run in both]
    driver.kill()
    driver.wait()
    project.done("snakemake", "--unlock", "--profile", "slurm", "--configfile", "config/smoke.yaml")
    driver = project.start(*map(project.target, both))
    again = until(lambda: len(new := project.jobs("pending")) == 2 and new, "the second driver's jobs")
    reasons = ["squeue", "-h", "-j", ",".join(again), "-o", "%r"]
    until(lambda: ask(*reasons).split() == ["Dependency"] * 2, "their wait for the first")
    assert [project.trainers(run) for run in both] == [[trainer] for trainer in trainers]
    for trainer in trainers:
        os.kill(trainer, signal.SIGCONT)
    project.finished(driver)
    assert all(state(job) == "COMPLETED" for job in jobs)
    assert all(TRAINED_BEFORE in project.log(run) for run in both)
    assert all(project.points(run) == undisturbed.points(run) for run in both)


def test_ctrl_c_on_the_driver_ends_its_jobs_and_the_same_command_goes_on(project, undisturbed):
    """At its worst moment: while the state of its job is being looked up."""
    looks, sacct = project.folder / "looks", project.folder / "slow" / "sacct"
    sacct.parent.mkdir()
    sacct.write_text(
        f"#!/bin/sh\ntrap '' INT\ntouch {looks}; sleep 3; rm {looks}\nexec {shutil.which('sacct')} \"$@\"\n"
    )
    sacct.chmod(0o755)
    project.environment["PATH"] = f"{sacct.parent}:{project.environment['PATH']}"
    driver = project.start(project.target())
    project.frozen_after_a_state()
    until(looks.exists, "a look at the job's state")
    os.killpg(driver.pid, signal.SIGINT)
    assert project.ended(driver) != 0
    until(lambda: not project.jobs("running,completing,pending"), "the end of its jobs")
    project.finished(project.start(project.target()))
    assert "going on after step" in project.log()
    assert project.points() == undisturbed.points()


def test_two_drivers_on_one_results_folder(project, undisturbed, tmp_path_factory):
    """The same command twice in one clone, and once in another clone that shares results and scratch."""
    first = project.start(project.target())
    trainer = project.frozen_after_a_state()
    assert project.ended(project.start(project.target())) == 1
    assert "Directory cannot be locked" in project.said()
    other = Project(tmp_path_factory.mktemp("other"))
    shutil.copy(project.folder / "config/smoke.yaml", other.folder / "config/smoke.yaml")
    other.share(project.folder)
    try:
        second = other.start(other.target())
        until(lambda: "another job trains this run; waiting for it" in project.log(), "the second job's wait")
        os.kill(trainer, signal.SIGCONT)
        project.finished(first)
        other.finished(second)
    finally:
        print(other.said())
        other.close()
    assert TRAINED_BEFORE in project.log()
    assert project.points() == undisturbed.points()


def test_another_user_goes_on_with_a_run(undisturbed, slurm):
    """Two Unix users, a clone each, who share results and scratch; the first one's run is cancelled."""
    with tempfile.TemporaryDirectory(prefix="hallmarks-") as name:
        Path(name).chmod(0o755)
        shared = Path(name, "shared")
        shutil.copytree(undisturbed.results / "data", shared / "results/smoke/data")
        ask("chown", "-R", f":{OTHER}", str(shared))
        ask("chmod", "-R", "g+rwXs", str(shared))
        ours, theirs = (Project(Path(name, part)) for part in ("ours", "theirs"))
        for each in (ours, theirs):
            shutil.copy(undisturbed.folder / "config/smoke.yaml", each.folder / "config/smoke.yaml")
            each.share(shared)
        ours.as_user = {"umask": 0o002}
        theirs.belong_to(OTHER)
        try:
            first = ours.start(ours.target(), "--retries", "0")
            ours.frozen_after_a_state()
            second = theirs.start(theirs.target())
            until(lambda: "another job trains this run" in theirs.log(), "the second user's wait")
            ask("scancel", ours.running())
            assert ours.ended(first) == 1
            theirs.finished(second)
        finally:
            print(ours.said(), theirs.said())
            ours.close()
            theirs.close()
        assert "going on after step" in theirs.log()
        assert theirs.points() == undisturbed.points()


def test_a_run_that_diverges_uses_no_retry_and_is_labelled(project):
    smoke = project.folder / "config/smoke.yaml"
    smoke.write_text(smoke.read_text().replace("learning_rate: 0.1,", "learning_rate: 1.0e+9,"))
    project.finished(project.start("fig2"))
    # Two runs, a kernel with its measures for each, and a picture.
    assert len(project.jobs()) == 5
    assert "diverged at epoch" in (project.results / "figures/fig2.csv").read_text()


def test_three_time_limits_in_a_row(project, undisturbed):
    """SLURM looks at the clock twice a minute, and here warns 10 to 40 s after a job's start."""
    resources = [
        "--set-resources",
        "train:runtime=2",
        "train:slurm_extra='--signal=TERM@80'",
        "train:mem_mb=2000",
    ]
    driver = project.start(project.target(), "--retries", "9", *resources)
    saved = []
    for _ in range(3):
        project.frozen_after_a_state()
        job = project.running()
        until(lambda job=job: state(job) == "FAILED", "the job's end")
        saved += project.states()[-1:]
    project.finished(driver)
    assert saved == sorted(set(saved)) and len(saved) == 3
    assert project.points() == undisturbed.points()

"""Runs submitted as one array, or several to a GPU: each is followed, and made again, by itself."""

import os
import signal

from cluster import ask, until
from project import RUN

OTHER = "resnet20-digits/default/seed1"
ARRAY = ["--slurm-array-jobs", "train"]


def test_a_task_that_is_killed_is_made_again_alone(project, undisturbed):
    driver = project.start(project.target(), project.target(OTHER), *ARRAY)
    trainer = project.frozen_after_a_state()
    first, second = project.jobs()
    assert [first.split("_")[1], second.split("_")[1]] == ["1", "2"]
    os.kill(project.frozen_after_a_state(OTHER), signal.SIGKILL)
    until(lambda: len(project.jobs()) == 3, "the other run's next job")
    os.kill(trainer, signal.SIGCONT)
    project.finished(driver)
    assert len(project.jobs()) == 3
    assert [project.points(run) for run in (RUN, OTHER)] == [
        undisturbed[0].points(run) for run in (RUN, OTHER)
    ]


def test_a_killed_driver_starts_no_task_twice(project, undisturbed):
    driver = project.start(project.target(), project.target(OTHER), *ARRAY)
    trainers = [project.frozen_after_a_state(run) for run in (RUN, OTHER)]
    driver.kill()
    driver.wait()
    project.run("snakemake", "--unlock", "--profile", "slurm", "--configfile", "config/smoke.yaml")
    driver = project.start(project.target(), project.target(OTHER), *ARRAY)
    again = until(
        lambda: len(waiting := project.jobs("pending")) == 2 and waiting, "the second driver's jobs"
    )
    reasons = ["squeue", "-h", "-j", ",".join(again), "-o", "%r"]
    until(lambda: ask(*reasons).split() == ["Dependency"] * 2, "their wait for the first")
    for trainer in trainers:
        os.kill(trainer, signal.SIGCONT)
    project.finished(driver)
    assert [project.points(run) for run in (RUN, OTHER)] == [
        undisturbed[0].points(run) for run in (RUN, OTHER)
    ]
    assert all("finished before, nothing is trained" in project.log(run) for run in (RUN, OTHER))

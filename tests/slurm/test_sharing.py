"""Several runs on one GPU, by SLURM's shards."""

import os
import signal

from cluster import ask, read
from project import RUNS


def test_more_runs_than_gpus_at_once(project, undisturbed):
    """Five on a node with two GPUs."""
    asked = ["train:gres=shard:1", "train:slurm_extra='-w n1'", "train:mem_mb=2000"]
    driver = project.start(*map(project.target, RUNS), "--set-resources", *asked)
    trainers = [project.frozen_after_a_state(run) for run in RUNS]
    jobs = project.jobs("running")
    assert len(jobs) == 5
    seen = {read(f"{pid}/environ").partition("CUDA_VISIBLE_DEVICES=")[2].split("\0")[0] for pid in trainers}
    assert seen and seen <= {"0", "1"}
    for trainer in trainers:
        os.kill(trainer, signal.SIGCONT)
    project.finished(driver)
    assert all(project.points(run) == undisturbed.points(run) for run in RUNS)
    # Each in a step of its own: only steps are warned of a time limit.
    steps = ask("sacct", "-n", "-P", "-o", "JobID", "-j", ",".join(jobs)).split()
    assert {f"{job}.0" for job in jobs} <= set(steps)

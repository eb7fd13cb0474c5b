"""Parts of the cluster fail while a run trains; it ends with the bits of the run that nothing disturbed."""

import os
import signal
import time

from cluster import ask, until
from project import RUNS


def test_a_node_goes_down(project, undisturbed, slurm):
    """Two runs on it: one that SLURM puts back in the queue, and one that the driver submits again."""
    requeued, lost = RUNS[:2]
    extra = "'--requeue -w n1' if '/seed0' in wildcards.run else '--no-requeue -x n2' if attempt == 1 else ''"
    driver = project.start(*map(project.target, RUNS[:2]), "--set-resources", f"train:slurm_extra={extra}")
    for run in RUNS[:2]:
        project.frozen_after_a_state(run)
    job = project.running(requeued)
    slurm.lose_power("n1")
    ask("scontrol", "update", "NodeName=n1", "State=DOWN", "Reason=no power")
    until(lambda: project.jobs("pending", requeued) == [job], "the job in the queue again")
    # SLURM would wait for two minutes, and for the node.
    ask("scontrol", "update", f"JobId={job}", "StartTime=now", "ReqNodeList=")
    project.finished(driver)
    for run, submissions in {requeued: 1, lost: 2}.items():
        assert "going on after step" in project.log(run)
        assert project.points(run) == undisturbed.points(run)
        jobs = project.jobs(run=run)
        assert (
            len(jobs) == submissions and ask("squeue", "-h", "-t", "all", "-j", jobs[-1], "-o", "%N") == "n2"
        )


def test_the_controller_is_away(project, undisturbed, slurm):
    """While a job is to be submitted, and while one ends."""
    slurm.stop("slurmctld")
    driver = project.start(project.target())
    until(lambda: "Training" in project.said(), "the driver's first job")
    time.sleep(3)
    slurm.start_controller()
    trainer = project.frozen_after_a_state()
    slurm.stop("slurmctld", signal.SIGKILL)
    os.kill(trainer, signal.SIGCONT)
    until((project.folder / project.target()).exists, "the end of the training")
    slurm.start_controller()
    project.finished(driver)
    assert project.points() == undisturbed.points()
    assert len(project.jobs()) == 1


def test_accounting_dies(project, undisturbed, slurm):
    """What ran is noticed, and what follows is submitted, without it."""
    run = RUNS[3]
    driver = project.start(f"results/smoke/measures/{run}.parquet")
    trainer = project.frozen_after_a_state(run)
    slurm.stop("slurmdbd", signal.SIGKILL)
    slurm.stop("mariadbd", signal.SIGKILL)
    os.kill(trainer, signal.SIGCONT)
    project.finished(driver)
    assert project.points(run) == undisturbed.points(run)
    assert len(project.jobs()) == 2


def test_a_site_without_accounting(project, undisturbed, slurm):
    with slurm.without_accounting():
        driver = project.start(project.target())
        os.kill(project.frozen_after_a_state(), signal.SIGKILL)
        project.finished(driver)
        assert project.points() == undisturbed.points()
        assert len(project.jobs()) == 2

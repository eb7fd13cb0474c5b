"""Parts of the cluster fail while a run trains; it ends with the bits of the run that nothing disturbed."""

import os
import signal
import time

import pytest
from cluster import ask, until
from project import RUN


@pytest.mark.parametrize(("requeue", "submissions"), [("--requeue", 1), ("--no-requeue", 2)])
def test_a_node_goes_down(project, undisturbed, slurm, requeue, submissions):
    """SLURM puts the job back in the queue, or, where it does not, the driver submits it again."""
    driver = project.start(project.target(), "--set-resources", f"train:slurm_extra='{requeue}'")
    project.frozen_after_a_state()
    job = project.running()
    node = ask("squeue", "-h", "-j", job, "-o", "%N")
    slurm.lose_power(node)
    ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=no power")
    if submissions == 1:
        until(lambda: project.jobs("pending") == [job], "the job in the queue again")
        ask("scontrol", "update", f"JobId={job}", "StartTime=now")  # SLURM would wait for two minutes
    project.finished(driver)
    assert "going on after step" in project.log()
    assert project.points() == undisturbed[1]
    last = project.jobs()[-1]
    assert (
        len(project.jobs()) == submissions
        and ask("squeue", "-h", "-t", "all", "-j", last, "-o", "%N") != node
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
    assert project.points() == undisturbed[1]
    assert len(project.jobs()) == 1


def test_accounting_dies(project, undisturbed, slurm):
    """What ran is noticed, and what follows is submitted, without it."""
    driver = project.start(f"results/smoke/kernels/{RUN}.npz")
    trainer = project.frozen_after_a_state()
    slurm.stop("slurmdbd", signal.SIGKILL)
    slurm.stop("mariadbd", signal.SIGKILL)
    os.kill(trainer, signal.SIGCONT)
    project.finished(driver)
    assert project.points() == undisturbed[1]
    assert len(project.jobs()) == 2


@pytest.mark.parametrize("options", [[], ["--slurm-status-command", "squeue", "--slurm-no-account"]])
def test_a_site_without_accounting(project, undisturbed, slurm, options):
    with slurm.without_accounting():
        driver = project.start(project.target(), *options)
        os.kill(project.frozen_after_a_state(), signal.SIGKILL)
        project.finished(driver)
        assert project.points() == undisturbed[1]
        assert len(project.jobs()) == 2

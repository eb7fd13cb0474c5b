"""A branch waits for its parent, whatever befalls that, and ends with the bits of one left in peace."""

from cluster import ask, until
from project import TASK

PARENT, BRANCH = f"{TASK}/default/seed0", f"{TASK}-branch/at=2/seed0"


def test_a_branch_waits_for_its_parent_that_is_cancelled(project, undisturbed):
    undisturbed.done("snakemake", "--profile", "smoke", undisturbed.target(BRANCH))
    driver = project.start(project.target(BRANCH))
    project.frozen_after_a_state(PARENT)
    assert not project.jobs(run=BRANCH)
    ask("scancel", project.running(PARENT))
    until(lambda: len(project.jobs(run=PARENT)) == 2, "the parent's next job")
    assert not project.jobs(run=BRANCH)
    project.finished(driver)
    assert "going on after step" in project.log(PARENT)
    assert "trained again" not in project.log(BRANCH)  # the parent left its state, though it was cancelled
    assert len(project.jobs(run=BRANCH)) == 1
    assert all(project.points(run) == undisturbed.points(run) for run in (PARENT, BRANCH))

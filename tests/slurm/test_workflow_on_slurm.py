"""`snakemake --profile slurm` makes what is made without a cluster, and asks SLURM for what it should."""

from cluster import ask


def test_a_figure_is_the_same_on_the_cluster(project, undisturbed):
    project.finished(project.start("fig2"))
    assert project.points() == undisturbed.points()
    figures = [each.results / "figures/fig2.csv" for each in (project, undisturbed)]
    assert figures[0].read_bytes() == figures[1].read_bytes()
    # Two runs, a kernel with its measures for each, and a picture.
    jobs = project.jobs()
    assert len(jobs) == 5
    asked = [ask("sacct", "-X", "-n", "-P", "-j", job, "-o", "Partition,Account,ReqTRES") for job in jobs]
    assert all(line.startswith("gpu|lab") and "gres/gpu=1" in line for line in asked[:2])
    assert all(line.startswith("cpu|lab") for line in asked[2:])
    # A run's kernel and its measures are one Snakemake in their job, not a job step each.
    steps = ask("sacct", "-n", "-P", "-o", "JobID", "-j", ",".join(jobs[2:])).split()
    assert {f"{job}.0" for job in jobs[2:]} <= set(steps) and not [
        step for step in steps if step.endswith(".1")
    ]

    # What they used is known afterwards, and what to ask for the next time.
    (report,) = project.folder.glob("efficiency/*.csv")
    told = project.done("hallmarks", "status", "--profile", "slurm", "--efficiency", str(report))
    for rule in ("train", "kernel", "measure", "figure"):
        assert f"\n  {rule}:\n    mem_mb: attempt * " in told

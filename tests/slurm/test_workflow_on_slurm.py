"""`snakemake --profile slurm` makes what is made without a cluster, and asks SLURM for what it should."""

import re

from cluster import ask


def test_a_figure_is_the_same_on_the_cluster(project, undisturbed):
    local, points = undisturbed
    project.finished(project.start("fig2"))
    assert project.points() == points
    assert (project.results / "figures/fig2.csv").read_bytes() == (
        local.results / "figures/fig2.csv"
    ).read_bytes()
    # Two runs, a kernel with its measures for each, and a picture.
    jobs = set(re.findall(r"SLURM jobid (\d+)", project.said()))
    asked = [ask("sacct", "-X", "-n", "-P", "-j", job, "-o", "Partition,Account,ReqTRES") for job in jobs]
    assert len(asked) == 5
    assert sum("gpu|lab" in line and "gres/gpu=1" in line for line in asked) == 2
    assert sum(line.startswith("cpu|lab") for line in asked) == 3

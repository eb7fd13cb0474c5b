"""The cluster that all tests of this folder share, brought up once."""

import os
import shutil

import cluster
import pytest
from project import RUNS, Project

EPOCHS = 100


@pytest.fixture(scope="session")
def started():
    """The cluster; skipped with the reason where there can be none, unless REQUIRE_SLURM is set (in CI)."""
    reason = cluster.why_not()
    if reason and os.environ.get("REQUIRE_SLURM"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    with cluster.Cluster() as up:
        yield up


@pytest.fixture
def slurm(started):
    """The cluster with an empty queue and both nodes free; its logs are shown where a test fails."""
    yield started
    print(started.logs())
    started.reset()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Project:
    """A project with figure 2, and the runs that the tests disturb, made without SLURM."""
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    smoke = project.folder / "config/smoke.yaml"
    smoke.write_text(smoke.read_text().replace("length: 6\n", f"length: {EPOCHS}\n"))
    project.done("snakemake", "--profile", "smoke", "fig2", *map(project.target, RUNS))
    return project


@pytest.fixture
def project(undisturbed, tmp_path, slurm):
    """A project with the data and nothing else made."""
    project = Project(tmp_path)
    shutil.copy(undisturbed.folder / "config/smoke.yaml", project.folder / "config/smoke.yaml")
    project.take_data(undisturbed)
    yield project
    print(project.said())
    project.close()

"""The cluster that all tests of this folder share, brought up once."""

import os

import cluster
import pytest


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

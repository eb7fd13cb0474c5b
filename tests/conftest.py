"""The whole workflow, made once for all tests that look at what it makes."""

import pytest

from smoke import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """The project with everything made."""
    project = Project(tmp_path_factory.mktemp("project"))
    made = project.snakemake("all")
    assert made.returncode == 0, made.stderr[-5000:]
    return project

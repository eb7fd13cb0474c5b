"""The whole workflow, made once for all tests that look at what it makes."""

import shutil
import signal

import pytest
from audited import Copy, build
from tiny import BRACES, ODD, Tiny, configuration

from smoke import Project

# A shell ignores Ctrl-C for what it starts in the background, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """The project, with all of it made that is of a kind of its own."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.keep_one_of_each_kind()
    made = project.snakemake("all")
    assert made.returncode == 0, made.stderr[-5000:]
    return project


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Tiny:
    """The smallest workflow with everything made, and the oddest text in every string that it has."""
    folders = {"results": f"res {ODD}", "scratch": f"scr {ODD}"}
    tiny = Tiny(tmp_path_factory.mktemp("tiny") / "here", configuration(f"{ODD} {BRACES}") | folders)
    made = tiny.snakemake()
    assert made.returncode == 0, made.stderr[-5000:]
    return tiny


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Copy:
    """A small workflow with everything made and recorded, and its checkout."""
    return build(tmp_path_factory.mktemp("finished") / "a b é")


@pytest.fixture
def copy(finished, tmp_path) -> Copy:
    """A copy of it, to be tampered with."""
    shutil.copytree(finished.folder, tmp_path / "copy é 1", symlinks=True)
    return Copy(tmp_path / "copy é 1")

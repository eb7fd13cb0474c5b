"""What Snakemake is shown of a result's inputs: as newer only what makes it again, whatever clocks say."""

import json
import os
import time
from pathlib import Path

import pytest
from snakemake.io import is_flagged
from tiny import ROOT, Tiny, configuration

from hallmarks.errors import UserError
from hallmarks.runs.identity import Identity
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.requests import Requests
from hallmarks.workflow.results import Result, Results

KERNEL = Result("kernels", "tiny/default/seed0")


@pytest.fixture
def results(tmp_path) -> Results:
    """A kernel's files, made by what would make it now."""
    results = Results(open_paper(configuration(), []), ROOT, tmp_path)
    for output in KERNEL.outputs:
        (tmp_path / output).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / output).touch()
    results.identity(KERNEL).write(tmp_path / KERNEL.beside("identity"))
    results.forget()
    return results


def inputs(results: Results, *forced: str) -> dict:
    points = results.folder / "points"
    points.touch()
    return Requests(results, lambda: set(forced), lambda: False).inputs(
        "kernels", KERNEL.name, points=str(points)
    )


def test_what_is_made_again_is_older_than_its_settings_though_its_time_lies_ahead(results):
    Identity({}, {}, {}).write(results.folder / KERNEL.beside("identity"))
    results.forget()
    ahead = time.time() + 3600
    for output in KERNEL.outputs:
        os.utime(results.folder / output, (ahead, ahead))
    settings = inputs(results)["settings"]
    assert not is_flagged(settings, "ancient") and os.stat(settings).st_mtime > ahead


def test_a_newer_input_of_what_stands_counts_only_where_runs_are_forced(results):
    for output in KERNEL.outputs:
        os.utime(results.folder / output, (1e9, 1e9))
    for forced, ancient in [([], True), (["runs"], False)]:
        shown = inputs(results, *forced)
        assert is_flagged(shown["settings"], "ancient") and is_flagged(shown["points"], "ancient") == ancient


def test_settings_that_cannot_be_touched_are_one_line(results, monkeypatch):
    Identity({}, {}, {}).write(results.folder / KERNEL.beside("identity"))
    results.forget()
    path = inputs(results)["settings"]
    os.utime(path, (0, 0))

    def refuse(path: Path, *times) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "utime", refuse)
    with pytest.raises(UserError, match=r"kernels/tiny/default/seed0\.json: cannot be written"):
        inputs(results)


def test_a_dry_run_leaves_what_jobs_are_told(tmp_path):
    """A job that is submitted twice would else train again what it finds finished."""
    tiny = Tiny(tmp_path, configuration())
    assert tiny.planned("--forcerun=train")["train"] == 1
    told = json.loads((tmp_path / "results/settings/runs/tiny/default/seed0.json").read_text())
    assert told["again"] == ""

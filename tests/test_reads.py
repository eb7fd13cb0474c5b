"""A notebook says what it reads of runs; its jobs are made of that and of nothing else."""

import json

import pytest
from tiny import ROOT, Tiny, configuration

from hallmarks.errors import UserError
from hallmarks.trajectory.log import read_log
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.reads import reads_of
from hallmarks.workflow.results import Result, Results


def notebook(path, **metadata):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_what_is_read_is_said_in_the_metadata(tmp_path):
    assert reads_of(notebook(tmp_path / "a.ipynb")) == ("kernels", "measures")
    assert reads_of(notebook(tmp_path / "b.ipynb", hallmarks={"reads": ["logs"]})) == ("logs",)
    with pytest.raises(UserError, match=r"c\.ipynb: metadata\.hallmarks\.reads is a list of kernels, mea"):
        reads_of(notebook(tmp_path / "c.ipynb", hallmarks={"reads": ["log"]}))


def test_a_figure_and_a_table_of_logs_are_made_of_runs_alone(tmp_path):
    notebook(tmp_path / "notebooks/lines.ipynb", hallmarks={"reads": ["logs"]})
    notebook(tmp_path / "notebooks/maps.ipynb")
    shown = {"title": "Lines", "notebook": "lines", "experiments": ["one"]}
    config = configuration() | {"claims": {}, "tables": {"all_lines": shown}}
    results = Results(open_paper(config | {"figures": config["figures"] | {"lines": shown}}, []), tmp_path)
    run = "tiny/default/seed0"
    for result in Result("figures", "lines"), Result("tables", "all_lines"):
        assert results.parts(result) == [Result("runs", run)]
        assert results.files_read(result) == {"logs": [f"runs/{run}/log.csv"], "rows": []}
        assert results.identity(result).inputs.keys() == {f"runs/{run}"}
    kinds = [part.kind for part in results.parts(Result("figures", "map"))]
    assert kinds == ["kernels", "measures"]


def test_no_kernel_is_made_for_a_table_of_logs(tmp_path):
    """In a dry run, of a workflow whose points are removed once their kernel exists."""
    (tmp_path / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        (tmp_path / "notebooks" / path.name).write_bytes(path.read_bytes())
    for name in ("Snakefile", "workflow", "envs"):
        (tmp_path / name).symlink_to(ROOT / name)
    notebook(tmp_path / "notebooks/lines.ipynb", hallmarks={"reads": ["logs"]})
    table = {"title": "Lines", "notebook": "lines", "experiments": ["one"]}
    more = {"claims": {}, "tables": {"all_lines": table}, "keep_trajectories": False}
    tiny = Tiny(tmp_path, configuration() | more)
    planned = tiny.planned("all_lines", snakefile=tmp_path / "Snakefile")
    assert planned == {"data": 1, "train": 1, "table": 1, "all_lines": 1}
    assert "kernel" in tiny.planned("map", snakefile=tmp_path / "Snakefile")


def test_a_log_is_read_in_one_place(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,step,test_accuracy\n1.0,6,0.5\n2.0,12,0.75\n")
    assert read_log(tmp_path / "log.csv")[-1] == {"epoch": 2, "step": 12, "test_accuracy": 0.75}
    (tmp_path / "log.csv").write_text("epoch,step\n1.0\n")
    with pytest.raises(UserError, match=r"log\.csv: not a run's log"):
        read_log(tmp_path / "log.csv")
    with pytest.raises(UserError, match=r"none\.csv: cannot be read"):
        read_log(tmp_path / "none.csv")

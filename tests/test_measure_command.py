"""`hallmarks measure`: a table whose rows name the run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hallmarks.cli import main
from hallmarks.commands.measure import run_of
from hallmarks.kernel.file import Kernel


@pytest.mark.parametrize(("options", "run"), [([], "t/learning_rate=0.1/seed0"), (["--run", "mine"], "mine")])
def test_the_rows_name_the_run(tmp_path, options, run):
    path = tmp_path / "results/kernels/t/learning_rate=0.1/seed0.npz"
    gram = np.diag([1.0, 2.0])[None]
    Kernel(gram, ["w"], np.array([2]), np.arange(2), np.arange(2.0)).save(path)
    assert main(["measure", str(path), "-o", str(tmp_path / "m.parquet"), *options]) == 0
    assert set(pd.read_parquet(tmp_path / "m.parquet")["run"]) == {run}


def test_what_is_measured_elsewhere_says_nothing_of_the_results(tmp_path):
    """By hand, with the workflow's settings: what lies among the results is still by other code."""
    Kernel(np.eye(2)[None], ["w"], np.array([2]), np.arange(2), np.arange(2.0)).save(tmp_path / "k.npz")
    settings = {"results": str(tmp_path), "identity": {"settings": {}, "inputs": {}, "code": {}}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    words = ["measure", "k.npz", "--settings", "settings.json", "-o", "elsewhere/seed0.parquet"]
    words = [str(tmp_path / word) if "." in word else word for word in words]
    assert main(words) == 0
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*identity*")] == [
        Path("elsewhere/seed0.identity.json")
    ]


@pytest.mark.parametrize(
    ("kernel", "run"),
    [
        ("results/kernels/a/b/seed0.npz", "a/b/seed0"),
        ("kernels/a.npz", "a"),
        ("/home/kernels/x/results/kernels/a/b.npz", "a/b"),
        ("mykernels/lr0.1.npz", "lr0.1"),
        ("map.npz", "map"),
    ],
)
def test_a_kernel_names_its_run(kernel, run):
    assert run_of(Path(kernel)) == run

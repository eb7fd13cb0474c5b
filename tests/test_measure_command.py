"""`hallmarks measure`: a table whose rows name the run."""

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

"""`hallmarks notebook`: whole outputs, clear failures; and the notebooks themselves."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from hallmarks.cli import main
from hallmarks.measures import Kernel, measure

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture
def results(tmp_path):
    increments = np.random.default_rng(0).standard_normal((9, 40)) + 0.2
    kernel, table = (
        tmp_path / "results/kernels/t/v/seed0.npz",
        tmp_path / "results/measures/t/v/seed0.parquet",
    )
    for path in (kernel, table):
        path.parent.mkdir(parents=True)
    np.savez(
        kernel,
        increments_gram=(increments @ increments.T)[None],
        groups=["weight"],
        numel=[40],
        step=np.arange(9) * 10,
        epoch=np.arange(9.0),
        storage="float32",
        diverged="",
    )
    measure(Kernel.load(kernel), "t/v/seed0").to_parquet(table, index=False)
    return tmp_path / "results"


def write(path: Path, *sources: str) -> Path:
    cells = [new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def run(notebook: Path, folder: Path, **parameters) -> int:
    output, figure = folder / "notebooks/fig.ipynb", folder / "figures/fig"
    given = ["--figure", str(figure), "--parameters", json.dumps(parameters)]
    return main(["notebook", str(notebook), "-o", str(output), *given])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_is_thin_and_stripped(notebook):
    cells = nbformat.read(notebook, 4).cells
    assert sum(cell.cell_type == "code" for cell in cells) == 3
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    assert f"plots.{notebook.stem}(" in cells[-1].source
    names = compile(next(c for c in cells if "parameters" in c.metadata.get("tags", [])).source, "", "exec")
    assert set(names.co_names) == {"figure", "scale", "results", "panels", "options"}


def test_maps_through_the_command(results):
    maps = next(path for path in NOTEBOOKS if path.stem == "maps")
    panels = [{"label": "default", "experiment": "e", "runs": ["t/v/seed0"]}]
    parameters = {"scale": "smoke", "results": str(results), "panels": panels, "options": {"relative": True}}
    assert run(maps, results, **parameters) == 0
    written = [path.name for path in results.rglob("fig*") if path.is_file()]
    assert sorted(written) == ["fig.csv", "fig.ipynb", "fig.pdf", "fig.png"]
    notebook = nbformat.read(results / "notebooks/fig.ipynb", 4)
    assert "image/png" in notebook.cells[-1].outputs[0].data
    assert not any(
        output.get("name") == "stderr" for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "papermill" not in notebook.metadata


def test_a_failing_cell_is_one_line(tmp_path, capsys):
    notebook = write(tmp_path / "bad.ipynb", "figure = ''", "1 / 0")
    assert run(notebook, tmp_path) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert "ZeroDivisionError: division by zero" in errors[-1] and "fig.failed.ipynb" in errors[-1]
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == ["fig.failed.ipynb"]


def test_a_dying_kernel_is_one_line(tmp_path, capsys):
    notebook = write(tmp_path / "dies.ipynb", "figure = ''", "import os\nos.kill(os.getpid(), 9)")
    assert run(notebook, tmp_path) == 2
    assert "its Python process died" in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "notebooks").write_text("a file")
    assert run(write(tmp_path / "n.ipynb", "figure = ''"), tmp_path) == 2
    assert "cannot be made a folder" in capsys.readouterr().err


def test_a_notebook_that_draws_nothing_is_refused(tmp_path, capsys):
    assert run(write(tmp_path / "idle.ipynb", "figure = ''"), tmp_path) == 2
    assert "did not write" in capsys.readouterr().err and not list((tmp_path / "notebooks").iterdir())


def test_mistakes_are_named(tmp_path, capsys):
    assert run(tmp_path / "absent.ipynb", tmp_path) == 2
    assert "absent.ipynb: no such notebook" in capsys.readouterr().err
    (tmp_path / "text.ipynb").write_text("text")
    assert run(tmp_path / "text.ipynb", tmp_path) == 2
    assert "text.ipynb: not a notebook" in capsys.readouterr().err
    assert run(write(tmp_path / "n.ipynb", "figure = ''"), tmp_path, scales="smoke") == 2
    assert "no parameter 'scales'" in capsys.readouterr().err
    assert main(["notebook", "n", "-o", "o", "--figure", "f", "--parameters", "{"]) == 2
    assert "--parameters: not JSON" in capsys.readouterr().err

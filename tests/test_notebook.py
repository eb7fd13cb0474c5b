"""`hallmarks notebook`: whole outputs, clear failures; and the notebooks themselves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from hallmarks.cli import main
from hallmarks.config.load import overlay, read_yaml
from hallmarks.errors import UserError
from hallmarks.measures import Kernel, measure
from hallmarks.settings import read_settings

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUN = "t/v/seed0"
PANEL = {"label": "default", "experiment": "e", "runs": [RUN], "unit": "epochs", "drops": [4]}
CLAIM = {"id": "apex", "kind": "bound", "statement": "ω_{0} is above 0", "section": "C.1", "experiment": "e"}
CLAIM |= {"measure": "mds_relative", "variations": ["default"], "above": 0, "unit": "epochs", "drops": [4]}
PARAMETERS = "settings = None\nstem = None"
DRAWS = """
from pathlib import Path
Path(stem).parent.mkdir(exist_ok=True)
Path(f"{stem}.csv").write_text("drawn")
"""
BRANCH = PANEL | {"label": "at 2", "runs": ["t-branch/at=2/seed0"]}
SAID = {"trains": "norms", "statistics": "moving", "at": 2, "trained": 8, "steps": 4, "seconds": 1.0}
SAID |= {"optimizer_bytes": 32, "gradient_bytes": 32}
SHOWN = {
    "bn-only": {"panels": [PANEL, BRANCH]},
    "bn-only-table": {"panels": [PANEL, BRANCH]},
    "claims": {"claims": [CLAIM | {"seeds": [0], "runs": {"default": "t/v"}}]},
    "study": {"study": {"dimension": 1000, "seeds": [0, 1]}},
    "initialisations": {"study": {"model": {"name": "resnet50"}, "seeds": [0, 1], "paper": 0.374}},
    "width": {"studies": ["width"]},
    "oscillations": {"studies": ["curvature"]},
    "curvature": {"study": {"batches": 1, "seed": 0, "precision": "float32", "every": 4, "eigenvalues": 2}},
}


@pytest.fixture
def folder(tmp_path):
    """A folder with results of one run, in `results`."""
    increments = np.random.default_rng(0).standard_normal((9, 40)) + 0.2
    kernel, table = (
        tmp_path / f"results/{kind}/{RUN}.{suffix}"
        for kind, suffix in [("kernels", "npz"), ("measures", "parquet")]
    )
    for path in (kernel, table):
        path.parent.mkdir(parents=True)
    np.savez(
        kernel,
        increments_gram=np.stack([increments @ increments.T / 3] * 3),
        groups=[f"layers.0.attention.{role}.weight" for role in ("query", "key", "value")],
        numel=[40] * 3,
        step=np.arange(9) * 10,
        epoch=np.arange(9.0),
        storage="float32",
        diverged="",
    )
    measure(Kernel.load(kernel), RUN).to_parquet(table, index=False)
    for panel in (PANEL, BRANCH):
        (run := tmp_path / "results/runs" / panel["runs"][0]).mkdir(parents=True)
        (run / "trajectory").mkdir()
        (run / "trajectory/trajectory.json").write_text('{"points": [], "parameters": {}}')
        (run / "log.csv").write_text("epoch,test_accuracy\n2,0.5\n4,0.75\n")
    (run / "branch.json").write_text(json.dumps(SAID))
    (tmp_path / "results/studies").mkdir()
    (tmp_path / "results/studies/random-init.csv").write_text("seeds,cosine\n0 and 1,0.369\n")
    (tmp_path / "results/studies/lemma-1.csv").write_text("distribution,share\nuniform,0.5\n")
    rows = [f"standard,{width},{seed},{1 / width}" for width in (64, 128, 256) for seed in (0, 1)]
    head = "parametrisation,width,seed,deviation"
    (tmp_path / "results/studies/width.csv").write_text("\n".join([head, *rows, ""]))
    (tmp_path / "results/studies/curvature.csv").write_text(curvature())
    return tmp_path


def curvature() -> str:
    """The study's table of one window of four updates."""
    here = {"eigenvalue": [3.0, 1.0], "stability": [0.3], "bound": [2], "chance": [0.01]}
    here |= {"residual": [0.001], "share_displacement": [0.1]}
    rows = [(0, name, rank, each) for name, found in here.items() for rank, each in enumerate(found)]
    rows += [(t, "share", "", 0.5) for t in range(4)] + [
        (t, "alignment", "", (-1) ** t / 2) for t in range(4)
    ]
    head = "run,window,step,epoch,measure,index,value"
    return "\n".join([head, *(f"{RUN},0,{t},0,{name},{rank},{value}" for t, name, rank, value in rows), ""])


def cell_of_parameters(notebook: Path) -> dict:
    """What the notebook shows as it is."""
    cells = nbformat.read(notebook, 4).cells
    source = next(cell for cell in cells if "parameters" in cell.metadata.get("tags", [])).source
    values = {}
    exec(source, values)
    values.pop("__builtins__")
    return values


def write_settings(folder: Path, path: str, notebook: str, **more) -> Path:
    """The settings of a figure or table, as the workflow writes them."""
    shown = {"name": Path(path).stem, "title": "A title $x_{0}$", "scale": "smoke", "notebook": notebook}
    shown |= {"results": "results", "panels": [PANEL], "options": {}}
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(json.dumps(shown | SHOWN.get(notebook, {}) | more))
    return folder / path


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_is_a_document_and_stripped(notebook):
    cells = nbformat.read(notebook, 4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in code)
    assert all(len(cell.source.splitlines()) <= 10 for cell in code), "what is long belongs in the package"
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert text.startswith("# ") and "## How to read it" in text and "$" in text
    assert cell_of_parameters(notebook).keys() == {"settings", "stem"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_runs_as_it_is(folder, notebook):
    """As JupyterLab runs it: in its own folder, on results above it; it shows, and writes nothing."""
    parameters = cell_of_parameters(notebook)
    assert parameters["stem"] is None
    write_settings(folder, parameters["settings"], notebook.stem)
    (folder / "notebooks").mkdir()
    before = {path for path in folder.rglob("*")}
    where = {"metadata": {"path": folder / "notebooks"}}
    client = NotebookClient(nbformat.read(notebook, 4), resources=where)
    executed = client.execute(env=os.environ | {"PYTHONPATH": str(ROOT / "src")})
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not any(output.get("name") == "stderr" for output in outputs)
    data = {kind for output in outputs for kind in output.get("data", {})}
    assert "text/html" in data
    tables = {"bn-only-table", "claims", "curvature", "initialisations", "lemma-1", "study"}
    assert "image/png" in data or notebook.stem in tables
    assert {path for path in folder.rglob("*")} == before


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_names_a_real_figure_of_its_kind(notebook):
    config = overlay(read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "config/laptop.yaml"))
    path = Path(cell_of_parameters(notebook)["settings"])
    assert path.parent.parent == Path("results/settings")
    if path.parent.name == "figures":
        assert config["figures"][path.stem]["notebook"] == notebook.stem
    elif path.stem in config["tables"]:
        assert config["tables"][path.stem]["notebook"] == notebook.stem
    else:
        assert path.stem == "claims" == notebook.stem or path.stem in config["studies"]


def run(notebook: Path, folder: Path, **more) -> int:
    settings = write_settings(folder, "results/settings/figures/fig.json", notebook.stem, **more)
    stem = ["--stem", str(folder / "figures/fig")]
    output = ["-o", str(folder / "notebooks/fig.ipynb")]
    return main(["notebook", str(notebook), "--settings", str(settings), *stem, *output])


def test_maps_through_the_command(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert run(ROOT / "notebooks/maps.ipynb", folder, options={"relative": True}) == 0
    written = [path.name for path in folder.rglob("fig.*") if path.is_file()]
    assert sorted(written) == ["fig.csv", "fig.ipynb", "fig.json", "fig.pdf", "fig.png"]
    content = (folder / "notebooks/fig.ipynb").read_bytes()
    assert run(ROOT / "notebooks/maps.ipynb", folder, options={"relative": True}) == 0
    assert (folder / "notebooks/fig.ipynb").read_bytes() == content
    notebook = nbformat.read(folder / "notebooks/fig.ipynb", 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any(output.get("name") == "stderr" for output in outputs)
    assert "papermill" not in notebook.metadata
    assert pd.read_csv(folder / "figures/fig.csv")["t"].min() == 1  # relative


@pytest.mark.parametrize("name", ["claims", "initialisations", "study"])
def test_tables_through_the_command(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    shown = "claims" if name == "claims" else "random-init"
    assert run(ROOT / f"notebooks/{name}.ipynb", folder, name=shown) == 0
    table, page = pd.read_csv("figures/fig.csv"), Path("figures/fig.html").read_text()
    if name == "claims":
        assert table["verdict"].tolist() == ["holds in all seeds"] and "<h3>ω_{0} is above 0</h3>" in page
    else:
        assert table["seeds"].tolist() == ["0 and 1", "mean"][: 1 if name == "study" else 2]
        assert name == "study" or table["paper"].tolist() == [0.374] * 2
        assert "<td>0.3690</td>" in page and "<h1>A title $x_{0}$</h1>" in page


def test_the_working_directory_is_the_commands(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    notebook = write(tmp_path / "n.ipynb", PARAMETERS, "open('here', 'w').close()", DRAWS)
    assert run(notebook, tmp_path) == 0 and (tmp_path / "elsewhere/here").exists()


def test_the_interpreter_and_the_package_are_the_commands(tmp_path):
    """Not those of a kernel that the user has installed; nor is `hallmarks` another clone's."""
    other = tmp_path / "data/kernels/python3/kernel.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}))
    shutil.copytree(ROOT / "src/hallmarks", tmp_path / "src/hallmarks")
    says = "import sys, hallmarks\nprint(sys.executable, hallmarks.__file__, file=open('said', 'w'))"
    notebook = write(tmp_path / "n.ipynb", PARAMETERS, says, DRAWS)
    settings = write_settings(tmp_path, "results/settings/figures/fig.json", "n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'src')!r}); import hallmarks.cli as c; c.main()"
    command = ["notebook", str(notebook), "--settings", str(settings), "--stem", "fig", "-o", "out.ipynb"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["JUPYTER_DATA_DIR"] = str(tmp_path / "data")
    done = subprocess.run([sys.executable, "-c", code, *command], cwd=tmp_path, env=environment)
    assert done.returncode == 0
    said = (tmp_path / "said").read_text().split()
    assert said == [sys.executable, str(tmp_path / "src/hallmarks/__init__.py")]


def test_names_with_braces(tmp_path):
    folder = tmp_path / "a {b} é"
    folder.mkdir()
    assert run(write(folder / "n.ipynb", PARAMETERS, DRAWS), folder) == 0
    assert (folder / "notebooks/fig.ipynb").exists()


def write(path: Path, *sources: str) -> Path:
    cells = [new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_failing_cell_is_one_line(tmp_path, capsys):
    notebook = write(tmp_path / "bad.ipynb", PARAMETERS, "1 / 0")
    assert run(notebook, tmp_path) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert "ZeroDivisionError: division by zero" in errors[-1] and "fig.failed.ipynb" in errors[-1]
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == ["fig.failed.ipynb"]


def test_a_dying_kernel_is_one_line(tmp_path, capsys):
    notebook = write(tmp_path / "dies.ipynb", PARAMETERS, "import os\nos.kill(os.getpid(), 9)")
    assert run(notebook, tmp_path) == 2
    assert "its Python process died" in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "notebooks").write_text("a file")
    assert run(write(tmp_path / "n.ipynb", PARAMETERS), tmp_path) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_a_notebook_that_draws_nothing_is_refused(tmp_path, capsys):
    assert run(write(tmp_path / "idle.ipynb", PARAMETERS), tmp_path) == 2
    assert "did not write" in capsys.readouterr().err and not list((tmp_path / "notebooks").iterdir())


def test_an_unknown_option_is_named(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert run(ROOT / "notebooks/maps.ipynb", folder, options={"relativ": True}) == 2
    assert "unexpected keyword argument 'relativ'" in capsys.readouterr().err.splitlines()[-1]


def test_mistakes_are_named(tmp_path, capsys):
    assert run(tmp_path / "absent.ipynb", tmp_path) == 2
    assert "absent.ipynb: no such notebook" in capsys.readouterr().err
    (tmp_path / "text.ipynb").write_text("text")
    assert run(tmp_path / "text.ipynb", tmp_path) == 2
    assert "text.ipynb: not a notebook" in capsys.readouterr().err
    assert run(write(tmp_path / "n.ipynb", "settings = None"), tmp_path) == 2
    assert "no parameter 'stem'" in capsys.readouterr().err
    assert main(["notebook", "n", "-o", "o", "--stem", "f", "--settings", "none.json"]) == 2
    assert "none.json: no such settings" in capsys.readouterr().err


def test_settings_are_found_above(tmp_path, monkeypatch):
    write_settings(tmp_path, "results/settings/figures/fig.json", "maps")
    (tmp_path / "notebooks/deep").mkdir(parents=True)
    for where in [tmp_path, tmp_path / "notebooks", tmp_path / "notebooks/deep"]:
        monkeypatch.chdir(where)
        settings = read_settings("results/settings/figures/fig.json")
        assert settings["results"].resolve() == tmp_path / "results"
    with pytest.raises(UserError, match="no such settings, here or in a folder above"):
        read_settings("results/settings/figures/none.json")

"""The whole workflow at smoke scale, and what each change makes it do again."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from smoke import Project


@pytest.fixture
def edit(project):
    """Change a file of the project for one test."""
    before: dict[Path, bytes] = {}

    def replace(name: str, change) -> None:
        path = project.folder / name
        before[path] = path.read_bytes()
        path.write_text(change(path.read_text()))

    yield replace
    for path, content in before.items():
        path.write_bytes(content)


def test_every_figure_has_its_numbers_and_notebook(project):
    results = project.folder / "results/smoke"
    figures = sorted(path.stem for path in results.glob("figures/*.png"))
    expected = [2, 3, 4, 6, *range(10, 20), *range(35, 65)]
    assert set(figures) == {f"fig{n}" for n in expected} | {"saturation", "coarser", "coarser-momentum"}
    for figure in figures:
        assert (results / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert len(pd.read_csv(results / f"figures/{figure}.csv")) > 0
        assert json.loads((results / f"notebooks/{figure}.ipynb").read_text())["cells"]


def test_the_claims_are_judged(project):
    claims = pd.read_csv(project.folder / "results/smoke/tables/claims.csv")
    assert len(claims) == 33 and claims["verdict"].notna().all()


def test_random_initialisations_are_as_alike_as_the_paper_says(project):
    table = pd.read_csv(project.folder / "results/smoke/tables/random-init.csv")
    assert table["cosine"].between(0.36, 0.38).all() and (table["paper"] == 0.374).all()


def test_nothing_is_made_twice(project):
    assert project.planned() == {}


def test_touching_does_nothing(project):
    for name in ["src/hallmarks/kernel/gram.py", "src/hallmarks/plots.py", "notebooks/maps.ipynb"]:
        (project.folder / name).touch()
    assert project.planned() == {}


@pytest.mark.parametrize(
    ("module", "remade"),
    [
        ("plots.py", {"figure"}),
        ("measures.py", {"measure", "claims", "figure"}),
        ("kernel/gram.py", {"kernel", "measure", "claims", "figure"}),
        ("claims.py", {"claims"}),
        ("models/vgg.py", {"train", "initialisations", "kernel", "measure", "claims", "figure"}),
        ("cli.py", set()),
    ],
)
def test_an_edit_remakes_what_uses_the_module(project, edit, module, remade):
    edit(f"src/hallmarks/{module}", lambda text: text + "\nEDITED = 1\n")
    assert set(project.planned()) == remade


def test_one_sweep_leaves_the_others_alone(project, edit):
    edit(
        "config/smoke.yaml",
        lambda text: text.replace(
            "resnet50-wd: {", "resnet50-wd: {variations: [{}, {}, {}, {weight_decay: 0.5}], "
        ),
    )
    planned = project.planned("kernels_all")
    assert planned == {"train": 1, "kernel": 1, "kernels_all": 1}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--config", "sclae=1"], "sclae: unknown key; did you mean 'scale'"),
        (["--config", "tasks={vgg16-digits: {recipe: {batch_size: 9999}}}"], "larger than the training set"),
    ],
)
def test_a_bad_configuration_runs_nothing(project, arguments, line):
    refused = project.snakemake("-n", *arguments)
    assert refused.returncode != 0 and line in refused.stderr + refused.stdout


def test_one_figure_pays_for_what_it_needs(tmp_path):
    planned = Project(tmp_path).planned("fig2")
    assert planned == {"data": 1, "train": 2, "kernel": 2, "measure": 2, "figure": 1, "fig2": 1}


def test_the_papers_own_configuration_is_planned(tmp_path):
    project = Project(tmp_path)
    shutil.copy(project.folder / "config.yaml", project.folder / "config/smoke.yaml")
    assert project.planned()["train"] == 36

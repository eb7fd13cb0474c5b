"""The whole workflow at smoke scale, and what each change makes it do again."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hallmarks.config.load import overlay
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
    assert set(figures) == {f"fig{n}" for n in expected} | {"saturation", "coarser"}
    for figure in figures:
        assert (results / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert len(pd.read_csv(results / f"figures/{figure}.csv")) > 0
        assert json.loads((results / f"notebooks/{figure}.ipynb").read_text())["cells"]


def test_the_claims_are_judged(project):
    claims = pd.read_csv(project.folder / "results/smoke/tables/claims.csv")
    assert len(claims) == 33 and claims["verdict"].notna().all()
    paper = claims.set_index("id")["paper"]
    assert paper["switch-off-momentum"] == "default < momentum 0 < momentum 0, weight decay 0"


def test_random_initialisations_are_as_alike_as_the_paper_says(project):
    table = pd.read_csv(project.folder / "results/smoke/tables/random-init.csv")
    assert table["cosine"].between(0.36, 0.38).all() and (table["paper"] == 0.374).all()


def test_nothing_is_made_twice(project):
    assert project.planned() == {}


def test_touching_does_nothing(project):
    for name in ["src/hallmarks/kernel/gram.py", "src/hallmarks/figures/maps.py", "notebooks/maps.ipynb"]:
        (project.folder / name).touch()
    assert project.planned() == {}


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
    ("over", "line"),
    [
        ("{sclae: 1}", "sclae: unknown key; did you mean 'scale'?"),
        (
            "{tasks: {vgg16-digits: {recipe: {optimizer: {learning_rate: -0.1}}}}}",
            "tasks.vgg16-digits.recipe.optimizer.learning_rate: Input should be greater than 0, not -0.1",
        ),
        (
            "{experiments: {switch-off: {task: resnet51}}}",
            "experiments.switch-off names the task 'resnet51', which is none of",
        ),
        (
            "{tasks: {vgg16-digits: {recipe: {schedule: {at: [2, 6]}}}}}",
            "tasks.vgg16-digits.recipe: a drop at 6 is past the end, 6 epochs",
        ),
        (
            "{figures: {fig2: {experiments: [switch]}}}",
            "figures.fig2 names the experiment 'switch', which is none of",
        ),
        (
            "{experiments: {vgg16-batch: {task: vgg16-digits}}}",
            "experiments.vgg16-batch: its runs take 24, 48, 96, 192 steps, and equal_steps asks for",
        ),
        ("{figures: {../fig2: {}}}", "a name is lower-case letters, digits and hyphens"),
        (
            "{tasks: {vgg16-digits: {recipe: {batch_size: 9999}}}}",
            "tasks.vgg16-digits.recipe.batch_size: 9999 is larger than the training set",
        ),
    ],
)
def test_a_bad_configuration_is_one_line_and_runs_nothing(tmp_path, over, line):
    project = Project(tmp_path)
    settings = project.folder / "config/smoke.yaml"
    settings.write_text(yaml.safe_dump(overlay(yaml.safe_load(settings.read_text()), yaml.safe_load(over))))
    refused = project.snakemake("-n")
    told = [said for said in (refused.stderr + refused.stdout).splitlines() if line in said]
    assert refused.returncode == 1 and len(told) == 1 and "Traceback" not in refused.stderr
    refused = project.run("hallmarks", "plan", "--profile", "smoke")
    assert refused.returncode == 2 and line in refused.stderr and refused.stderr.count("\n") == 1


def test_one_figure_pays_for_what_it_needs(tmp_path):
    planned = Project(tmp_path).planned("fig2")
    assert planned == {"data": 1, "train": 2, "kernel": 2, "measure": 2, "figure": 1, "fig2": 1}


def test_trajectories_go_once_their_kernel_exists(tmp_path):
    project = Project(tmp_path)
    settings = project.folder / "config/smoke.yaml"
    settings.write_text(settings.read_text() + "\nkeep_trajectories: false\n")
    made = project.snakemake("fig2")
    assert made.returncode == 0, made.stderr[-5000:]
    runs = project.folder / "results/smoke/runs/resnet20-digits/default"
    assert not list(runs.rglob("point*")) and len(list(runs.rglob("trajectory.json"))) == 2
    assert len(list(runs.glob("*/removed.json"))) == 2
    assert project.planned("fig2") == {}
    # To go without the removal changes nothing that is made.
    settings.write_text(settings.read_text().replace("keep_trajectories: false", ""))
    assert project.planned("fig2") == {}
    # A kernel that must be made again needs its points, and so its run is trained again.
    with open(project.folder / "src/hallmarks/kernel/gram.py", "a") as module:
        module.write("\nEDITED = 1\n")
    assert project.planned("fig2") == {"train": 2, "kernel": 2, "measure": 2, "figure": 1, "fig2": 1}
    plan = project.run("hallmarks", "plan", "--profile", "smoke", "fig2")
    assert "points removed, needed again" in plan.stdout
    assert project.snakemake("fig2").returncode == 0
    assert len(list(runs.glob("*/trajectory/point-*"))) == 14 and not list(runs.glob("*/removed.json"))


def test_files_can_be_targets(tmp_path):
    """Snakemake remembers a folder's files from its first look: two runs of one folder, nothing made yet."""
    runs = "results/smoke/runs/resnet20-digits/default/seed{}/trajectory/trajectory.json"
    assert Project(tmp_path).planned(runs.format(0), runs.format(1)) == {"data": 1, "train": 2}


def test_the_papers_own_configuration_is_planned(tmp_path):
    project = Project(tmp_path)
    shutil.copy(project.folder / "config.yaml", project.folder / "config/smoke.yaml")
    assert project.planned()["train"] == 36

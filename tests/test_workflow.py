"""The whole workflow at smoke scale, and what each change makes it do again."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tiny import configuration

from hallmarks.cli import main
from hallmarks.config.load import load_configuration, overlay
from hallmarks.runs.run import expand
from hallmarks.workflow.paper import Paper
from smoke import ROOT, Project


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
    paper = paper_of(project.folder)
    assert set(figures) == set(paper.in_all(paper.config.figures))
    assert paper.config.figures.keys() - set(figures) == {"model-scale-published"}  # made by name alone
    for figure in figures:
        assert (results / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert len(pd.read_csv(results / f"figures/{figure}.csv")) > 0
        assert json.loads((results / f"notebooks/{figure}.ipynb").read_text())["cells"]


def test_what_is_made_is_of_each_kind(project):
    """Of each notebook, its options and the unit of time that it shows, one figure at least."""
    made, whole = (kinds_of(folder) for folder in (project.folder, ROOT))
    assert made == whole and len(whole) >= 14


def paper_of(folder: Path) -> Paper:
    config = load_configuration([folder / "config.yaml", folder / "config/smoke.yaml"])
    return Paper(config, expand(config))


def kinds_of(folder: Path) -> set[tuple]:
    paper = paper_of(folder)
    return {
        (figure.notebook, *figure.options, row.runs[0].settings.origin, row.runs[0].settings.time().unit)
        for name, figure in paper.config.figures.items()
        for row in paper.shown[name]
    }


def test_the_claims_are_judged(project):
    claims = pd.read_csv(project.folder / "results/smoke/tables/claims.csv")
    asked = yaml.safe_load((project.folder / "config.yaml").read_text())["claims"]
    assert list(claims["id"]) == list(asked) and claims["verdict"].notna().all()
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
    over = {"experiments": {"coarser": {"variations": [{}, {}, {}, {"weight_decay": 0.5}]}}}
    edit("config/smoke.yaml", lambda text: yaml.safe_dump(overlay(yaml.safe_load(text), over)))
    planned = project.planned("figures_all")
    assert planned == {"train": 1, "kernel": 1, "measure": 1, "figure": 1, "figures_all": 1}


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
def test_a_bad_configuration_is_one_line(tmp_path, monkeypatch, capsys, over, line):
    """Of `hallmarks plan`, which reads as the workflow does."""
    for name in ("config.yaml", "Snakefile", "profiles", "config/smoke.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    mine = tmp_path / "mine.yaml"
    mine.write_text(over)
    monkeypatch.chdir(tmp_path)
    words = ["plan", "--profile", "profiles/smoke", "--configfile", "config/smoke.yaml", "mine.yaml"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


def test_a_bad_configuration_runs_nothing(tmp_path):
    project = Project(tmp_path)
    (project.folder / "mine.yaml").write_text("{sclae: 1}")
    refused = project.snakemake("-n", "--configfile", "config/smoke.yaml", "mine.yaml")
    line = "sclae: unknown key; did you mean 'scale'?"
    told = [said for said in (refused.stderr + refused.stdout).splitlines() if line in said]
    assert refused.returncode == 1 and len(told) == 1 and "Traceback" not in refused.stderr


def test_one_figure_pays_for_what_it_needs(tmp_path):
    planned = Project(tmp_path).planned("fig2")
    assert planned == {"data": 1, "train": 2, "kernel": 2, "measure": 2, "figure": 1, "fig2": 1}


def test_trajectories_go_once_their_kernel_exists(tmp_path):
    project = Project(tmp_path)
    (project.folder / "config.yaml").write_text(yaml.safe_dump(configuration()))
    settings = project.folder / "config/smoke.yaml"
    settings.write_text("scale: smoke\nkeep_trajectories: false\n")
    made = project.snakemake("map")
    assert made.returncode == 0, made.stderr[-5000:]
    run = project.folder / "results/runs/tiny/default/seed0"
    assert (run / "trajectory/trajectory.json").exists() and (run / "removed.json").exists()
    assert not list(run.rglob("point*")) and project.planned("map") == {}
    # To go without the removal changes nothing that is made.
    settings.write_text("scale: smoke\n")
    assert project.planned("map") == {}
    # A kernel that must be made again needs its points, and so its run is trained again.
    with open(project.folder / "src/hallmarks/kernel/gram.py", "a") as module:
        module.write("\nEDITED = 1\n")
    assert project.planned("map") == {"train": 1, "kernel": 1, "measure": 1, "figure": 1, "map": 1}
    plan = project.run("hallmarks", "plan", "--profile", "smoke", "map")
    assert "points removed, needed again" in plan.stdout
    made = project.snakemake("map")
    assert made.returncode == 0, made.stderr[-5000:]
    assert len(list(run.glob("trajectory/point-*"))) == 2 and not (run / "removed.json").exists()


def test_files_can_be_targets(tmp_path):
    """Snakemake remembers a folder's files from its first look: two runs of one folder, nothing made yet."""
    runs = "results/smoke/runs/resnet20-digits/default/seed{}/trajectory/trajectory.json"
    assert Project(tmp_path).planned(runs.format(0), runs.format(1)) == {"data": 1, "train": 2}


def test_the_papers_own_configuration_is_planned(tmp_path):
    project = Project(tmp_path)
    shutil.copy(project.folder / "config.yaml", project.folder / "config/smoke.yaml")
    config = load_configuration([project.folder / "config.yaml"])
    paper = Paper(config, expand(config))
    planned = project.planned()
    assert planned["train"] + planned["look_up"] == len(paper.runs_in_all)
    assert (
        planned["look_up"]
        == planned["fetch"]
        == len([run for run in paper.runs_in_all if run.startswith("pythia/")])
    )
    by_name_alone = [paper.runs[name].task for name in paper.runs.keys() - {*paper.runs_in_all}]
    assert sorted(by_name_alone) == 2 * ["pythia"] + 8 * ["pythia-last"]


def test_the_whole_paper_is_planned_at_smoke_scale(tmp_path):
    planned, paper = Project(tmp_path).planned(), paper_of(ROOT)
    assert planned["figure"] == len(paper.in_all(paper.config.figures)) == len(paper.config.figures) - 1
    assert planned["train"] == len(paper.runs_in_all) == len(paper.runs)

"""docs/adding.md, followed: each addition is a file, works from the configuration, and makes nothing again.

The examples are those of the document, dropped into a finished project; what they make is then looked at.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from jsonschema import Draft202012Validator
from nbformat.v4 import new_code_cell, new_notebook

from hallmarks.config.load import overlay
from hallmarks.trajectory.reader import read_trajectory
from smoke import ROOT, Project

DOCUMENT = (ROOT / "docs/adding.md").read_text()
EXAMPLES = re.findall(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```$", DOCUMENT, re.M | re.S)
FILES = {name: text for name, text in EXAMPLES if name != "config/mine.yaml"}
MINE: dict = {}
for name, text in EXAMPLES:
    if name == "config/mine.yaml":
        MINE = overlay(MINE, yaml.safe_load(text))

# What the examples are called where a run is made with them.
CALLED = {"nesterov", "extragradient", "warm-up", "perceptron", "stripes", "cycles", "next-token", "bigram"}

# A figure without an experiment: a schematic, whose notebook needs no run.
SCHEMATIC = """
import pandas as pd
from hallmarks.figures.picture import Picture, grid
from hallmarks.settings import read_settings

shown = read_settings(settings)
figure, (axes,) = grid(1, 1, 3, 3)
axes.plot([0, 1, 2], [0, 1, 0])
picture = Picture(figure, pd.DataFrame({"x": [0, 1, 2], "y": [0, 1, 0]}), []).with_footer(shown["scale"])
picture.save(stem)
"""
MINE = overlay(MINE, {"figures": {"apex": {"title": "An apex", "notebook": "schematic", "experiments": []}}})

VERDICTS = """
import json, sys
from pathlib import Path
from hallmarks.config.load import overlay, read_yaml
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.results import Results
content = {}
for path in sys.argv[1:]:
    content = overlay(content, read_yaml(Path(path)))
paper = open_paper(content, [])
results = Results(paper, Path().resolve())
by_name_alone = {*paper.config.figures} - {*paper.in_all(paper.config.figures)}
asked = [each for each in results.all() if each.kind != "figures" or each.name not in by_name_alone]
print(json.dumps({f"{each.kind}/{each.name}": results.verdict(each) for each in asked}))
"""


@dataclass
class Added:
    """A finished project with every example in it, and what it was before anything was made of them.

    `planned` are the jobs of a dry run, `verdicts` those of every result that is there, `with_mine` those of
    every result that `all` makes once the overlay is named too, `plan` what `hallmarks plan` then says, and
    `log` what Snakemake said.
    """

    project: Project
    planned: dict[str, int]
    verdicts: dict[str, list | None]
    with_mine: dict[str, list | None]
    plan: str
    log: str

    @property
    def results(self) -> Path:
        return self.project.folder / "results/smoke"

    def verdicts_now(self) -> dict[str, list | None]:
        return verdicts(self.project, "config/mine.yaml")


def verdicts(project: Project, *overlays: str) -> dict[str, list | None]:
    """Why each result would be made again, [] where it stands, None where it is not there."""
    told = project.run("python", "-c", VERDICTS, "config.yaml", "config/smoke.yaml", *overlays)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def with_mine(project: Project, *arguments: str):
    """Snakemake with the overlay of the examples."""
    files = "config/smoke.yaml", "config/mine.yaml"
    return project.snakemake("--configfile", *files, "--cores", "all", "--", *arguments)


@pytest.fixture(scope="module")
def added(project, tmp_path_factory) -> Added:
    copy = Project(tmp_path_factory.mktemp("added"))
    copy.take(project)
    for name, text in FILES.items():
        path = copy.folder / name
        path.parent.mkdir(exist_ok=True)
        assert not path.exists()
        path.write_text(text)
    planned = copy.planned()
    before = {name: verdict for name, verdict in verdicts(copy).items() if verdict is not None}
    schematic = new_notebook(
        cells=[
            new_code_cell("settings = None\nstem = None", metadata={"tags": ["parameters"]}),
            new_code_cell(SCHEMATIC),
        ]
    )
    nbformat.write(schematic, copy.folder / "notebooks/schematic.ipynb")
    (copy.folder / "config/mine.yaml").write_text(yaml.safe_dump(MINE))
    asked = verdicts(copy, "config/mine.yaml")
    files = "config/smoke.yaml", "config/mine.yaml"
    plan = copy.run("hallmarks", "plan", "all", "measures_all", "--profile", "smoke", "--configfile", *files)
    made = with_mine(copy, "all", "measures_all")
    assert made.returncode == 0, made.stderr[-5000:]
    return Added(copy, planned, before, asked, plan.stdout + plan.stderr, made.stderr)


def test_every_recipe_is_listed_and_has_an_example():
    sections = re.split(r"^## ", DOCUMENT, flags=re.M)[1:]
    listed = dict(re.findall(r"^\| \[.*?\]\(#([a-z-]+)\).*?\| `(.*?)`", DOCUMENT, re.M))
    assert listed.keys() == {section.splitlines()[0].lower().replace(" ", "-") for section in sections}
    for section in sections:
        folder = listed[section.splitlines()[0].lower().replace(" ", "-")].removesuffix("<name>/")
        names = re.findall(r"^`([^`\n]+)`\n\n```", section, re.M)
        assert any(folder in name for name in names) and "config/mine.yaml" in names


def test_no_result_is_made_again(added):
    assert len(added.verdicts) > 50 and set(map(str, added.verdicts.values())) == {"[]"}
    assert added.planned == {}


def test_the_overlay_makes_only_what_it_names(added):
    stand = {name for name, verdict in added.with_mine.items() if verdict == []}
    assert added.verdicts.keys() - stand == {"tables/claims"}  # which has more claims now
    assert {name.partition("/")[0] for name in added.with_mine.keys() - added.verdicts.keys()} == {
        "runs",
        "kernels",
        "measures",
        "figures",
        "studies",
        "tables",
    }
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", added.log, re.M)}
    absent = Counter(name.partition("/")[0] for name in added.with_mine.keys() - added.verdicts.keys())
    expected = {"train": absent["runs"], "kernel": absent["kernels"], "measure": absent["measures"]}
    expected |= {"figure": 2, "study": 1, "table": 2}
    assert {rule: jobs.get(rule) for rule in expected} == expected
    assert set(map(str, added.verdicts_now().values())) == {"[]"}


def test_the_plan_knows_what_additions_cost(added):
    rows = {
        tuple(line.split()[:2]): line.split()[2] for line in added.plan.splitlines() if line[:1].isalpha()
    }
    assert (rows["train", "tiny"], rows["train", "tokens"], rows["train", "quadratic"]) == ("6", "2", "4")


def runs_of(added: Added, task: str, only: str = "") -> list[Path]:
    return sorted(path.parent for path in added.results.glob(f"runs/{task}/*{only}*/seed*/log.csv"))


@pytest.mark.parametrize(
    ("task", "variation"),
    [
        ("tiny", "default"),
        ("tiny", "nesterov"),
        ("tiny", "extragradient"),
        ("tiny", "warm-up"),
        ("tiny", "perceptron"),
        ("tiny", "stripes"),
        ("tokens", "default"),
        ("tokens", "width=4"),
    ],
)
def test_a_run_trains_with_it(added, task, variation):
    (run,) = runs_of(added, task, variation)
    log = pd.read_csv(run / "log.csv")
    assert len(log) == 2 and np.isfinite(log["loss"]).all() and log["test_accuracy"].between(0, 1).all()
    kernel = np.load(added.results / f"kernels/{run.relative_to(added.results / 'runs')}.npz")
    assert np.isfinite(kernel["increments_gram"]).all() and len(kernel["step"]) >= 3
    identity = json.loads((run / "identity.json").read_text())
    used = {
        name for name in CALLED if any(name.replace("-", "_") in code.split(".") for code in identity["code"])
    }
    assert used == (
        {variation} & CALLED or ({"cycles", "next-token", "bigram"} if task == "tokens" else set())
    )


def test_the_schedule_is_followed(added):
    (run,) = runs_of(added, "tiny", "warm-up")
    rates = [point.learning_rate for point in read_trajectory(run / "trajectory").points]
    assert rates == pytest.approx([0.01, 0.055, 0.1, 0.1, 0.1])


def test_tokens_are_learned_and_counted(added):
    log = pd.read_csv(runs_of(added, "tokens", "default")[0] / "log.csv")
    assert log["loss"].iloc[-1] < log["loss"].iloc[0] < np.log(16) + 1
    # 16 sequences of 8 tokens are tested: accuracies are multiples of 1/128.
    assert (log["test_accuracy"] * 128).map(float.is_integer).all()


def test_a_simulated_run_goes_all_the_way(added):
    curvatures = np.array([1, 10, 100])
    for rate, name in [(0.015, "default"), (0.005, "learning_rate=0.005")]:
        for seed in (0, 1):
            trajectory = read_trajectory(added.results / f"runs/quadratic/{name}/seed{seed}/trajectory")
            assert [point.step for point in trajectory.points] == list(range(13))
            start = np.random.default_rng(seed).standard_normal(3)
            table = pd.read_parquet(added.results / f"measures/quadratic/{name}/seed{seed}.parquet")
            norms = table[(table["measure"] == "norm") & (table["group"] == "all")].sort_values("index")
            expected = [np.linalg.norm((1 - rate * curvatures) ** t * start) for t in range(13)]
            np.testing.assert_allclose(norms["value"].astype(float), expected, rtol=1e-5)


def test_a_simulated_run_needs_no_torch(added, tmp_path):
    settings = json.dumps(MINE["tasks"]["quadratic"])
    script = (
        "import sys; sys.modules['torch'] = sys.modules['torchvision'] = None\n"
        "from hallmarks.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["train", "q/default/seed0", "--settings", settings, "--scratch", f"{tmp_path}/s", "-o"]
    done = added.project.run("python", "-c", script, *words, f"{tmp_path}/q")
    assert done.returncode == 0, done.stderr
    made = added.results / "runs/quadratic/default/seed0/trajectory/points.sha256"
    assert (tmp_path / "q/trajectory/points.sha256").read_text() == made.read_text()


def test_claims_are_judged_with_the_measure_and_the_kind(added):
    table = pd.read_csv(added.results / "tables/claims.csv").set_index("id")
    assert (
        table.loc["no-line", "verdict"] == "holds in all seeds"
        and table.loc["no-line", "paper"] == "0.1 to 0.999"
    )
    assert table.loc["larger-steps-turn-more", "ours"].count("2 seeds") == 2
    kernel = np.load(added.results / "kernels/quadratic/default/seed0.npz")["increments_gram"].sum(0)
    straight = np.sqrt(kernel[1:, 1:].sum()) / np.sqrt(np.diagonal(kernel)[1:]).sum()
    other = np.load(added.results / "kernels/quadratic/default/seed1.npz")["increments_gram"].sum(0)
    straight = (straight + np.sqrt(other[1:, 1:].sum()) / np.sqrt(np.diagonal(other)[1:]).sum()) / 2
    assert f"default: {straight:.4f}" in table.loc["no-line", "ours"]


def test_pictures_are_drawn_by_their_notebooks_alone(added):
    for figure in ("way", "apex"):
        assert (added.results / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert (added.results / f"notebooks/{figure}.ipynb").exists()
    numbers = pd.read_csv(added.results / "figures/way.csv")
    assert set(numbers["measure"]) == {"way"} and numbers["run"].nunique() == 4
    assert (numbers.groupby("run")["value"].diff().dropna() >= 0).all()
    assert list(pd.read_csv(added.results / "figures/apex.csv")["y"]) == [0, 1, 0]


def test_a_study_has_its_table(added):
    table = pd.read_csv(added.results / "tables/walks.csv")
    assert list(table["seed"]) == [0, 1, 2] and table["mds"].between(0.3, 0.8).all()
    assert "Random walks" in (added.results / "tables/walks.html").read_text()


def test_a_run_of_two_gradients_an_update_resumes_to_the_bit_and_logs_the_first_loss(added, tmp_path):
    script = """
import json, sys
from pathlib import Path
import torch
from hallmarks.config.types import TASKS
from hallmarks.errors import Interrupted
from hallmarks.runs.origin import Making

task, data, folder = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])

def make(name, stop=lambda: False, **changes):
    settings = TASKS.validate(task | {"recipe": task["recipe"] | changes})
    device = torch.device("cpu")
    settings.make(Making("t/default/seed0", 0, data, folder / name, lambda: device, stop))

make("whole")
asked = iter(range(100))
try:
    make("cut", lambda: next(asked) == 4)
except Interrupted:
    make("cut")
else:
    sys.exit("was not stopped")
for ahead in (1e-3, 1.0):
    optimizer = task["recipe"]["optimizer"] | {"ahead": ahead}
    make(f"ahead-{ahead:g}", optimizer=optimizer, length=1, unit="steps")
"""
    tiny = MINE["tasks"]["tiny"]
    task = tiny | {"recipe": tiny["recipe"] | MINE["experiments"]["extragradient"]["variations"][0]}
    data = added.results / "data/digits"
    done = added.project.run("python", "-c", script, json.dumps(task), str(data), str(tmp_path))
    assert done.returncode == 0 and "going on after step 5" in done.stderr, done.stderr
    listed = [(tmp_path / name / "output/trajectory/points.sha256").read_text() for name in ("whole", "cut")]
    assert listed[0] == listed[1] and listed[0].count("\n") == 5
    logs = [
        pd.read_csv(tmp_path / f"{name}/output/log.csv")
        for name in ("whole", "cut", "ahead-0.001", "ahead-1")
    ]
    assert (logs[0]["loss"] == logs[1]["loss"]).all()
    # Whatever the second gradient is taken at, the loss is that of the first.
    assert (logs[2]["loss"] == logs[3]["loss"]).all()
    points = [
        (tmp_path / f"ahead-{name}/output/trajectory/points.sha256").read_text() for name in ("0.001", "1")
    ]
    assert points[0] != points[1]


def test_the_settings_need_nothing_that_is_slow_to_import(added):
    script = """
import importlib, pkgutil, sys
names = []
rooms = "optimizers schedules objectives models data.sets origins studies claims.kinds"
for package in rooms.split():
    path = importlib.import_module(f"hallmarks.{package}").__path__
    names += [f"hallmarks.{package}.{found.name}" for found in pkgutil.iter_modules(path)]
for name in names:
    assert hasattr(importlib.import_module(name), "Settings"), name
    slow = {"torch", "torchvision", "seaborn", "matplotlib", "pandas"} & sys.modules.keys()
    assert not slow, f"{name} imports {slow}"
print(len(names))
"""
    done = added.project.run("python", "-c", script)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 14 + 10  # the house's own, and the examples


def test_imports_still_point_down(added):
    done = added.project.run("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout


def test_the_schema_learns_the_new_names_by_make_schema(added):
    content = yaml.safe_load((ROOT / "config.yaml").read_text())
    content = overlay(content, MINE)
    committed = Draft202012Validator(json.loads((ROOT / "workflow/schemas/config.schema.json").read_text()))
    assert not committed.is_valid(content)
    made = added.project.run("python", "-m", "hallmarks.config.schema")
    assert made.returncode == 0, made.stderr
    assert Draft202012Validator(json.loads(made.stdout)).is_valid(content)


def test_a_file_that_is_no_python_is_one_line(added):
    broken = added.project.folder / "src/hallmarks/schedules/broken.py"
    broken.write_text("class Settings(:\n")
    try:
        refused = added.project.snakemake("-n")
    finally:
        broken.unlink()
    told = refused.stdout + refused.stderr
    assert refused.returncode == 1 and "Traceback" not in told
    assert len([line for line in told.splitlines() if "broken.py:1: not Python" in line]) == 1

"""hallmarks plan: the workflow's jobs with their reasons, and estimates that say where they come from."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hallmarks.config.load import read_yaml
from hallmarks.errors import UserError
from hallmarks.files import size
from hallmarks.planning import costs, profile
from hallmarks.planning.costs import trajectory_bytes
from hallmarks.planning.estimates import Estimator, measured, read_measured, work_of
from hallmarks.planning.jobs import Job
from hallmarks.planning.plan import Plan, left, makespan
from hallmarks.planning.profile import Profile, open_profile
from hallmarks.planning.table import render_plan, spent
from hallmarks.planning.text import duration, hours, number
from hallmarks.runs.origin import Cost, Origin
from hallmarks.runs.vary import vary
from hallmarks.workflow.paper import Paper, open_paper
from hallmarks.workflow.results import Results
from smoke import Project

ROOT = Path(__file__).parents[1]
PAPER = open_paper(read_yaml(ROOT / "config.yaml"), [])
RESNET50 = PAPER.config.tasks["resnet50-imagenet"].cost()


def smoke(monkeypatch) -> Paper:
    monkeypatch.chdir(ROOT)
    return open_profile("smoke").paper


def test_the_papers_costs_are_those_of_its_networks():
    cost = RESNET50
    assert cost.parameters == 25_557_032 and cost.tensors == 161
    assert cost.points == 91
    assert trajectory_bytes(cost) == 91 * 25_557_032 * 4
    images = 90 * (1_281_167 // 256) * 256
    assert cost.decoded == images + 90 * 50_000
    assert cost.flops == pytest.approx(24.3e9 * (images + 90 * 50_000 / 3), rel=0.01)


def test_a_runs_precision_and_its_cores_bound_it():
    hours = {
        precision: costs.training(replace(RESNET50, precision=precision), 16, True).seconds / 3600
        for precision in costs.PUBLISHED
    }
    # As NVIDIA states for 90 epochs.
    assert hours == {"float32": approx(92), "tf32": approx(36), "bf16": approx(14)}
    wide, narrow = (costs.training(RESNET50, threads, True) for threads in (16, 4))
    assert narrow.seconds - costs.START_SECONDS == pytest.approx(RESNET50.decoded / 1200)
    assert narrow.bound.startswith("reading bounds it: 4 cores read 1,200 images/s, a GPU computes 2,5")
    assert wide.bound.startswith("computing bounds it: 16 cores read 4,800 images/s")
    assert wide.rates == (costs.gpu_rate("bf16", None)[1], costs.STEP_SOURCE, costs.DECODE_SOURCE)
    assert not costs.training(PAPER.config.tasks["vgg16-cifar10"].cost(), 1, True).bound
    twice = costs.training(RESNET50, 16, True, 2 * costs.gpu_rate("tf32", None)[0])
    assert twice.seconds == pytest.approx(3600 * hours["tf32"] / 2, rel=0.01)


def approx(hours: float):
    return pytest.approx(hours, rel=0.1)


def test_an_update_of_sam_costs_two_passes():
    task = PAPER.config.tasks["resnet50-imagenet-sam"]
    images, tested = task.steps() * 256, 90 * 50_000 / 3
    ratio = task.cost().flops / RESNET50.flops
    assert ratio == pytest.approx((2 * images + tested) / (images + tested))
    assert task.cost().decoded == RESNET50.decoded  # each image is read once
    still = vary(task, {"rho": 0}, "")[1]
    assert still.cost() == RESNET50


def test_points_in_steps():
    assert PAPER.config.tasks["vgg16-cifar10-steps"].cost().points == 161


def finished(folder: Path, task: Origin, run: str, seconds: float, logged: float = 0) -> None:
    """A finished run as the workflow leaves it."""
    made = folder / "runs" / run
    made.mkdir(parents=True)
    (made / "settings.yaml").write_text(yaml.safe_dump({"run": run} | task.resolved()))
    (made / "log.csv").write_text(f"epoch,seconds\n1,{logged}\n")
    for rule in "train", "kernel":
        path = folder / "benchmarks" / rule / f"{run}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0\n")


def longer(task: Origin, **recipe) -> Origin:
    return type(task).model_validate(task.model_dump() | {"recipe": task.recipe.model_dump() | recipe})


def test_finished_runs_are_measured_and_scaled(tmp_path, monkeypatch):
    tasks = smoke(monkeypatch).config.tasks
    task = tasks["resnet20-digits"]
    finished(tmp_path, task, "resnet20-digits/default/seed0", 30, logged=20)
    finished(tmp_path, task, "resnet20-digits/default/seed1", 4, logged=20)  # its last attempt took 4
    found = read_measured(tmp_path, "train")
    assert seconds_of(found, task, "train") == [30, 20 + costs.START_SECONDS]
    assert measured(found, longer(task, length=12), "train")[:2] == (pytest.approx(60), 2)
    assert measured(found, tasks["vgg16-digits"], "train") is None
    # A kernel's benchmark is not compared with the log.
    assert seconds_of(read_measured(tmp_path, "kernel"), task, "kernel") == [30, 4]


def seconds_of(found: list[tuple], task: Origin, rule: str) -> list[float]:
    return [pytest.approx(rate * work_of(task, rule)[2]) for *_, rate in found]


def test_steps_of_the_same_size_go_before_others(tmp_path, monkeypatch):
    task = smoke(monkeypatch).config.tasks["resnet20-digits"]
    finished(tmp_path, task, "resnet20-digits/default/seed0", 10)
    finished(tmp_path, longer(task, batch_size=16), "resnet20-digits/batch_size=16/seed0", 40)
    found = read_measured(tmp_path, "train")
    assert measured(found, task, "train")[:2] == (pytest.approx(10), 1)
    assert measured(found, longer(task, batch_size=32), "train")[:2] == (pytest.approx(25), 2)


def test_a_damaged_benchmark_is_left_out(tmp_path, monkeypatch):
    task = smoke(monkeypatch).config.tasks["resnet20-digits"]
    finished(tmp_path, task, "resnet20-digits/default/seed0", 10)
    next((tmp_path / "benchmarks/train").rglob("*.tsv")).write_text("s\n-\n")
    assert read_measured(tmp_path, "train") == []


class Fetched(Origin):
    """A run of some other origin, which has steps and no FLOPs."""

    length: int

    def modules(self):
        return []

    def steps(self):
        return self.length

    def time(self):
        raise AssertionError("an estimate asks for the cost alone")

    def describe(self):
        return "fetched"

    def cost(self):
        return Cost(points=self.length, parameters=10, tensors=2, steps=self.length, flops=0)

    def make(self, making):
        raise AssertionError("a plan makes nothing")


def test_an_origin_without_flops_is_scaled_by_its_steps():
    ten, twenty = Fetched(length=10), Fetched(length=20)
    alike, step, amount = work_of(ten, "train")
    assert measured([(alike, step, 5.0 / amount)], twenty, "train")[:2] == (10.0, 1)
    assert measured([(alike, step, 0.5)], PAPER.config.tasks["vgg16-cifar10"], "train") is None


def planned(
    tmp_path: Path, gpus: int, runtime: int = 600, keep: bool = True, flops: float | None = None, **keys
) -> Plan:
    """The plan of three training jobs, one done, and a kernel."""
    config = PAPER.config.model_copy(update={"results": str(tmp_path), "keep_trajectories": keep})
    results = Results(Paper(config, PAPER.experiments), ROOT)
    names = [name for name in PAPER.runs if name.startswith("resnet50-imagenet")]
    asks = {"gpu": 1, "runtime": runtime}
    jobs = [
        Job("train", names[0], "not made yet", 16, asks),
        Job("train", names[1], None, 16, asks),
        Job("train", names[2], "training/loop.py changed", 16, asks, own=True),
        Job("kernel", names[0], "train runs again", 4, {}),
    ]
    profile = Profile("slurm", {"executor": "hallmarks-slurm", "retries": 3} | keys, results, [])
    return Plan([*map(Estimator(results, flops), jobs)], profile, gpus)


def test_the_table_adds_up(tmp_path):
    plan = planned(tmp_path, gpus=1)
    longest, kernel = plan.jobs[0].seconds, plan.jobs[3]
    text = render_plan(plan, ["all"])
    train = next(line for line in text.splitlines() if line.startswith("train"))
    assert train.split()[2:5] == ["3", "1", f"{2 * longest / 3600:.1f}"]
    assert "stated" in train and "1 training/loop.py changed" in train and "1 not made yet" in train
    assert spent(plan.jobs[:1]) == (f"{longest / 3600:.1f}", "")
    assert spent([kernel]) == ("", hours(4 * kernel.seconds / 3600))
    assert plan.seconds == pytest.approx(2 * longest + kernel.seconds)
    assert left(plan.jobs, True) == 3 * trajectory_bytes(RESNET50) + kernel.bytes < plan.peak(True)
    assert left(plan.jobs, False) == kernel.bytes
    assert planned(tmp_path, gpus=2).seconds == pytest.approx(longest + kernel.seconds)
    assert "resnet50-imagenet: computing bounds it: 16 cores read 4,800 images/s" in text
    assert "NVIDIA" in text and "2 of 4 attempts" in text and "raise runtime" not in text
    assert f"training/loop.py changed: 1 run, {longest / 3600:.1f} GPU h" in text
    assert '`hallmarks accept all --profile slurm --why "…"` keeps' in text


def test_removed_trajectories_are_not_counted_at_rest(tmp_path):
    trajectory, state = trajectory_bytes(RESNET50), 3 * 2 * 4 * RESNET50.parameters
    kept, removed = (planned(tmp_path, gpus=1, keep=keep) for keep in (True, False))
    # Two states and one being written: weights and momentum.
    assert kept.in_progress == removed.in_progress == trajectory + state
    kernel = kept.jobs[3].bytes
    assert removed.peak(False) >= kernel + trajectory + state  # of the one run in progress
    assert removed.to_come == removed.peak(False)  # what is done may be removed already
    assert kept.to_come == kept.peak(True) - trajectory
    for plan, rest in (kept, kernel + 3 * trajectory), (removed, kernel):
        text = render_plan(plan, ["all"])
        assert f"Disk: {size(rest)} at rest, " in text
        assert f"keep_trajectories: false saves {size(3 * trajectory)} at rest" in text
    assert next(line for line in text.splitlines() if line.startswith("train")).count(" 0 B ") == 1


def test_the_speed_of_a_gpu_can_be_given(tmp_path):
    usual, slow = (planned(tmp_path, gpus=1, flops=flops) for flops in (20e12, 10e12))
    assert slow.jobs[0].seconds == pytest.approx(2 * usual.jobs[0].seconds, rel=0.01)
    text = render_plan(slow, ["all"])
    assert "10 TFLOP/s on a GPU, as given" in text and "NVIDIA" not in text


def test_a_limit_that_the_retries_do_not_reach_is_named(tmp_path):
    plan = planned(tmp_path, gpus=1, runtime=240, retries=1)
    attempts = plan.jobs[0].attempts
    assert attempts == math.ceil(plan.jobs[0].seconds / (235 * 60))
    assert f"{attempts} of 2 attempts; raise runtime or retries" in render_plan(plan, ["all"])


def test_makespan_and_units():
    assert makespan([3, 3, 2, 2, 2], 2) == 7
    assert (duration(12), duration(240), duration(3600 * 37 + 600)) == ("12 s", "4 min", "37 h 10 min")
    assert (size(512), size(9.3e9)) == ("512 B", "9.3 GB")
    assert (number(1, "studies"), number(2, "runs"), number(1, "runs")) == ("1 study", "2 runs", "1 run")


def test_a_profile_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="--profile slum: there is none; there are .*smoke"):
        open_profile("slum")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(profile, "CLONE", tmp_path)
    with pytest.raises(UserError, match="has no Snakefile"):
        open_profile("smoke")


@pytest.mark.parametrize("name", ["smoke", "profiles/smoke", "profiles/smoke/profile.yaml"])
def test_a_profile_is_found_as_snakemake_finds_it(tmp_path, monkeypatch, name, capsys):
    here, absolute = open_from(ROOT, name, monkeypatch), open_from(ROOT, ROOT / name, monkeypatch)
    elsewhere = open_from(tmp_path, name, monkeypatch)
    for found in here, absolute, elsewhere:
        assert found.paper.config.scale == "smoke" and found.results.root == ROOT
        assert found.results.folder == Path("results/smoke")
    assert f"the workflow of {ROOT}" in capsys.readouterr().err


def open_from(folder: Path, name: str | Path, monkeypatch) -> Profile:
    monkeypatch.chdir(folder)
    return open_profile(str(name))


def test_other_overlays_may_be_given(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    over = tmp_path / "over.yaml"
    over.write_text("results: elsewhere\n")
    found = open_profile("smoke", [Path("config/smoke.yaml"), over])
    assert found.results.folder == Path("elsewhere")
    assert found.arguments[-3:] == ["--configfile", "config/smoke.yaml", str(over)]


WORKFLOW = """
rule all:
    input: "b"
rule first:
    input: "source"
    output: "a"
    params: settings=config.get("settings", 1)
    shell: "cp {input} {output}"
rule second:
    input: "a"
    output: "b"
    resources: gpu=2
    shell: "cp {input} {output}"
"""
ASK = """
import json
from hallmarks.planning.jobs import plan_jobs
from hallmarks.planning.profile import Profile
jobs = plan_jobs(Profile("plain", {}, None, ["--profile", "plain"]), [])
print(json.dumps({job.rule: [job.reason, job.resources.get("gpu")] for job in jobs}))
"""


def asked(folder: Path, **profile: object) -> subprocess.CompletedProcess:
    """What `plan_jobs` says of the small workflow in a folder, by a profile with these keys."""
    (folder / "plain").mkdir(exist_ok=True)
    (folder / "plain/profile.yaml").write_text(yaml.safe_dump({"keep-going": True} | profile))
    (folder / "Snakefile").write_text(WORKFLOW)
    return subprocess.run([sys.executable, "-c", ASK], cwd=folder, capture_output=True, text=True)


def reasons(folder: Path) -> dict:
    return json.loads(asked(folder).stdout)


def test_why_jobs_run(tmp_path):
    (tmp_path / "source").write_text("1")
    assert reasons(tmp_path) == {"first": ["not made yet", None], "second": ["not made yet", 2]}
    command = [sys.executable, "-m", "snakemake", "--profile", "plain", "--cores", "1", "-q", "all"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert reasons(tmp_path) == {"first": [None, None], "second": [None, 2]}
    (tmp_path / "source").write_text("2")
    assert reasons(tmp_path) == {"first": ["changed: source", None], "second": ["first runs again", 2]}


def test_what_snakemake_cannot_plan_is_one_line(tmp_path):
    said = asked(tmp_path).stderr.splitlines()[-1]
    assert "UserError: Snakemake cannot plan all: Missing input files for rule first:" in said
    for key, line in {"nonsense": "unrecognized arguments: --nonsense=", "groups": "Invalid groups"}.items():
        said = asked(tmp_path, **{key: ["1"]}).stderr.splitlines()[-1]
        assert f"UserError: --profile plain: {line}" in said


def test_the_command_plans_a_figure():
    command = [sys.executable, "-m", "hallmarks.cli", "plan", "fig12", "--profile", "smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    train = next(line.split() for line in done.stdout.splitlines() if line.startswith("train"))
    assert train[1:3] == ["resnet20-digits", "8"]
    assert "Wall time on this machine" in done.stdout and "Disk:" in done.stdout


def test_a_target_that_is_none_names_what_would_do():
    for target, hint in {"fig99": "did you mean fig", "nothing": "there are train_all, "}.items():
        command = [sys.executable, "-m", "hallmarks.cli", "plan", target, "--profile", "smoke"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2 and f"{target}: no such target; {hint}" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_plan_says_what_changed_and_what_it_costs(project, tmp_path):
    made, project = project, Project(tmp_path)
    project.take(made)
    clean = project.run("hallmarks", "plan", "fig2", "--profile", "smoke").stdout
    assert "changed" not in clean and "accept" not in clean
    loop = project.folder / "src/hallmarks/training/loop.py"
    loop.write_text(loop.read_text() + "\n# A comment.\n")
    assert project.run("hallmarks", "plan", "fig2", "--profile", "smoke").stdout == clean
    loop.write_text(loop.read_text() + "\nCHANGED = 1\n")
    said = project.run("hallmarks", "plan", "fig2", "--profile", "smoke").stdout
    lines = said.splitlines()
    assert next(line for line in lines if line.startswith("train ")).endswith("  training/loop.py changed")
    assert next(line for line in lines if line.startswith("kernel ")).endswith("  train runs again")
    assert next(line for line in lines if line.startswith("figure ")).endswith(
        "  kernel and measure runs again"
    )
    [cost] = [line for line in lines if line.startswith("training/loop.py changed: 2 runs, ")]
    assert cost.endswith(" core h") and "measured, " in said and "settings/" not in said
    accept = ["accept", "fig2", "--profile", "smoke", "--why", "it changes nothing"]
    assert " ".join(accept[:4]) in said
    preview = project.run("hallmarks", *accept[:4], "--dry-run").stdout
    assert preview.count(": stands (training/loop.py changed)") == 2 and preview.endswith(
        "\n2 would be accepted\n"
    )
    assert not [*(project.folder / "results").rglob("accepted.json")]
    assert project.run("hallmarks", *accept).returncode == 0
    said = project.run("hallmarks", "plan", "fig2", "--profile", "smoke").stdout
    assert "Accepted as they are: 2 runs." in said and "training/loop.py" not in said

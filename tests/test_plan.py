"""hallmarks plan: the workflow's jobs with their reasons, and estimates that say where they come from."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hallmarks.runs.expand import expand

from hallmarks.config.load import load
from hallmarks.config.types import Task
from hallmarks.errors import UserError
from hallmarks.planning import benchmarks
from hallmarks.planning.costs import GPU_FLOPS, Cost
from hallmarks.planning.estimates import Estimator
from hallmarks.planning.jobs import Job
from hallmarks.planning.profile import Profile, open_profile
from hallmarks.planning.table import make_plan, makespan, render
from hallmarks.planning.text import duration, size

ROOT = Path(__file__).parents[1]
PAPER = load([ROOT / "config.yaml"])
SMOKE = load([ROOT / "config.yaml", ROOT / "config/smoke.yaml"])
RESNET50 = PAPER.tasks["resnet50-imagenet"]


def test_the_papers_costs_are_those_of_its_networks():
    cost = Cost(RESNET50)
    assert cost.network.parameters == 25_557_032 and cost.network.tensors == 161
    assert cost.network.flops == pytest.approx(24.3e9, rel=0.01)
    assert cost.points == 91
    assert cost.trajectory_bytes == 91 * 25_557_032 * 4
    assert cost.images == 90 * (1_281_167 // 256) * 256
    hours = cost.training_seconds(16, 22.8e12) / 3600
    assert hours == pytest.approx(36, rel=0.1)  # as NVIDIA states for 90 epochs in TF32
    assert cost.training_seconds(1, 22.8e12) > 2 * cost.training_seconds(16, 22.8e12)  # decoding limits


def test_points_in_steps():
    assert Cost(PAPER.tasks["vgg16-cifar10-steps"]).points == 161


def finished(folder: Path, task: Task, run: str, seconds: float, logged: float = 0) -> None:
    """A finished run as the workflow leaves it."""
    made = folder / "runs" / run
    made.mkdir(parents=True)
    (made / "settings.yaml").write_text(yaml.safe_dump(task.model_dump(exclude={"choices"}) | {"run": run}))
    (made / "log.csv").write_text(f"epoch,seconds\n1,{logged}\n")
    for rule in "train", "kernel":
        path = folder / "benchmarks" / rule / f"{run}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0\n")


def test_finished_runs_are_measured_and_scaled(tmp_path):
    task = SMOKE.tasks["resnet20-digits"]
    finished(tmp_path, task, "resnet20-digits/default/seed0", 10)
    finished(tmp_path, task, "resnet20-digits/default/seed1", 4, logged=10)  # its last attempt took 4
    measured = benchmarks.read(tmp_path, "train")
    longer = task.model_copy(update={"recipe": task.recipe.model_copy(update={"length": 12})})
    assert benchmarks.estimate(measured, longer, "train") == (pytest.approx(20), 2)
    assert benchmarks.estimate(measured, SMOKE.tasks["vgg16-digits"], "train") is None


def test_a_damaged_benchmark_is_left_out(tmp_path):
    finished(tmp_path, SMOKE.tasks["resnet20-digits"], "resnet20-digits/default/seed0", 10)
    next((tmp_path / "benchmarks/train").rglob("*.tsv")).write_text("s\n-\n")
    assert benchmarks.read(tmp_path, "train") == []


def planned(
    tmp_path: Path, gpus: int, runtime: int = 1440, keep: bool = True, flops: float = GPU_FLOPS, **keys
):
    """The plan of two training jobs, one done, and a kernel."""
    config = PAPER.model_copy(update={"results": str(tmp_path), "keep_trajectories": keep})
    names = [name for name in expand(PAPER) if name.startswith("resnet50-imagenet")]
    asks = {"gpu": 1, "runtime": runtime}
    jobs = [
        Job("train", {"run": names[0]}, ["a"], "not made yet", 16, asks),
        Job("train", {"run": names[1]}, ["b"], None, 16, asks),
        Job("train", {"run": names[2]}, ["c"], "settings changed", 16, asks),
        Job("kernel", {"run": names[0]}, ["d"], "train runs again", 4, {}),
    ]
    profile = Profile("slurm", {"executor": "hallmarks-slurm", "retries": 3} | keys, config)
    return make_plan(jobs, Estimator(config, flops), profile, gpus), profile


def test_the_table_adds_up(tmp_path):
    plan, profile = planned(tmp_path, gpus=1)
    train, kernel = plan.rows
    assert (train.jobs, train.done, train.source) == (3, 1, "stated")
    assert "1 settings changed" in train.why and "1 not made yet" in train.why
    assert train.gpu_hours == pytest.approx(2 * train.longest / 3600)
    assert kernel.gpu_hours == 0 and kernel.core_hours > 0
    assert plan.seconds == pytest.approx(2 * train.longest + kernel.longest)
    assert plan.rest == 3 * Cost(RESNET50).trajectory_bytes + kernel.bytes
    assert plan.otherwise[1] == kernel.bytes and plan.peak > plan.rest
    assert planned(tmp_path, gpus=2)[0].seconds == pytest.approx(train.longest + kernel.longest)
    text = render(plan, profile)
    assert "NVIDIA" in text and "2 attempts" in text and "raise runtime" not in text


def test_removed_trajectories_are_not_counted_at_rest(tmp_path):
    trajectory, state = Cost(RESNET50).trajectory_bytes, Cost(RESNET50).state_bytes
    kept, removed = (planned(tmp_path, gpus=1, keep=keep) for keep in (True, False))
    kernel = kept[0].rows[1].bytes
    assert (removed[0].rest, removed[0].rows[0].bytes) == (kernel, 0)
    assert removed[0].peak >= kernel + trajectory + state  # of the one run in progress
    assert removed[0].to_come == removed[0].peak  # what is done may be removed already
    assert removed[0].otherwise == (kept[0].peak, kept[0].rest)
    assert kept[0].otherwise == (removed[0].peak, removed[0].rest)
    saved = f"saves {size(3 * trajectory)} at rest"
    assert f"with keep_trajectories: false, {size(kernel)} and" in render(*kept) and saved in render(*kept)
    assert "removed once its kernel exists" in render(*removed) and saved in render(*removed)


def test_the_speed_of_a_gpu_can_be_given(tmp_path):
    usual, slow = (planned(tmp_path, gpus=1, flops=flops) for flops in (GPU_FLOPS, GPU_FLOPS / 2))
    assert slow[0].rows[0].longest == pytest.approx(2 * usual[0].rows[0].longest, rel=0.01)
    assert "11.4 TFLOP/s on a GPU, as given" in render(*slow) and "NVIDIA" not in render(*slow)


def test_a_limit_that_the_retries_do_not_reach_is_named(tmp_path):
    plan, profile = planned(tmp_path, gpus=1, runtime=240, retries=1)
    assert plan.attempts["resnet50-imagenet"][2] == math.ceil(plan.rows[0].longest / (235 * 60))
    assert "the profile allows 2: raise runtime or retries" in render(plan, profile)


def test_makespan_and_units():
    assert makespan([3, 3, 2, 2, 2], 2) == 7
    assert (duration(12), duration(240), duration(3600 * 37 + 600)) == ("12 s", "4 min", "37 h 10 min")
    assert (size(512), size(9.3e9)) == ("512 B", "9.3 GB")


def test_a_profile_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="--profile slum: there is no .*; there are .*smoke"):
        open_profile("slum", ROOT)
    with pytest.raises(UserError, match="has no Snakefile"):
        open_profile("smoke", tmp_path)


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
import json, sys
from hallmarks.planning.jobs import plan_jobs
from hallmarks.planning.profile import Profile
jobs = plan_jobs(Profile("plain", {}, None), sys.argv[1:])
print(json.dumps({job.rule: [job.reason, job.resources.get("gpu")] for job in jobs}))
"""


def reasons(folder: Path) -> dict:
    asked = subprocess.run(
        [sys.executable, "-c", ASK], cwd=folder, check=True, capture_output=True, text=True
    )
    return json.loads(asked.stdout)


def test_why_jobs_run(tmp_path):
    (tmp_path / "Snakefile").write_text(WORKFLOW)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/profile.yaml").write_text("keep-going: true\n")
    (tmp_path / "source").write_text("1")
    assert reasons(tmp_path) == {"first": ["not made yet", None], "second": ["not made yet", 2]}
    command = [sys.executable, "-m", "snakemake", "--profile", "plain", "--cores", "1", "-q", "all"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert reasons(tmp_path) == {"first": [None, None], "second": [None, 2]}
    (tmp_path / "source").write_text("2")
    assert reasons(tmp_path) == {"first": ["changed: source", None], "second": ["first runs again", 2]}


def test_the_command_plans_a_figure():
    command = [sys.executable, "-m", "hallmarks.cli", "plan", "fig12", "--profile", "smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    train = next(line.split() for line in done.stdout.splitlines() if line.startswith("train"))
    assert train[1:3] == ["resnet20-digits", "8"]
    assert "Wall time on this machine" in done.stdout and "Disk:" in done.stdout


def test_an_unknown_target_is_one_line(tmp_path):
    (tmp_path / "Snakefile").write_text(WORKFLOW)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/profile.yaml").write_text("keep-going: true\n")
    asked = subprocess.run([sys.executable, "-c", ASK, "fig99"], cwd=tmp_path, capture_output=True, text=True)
    assert (
        "cannot plan fig99: MissingRuleException: No rule to produce fig99" in asked.stderr.splitlines()[-1]
    )

"""hallmarks status: what it reads from scratch, logs, results and the queue."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hallmarks.cluster.slurm import Queued, job_of, queued, submissions
from hallmarks.config.load import overlay, read_yaml
from hallmarks.planning.progress import leftovers_said, progress, render_progress
from hallmarks.runs.identity import SHORT, Identity
from hallmarks.runs.states import made_again_in
from hallmarks.workflow.accepting import accept_states
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.results import Result, Results

ROOT = Path(__file__).parents[1]
PAPER = open_paper(overlay(read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "config/smoke.yaml")), [])
RUN = PAPER.runs["resnet20-digits/momentum=0/seed1"]  # 6 epochs of 8 batches of 64
COLUMNS = "epoch,step,loss,train_accuracy,test_accuracy,learning_rate,images_per_second,seconds\n"
LINE = "{},{},2.3017,0.09,0.114,0.1,64,8\n"
OUTPUT = Path("scratch", RUN.name, "0123456789abcdef", "output")


def trajectory(folder: Path, steps: list[int], diverged: dict | None = None) -> None:
    folder.mkdir(parents=True)
    points = [
        {"file": "", "step": step, "epoch": step / 8, "learning_rate": 1, "bytes": 0, "sha256": ""}
        for step in steps
    ]
    content = {"points": points, "parameters": {}} | ({"diverged": diverged} if diverged else {})
    (folder / "trajectory.json").write_text(json.dumps(content))


def log(folder: Path, *epochs: int) -> Path:
    """The log of a run of 8 steps an epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.csv").write_text(COLUMNS + "".join(LINE.format(epoch, 8 * epoch) for epoch in epochs))
    return folder / "log.csv"


def look(folder: Path, jobs: list[Queued] = ()) -> dict[str, str]:
    return progress(RUN, folder / "results", folder / "scratch", list(jobs))


@pytest.fixture
def squeue(tmp_path):
    """Stands in for SLURM's command: `squeue(line, …)` is the PATH with one that prints these lines."""
    command = tmp_path / "bin/squeue"
    command.parent.mkdir()

    def write(*lines: str) -> str:
        command.write_text("\n".join(["#!/bin/sh", *(f'echo "{line}"' for line in lines), ""]))
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        return f"{command.parent}:{os.environ['PATH']}"

    return write


def test_nothing_yet(tmp_path):
    found = look(tmp_path)
    assert found["state"] == "waiting" and found["epoch"] == found["left"] == ""


def test_in_progress(tmp_path, monkeypatch):
    trajectory(tmp_path / OUTPUT / "trajectory", [0, 8, 16])
    os.utime(log(tmp_path / OUTPUT, 1, 2), (2e9, 2e9))
    monkeypatch.setattr(time, "time", lambda: 2e9 + 30)
    found = look(tmp_path)
    assert (found["state"], found["attempts"], found["last sign"]) == ("in progress", "1", "30 s ago")
    assert found["left"] == "32 s"  # 4 epochs of 8 batches, at 1 batch a second
    assert (found["epoch"], found["loss"], found["test %"], found["images/s"]) == (
        "2 of 6",
        "2.3017",
        "11.4",
        "64",
    )


def test_it_went_on_and_the_points_are_ahead_of_the_log(tmp_path):
    text = tmp_path / "results/logs/train" / f"{RUN.name}.log"
    text.parent.mkdir(parents=True)
    text.write_text(f"{RUN.name}: going on after step 16\n")
    trajectory(tmp_path / OUTPUT / "trajectory", [0, 8, 16, 24])
    log(tmp_path / OUTPUT, 1)
    found = look(tmp_path)
    assert (found["epoch"], found["attempts"], found["left"]) == ("3 of 6", "2 or more", "24 s")
    log(tmp_path / OUTPUT)
    assert look(tmp_path)["left"] == ""


def test_the_newest_of_several_states_counts(tmp_path):
    old, new = tmp_path / OUTPUT, tmp_path / "scratch" / RUN.name / "ffffffffffffffff" / "output"
    for folder, steps, written in [(old, [0, 8, 16], 2e9), (new, [0, 8], 2e9 + 60)]:
        trajectory(folder / "trajectory", steps)
        os.utime(folder / "trajectory/trajectory.json", (written, written))
    assert look(tmp_path)["epoch"] == "1 of 6"
    os.utime(log(old, 1, 2), (2e9 + 90, 2e9 + 90))
    assert look(tmp_path)["epoch"] == "2 of 6"


def test_a_run_without_epochs_shows_its_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(type(RUN.settings), "epoch", lambda settings: None)
    trajectory(tmp_path / OUTPUT / "trajectory", [0, 8])
    found = look(tmp_path)
    assert found["epoch"] == "8 of 48 steps" and found["left"] == ""


def test_what_is_set_aside_is_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = Results(PAPER, ROOT)
    assert leftovers_said(results) == ""
    wanted = results.identity(Result("runs", RUN.name))
    other = Identity(wanted.settings | {"seed": 7}, wanted.inputs, wanted.code)
    for state in wanted, other:
        folder = Path("scratch/smoke", RUN.name, state.key[:SHORT])
        state.write(folder / "identity.json")
        (folder / "states").mkdir()
        (folder / "states/state-000000008.pt").write_bytes(bytes(2_000_000))
    kept = Path("results/smoke/runs/resnet20-digits/momentum=0/superseded/seed1-0123456789abcdef/log.csv")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(3_000_000))
    said = leftovers_said(results)
    assert said.startswith("Set aside: 1 state of other settings, data or code, 2 MB in scratch/smoke ")
    assert "; 1 superseded run, 3 MB in results/smoke/runs/" in said and "\n" not in said
    again = made_again_in(Path("scratch/smoke"), RUN.name, wanted.key) / "output/states/state-000000008.pt"
    again.parent.mkdir(parents=True)
    again.write_bytes(bytes(4_000_000))
    assert "; states trained again for branches, 4 MB in scratch/smoke/.states, which" in leftovers_said(
        results
    )
    again.unlink()
    # Where the run has no state of its own, one that is accepted is gone on from.
    (Path("scratch/smoke") / RUN.name / wanted.key[:SHORT] / "identity.json").unlink()
    assert len(accept_states(results, Result("runs", RUN.name), "the seed's name alone")) == 1
    assert "state" not in leftovers_said(results)


def test_done_and_diverged(tmp_path):
    made = tmp_path / "results/runs" / RUN.name
    trajectory(made / "trajectory", [0, 48])
    log(made, 5, 6)
    said = look(tmp_path)
    assert (said["state"], said["epoch"], said["loss"]) == ("done", "6 of 6", "2.3017")
    assert (said["images/s"], said["test %"]) == ("64", "11.4")
    (made / "trajectory/trajectory.json").unlink()
    (made / "trajectory").rmdir()
    trajectory(made / "trajectory", [0], {"epoch": 0.5, "step": 4, "learning_rate": 1})
    assert (look(tmp_path)["state"], look(tmp_path)["epoch"]) == ("diverged", "0.5 of 6")


def test_a_damaged_file_is_no_traceback(tmp_path):
    folder = tmp_path / OUTPUT / "trajectory"
    folder.mkdir(parents=True)
    (folder / "trajectory.json").write_text('{"points": [')
    (folder.parent / "log.csv").write_text(COLUMNS + "1,8")
    assert look(tmp_path)["state"] == "waiting"


def test_the_queue(squeue, monkeypatch):
    comment = "rule_train_wildcards_resnet20-digits_momentum=0_seed1"
    told = ["7|PENDING||Priority|x|/here", "8|RUNNING|n1|None|x|/here", "9|RUNNING|n2|None|y|/elsewhere"]
    monkeypatch.setenv("PATH", squeue(*(f"{line}|{comment}" for line in told)))
    jobs = queued(Path("/here"))
    assert jobs[0] == Queued("7", "PENDING", "Priority", "x", comment) and len(jobs) == 2
    assert job_of(RUN.name, jobs).node == "n1"
    assert job_of("resnet20-digits/default/seed0", jobs) is None


def test_submissions_are_counted(tmp_path):
    folder = tmp_path / "slurm_logs/rule_train/resnet20-digits_momentum=0_seed1"
    folder.mkdir(parents=True)
    for job in "12":
        (folder / f"{job}.log").touch()
    assert submissions(RUN.name, tmp_path) == 2


def test_the_table(tmp_path):
    trajectory(tmp_path / OUTPUT / "trajectory", [0, 24])
    log(tmp_path / OUTPUT, 3)
    text = render_progress([look(tmp_path), look(tmp_path / "other")])
    assert "3 of 6" in text and "24 s" in text and text.endswith("2 runs: 1 in progress, 1 waiting")


def command(folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """`hallmarks status` of a clone whose profile runs on SLURM."""
    for name in ["config.yaml", "config", "Snakefile"]:
        (folder / name).symlink_to(ROOT / name)
    (folder / "slurm").mkdir()
    (folder / "slurm/profile.yaml").write_text(
        "executor: hallmarks-slurm\nconfigfile: ../config/smoke.yaml\n"
    )
    return subprocess.run(
        [sys.executable, "-m", "hallmarks.cli", "status", "--profile", "slurm"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_the_command_asks_the_queue(tmp_path, squeue):
    job = "rule_train_wildcards_resnet20-digits_momentum=0_seed1"
    done = command(tmp_path, PATH=squeue(f"8|RUNNING|n1|None|x|$PWD|{job}"))
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith(RUN.name))
    assert "running" in line and line.endswith("n1")
    assert "Queue: 1 running" in done.stdout


def test_without_a_queue_it_says_so(tmp_path):
    done = command(tmp_path, PATH=str(tmp_path))
    assert "The queue is not shown: squeue is not installed here" in done.stdout

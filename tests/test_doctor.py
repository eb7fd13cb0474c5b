"""hallmarks doctor: each thing that can be wrong is found and says what to do."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from hallmarks.checks import Check, doctor, node, render_checks
from hallmarks.checks.doctor import (
    check_account,
    check_partition,
    check_plan,
    check_site,
    check_versions,
    examine,
)
from hallmarks.checks.node import check_node, check_room, launcher, unreadable
from hallmarks.cluster.slurm import partitions
from hallmarks.config.load import load_configuration
from hallmarks.config.types import Config
from hallmarks.errors import UserError
from hallmarks.planning.jobs import Job
from hallmarks.planning.plan import Plan
from hallmarks.planning.profile import Profile
from hallmarks.workflow.paper import Paper
from hallmarks.workflow.results import Results

ROOT = Path(__file__).parents[1]
PAPER = load_configuration([ROOT / "config.yaml"])
ASKS = {"gpu": 1, "runtime": 120, "slurm_account": "lab", "slurm_partition": "gpu"}
TRAIN = Job("train", "resnet50-imagenet/default/seed0", "not made yet", 8, ASKS)


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Stands in for commands of SLURM: `commands(sinfo="echo up")`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(**scripts: str) -> None:
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)

    return write


def plan_of(*jobs: Job, config: Config = PAPER, **keys: int) -> Plan:
    return Plan(list(jobs), Profile("plain", keys, Results(Paper(config, {}), ROOT), []), 1)


def failed(checks: Iterable[Check]) -> list[str]:
    return [check.name for check in checks if check.remedy]


def test_versions(tmp_path):
    lock = tmp_path / "lock.txt"
    installed = "numpy>=1 \\\n    --hash=sha256:00\nnumpy==0 ; python_full_version < '3'\n# via\n"
    lock.write_text(installed)
    assert check_versions(lock) == Check("versions", f"1 packages as in {lock}")
    lock.write_text(installed + "pandas==0.1\nno-such-package==1\n")
    check = check_versions(lock)
    assert "pandas is " in check.found and ", not 0.1, no-such-package is missing" in check.found
    assert "make install" in check.remedy
    assert check_versions(tmp_path / "none").remedy


def test_the_lock_of_this_clone_is_read():
    lines = (ROOT / "envs/requirements.txt").read_text().splitlines()
    expected = sum(line[:1].isalnum() for line in lines)
    assert expected > 100 and "packages as in" in check_versions(ROOT / "envs/requirements.txt").found


def test_data_and_scratch_paths(tmp_path):
    assert unreadable(tmp_path / "none").endswith("No such file or directory")
    (tmp_path / "set/train").mkdir(parents=True)
    assert unreadable(tmp_path / "set") == "holds no files"
    (tmp_path / "set/train/image").write_bytes(b"x")
    assert unreadable(tmp_path / "set") == ""
    assert not check_room("scratch", tmp_path / "new/scratch", 0).remedy
    assert list((tmp_path / "new/scratch").iterdir()) == []
    check = check_room("scratch", tmp_path / "set/train/image/scratch", 0)
    assert check.found.endswith("cannot be made (Not a directory)") and "every node can write" in check.remedy


def test_limits_of_time():
    long = replace(TRAIN, seconds=36000, resources={"runtime": 60})
    plan = [long, replace(TRAIN, seconds=3000), TRAIN]
    [check] = check_plan(plan_of(*plan, retries=3))
    assert check.found.startswith("resnet50-imagenet: 10 h 0 min in jobs of at most 1 h 0 min")
    assert "11 of 4 attempts" in check.found and "retries" in check.remedy
    assert failed(check_plan(plan_of(*plan, retries=10))) == []
    assert list(check_plan(plan_of(TRAIN))) == [Check("time limits", "every run fits into one job")]


def test_an_account_that_is_not_ones_own(commands):
    commands(sacctmgr="echo other; echo mine")
    assert "mine, other" in check_account("lab").remedy
    commands(sacctmgr="echo lab")
    assert not check_account("lab").remedy
    commands(sacctmgr="exit 1")  # no accounting: the job tells
    assert not check_account("lab").remedy


@pytest.mark.parametrize(
    ("sinfo", "found"),
    [
        ("gpu|up|1-00:00:00|gpu:2", "is up, for jobs of up to 24 h 0 min"),
        ("gpu|up|30:00|gpu:2", "ends jobs after 30 min, 2 h 0 min are asked for"),
        ("gpu|up|infinite|gpu:a100:4(S:0)\ngpu|up|infinite|(null)", "is up, without a limit"),
        ("cpu|up|infinite|gpu:2\ngpus|up|infinite|gpu:2", "does not exist"),
        ("gpu|down|infinite|gpu:2", "is down"),
        ("gpu|up|infinite|(null)\ncpu|up|infinite|gpu:2", "has no GPUs"),
        ("gpu|up|1:00:00|gpu:2", "ends jobs after 1 h 0 min, 2 h 0 min are asked for"),
    ],
)
def test_partitions(commands, sinfo, found):
    commands(sinfo=f'echo "{sinfo}"')
    check = check_partition("gpu", partitions(), [TRAIN])
    assert check.found == found and bool(check.remedy) == (not found.startswith("is up"))


def test_no_slurm_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="sinfo is not installed here"):
        list(check_site([TRAIN]))
    monkeypatch.chdir(tmp_path)
    *_, last = examine(plan_of(TRAIN, executor="hallmarks-slurm"), 1)
    assert last.found == "sinfo is not installed here" and "login node" in last.remedy


def test_the_job_asks_as_the_training_does():
    command = launcher(TRAIN)
    assert {"--account=lab", "--partition=gpu", "--gpus=1"} < set(command)
    typed = Job("train", "", None, 1, ASKS | {"gpu_model": "a100"})
    assert "--gpus=a100:1" in launcher(typed)


def test_what_a_job_finds(tmp_path, monkeypatch):
    asked = {
        "name": "a job",
        "gpu": True,
        "data": {"cifar10": str(ROOT)},
        "scratch": str(tmp_path / "scratch"),
    }
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(node, "wrong_on_gpu", lambda: "")
    assert failed(node.examine(**asked, needed=0)) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(node, "wrong_on_gpu", lambda: "sees no GPU")
    asked["data"] = {"cifar10": str(tmp_path / "gone")}
    assert failed(node.examine(**asked, needed=10**18)) == [
        "GPU",
        "data cifar10",
        "scratch",
    ]
    asked = {"name": "a job", "gpu": False, "data": {}, "scratch": "/proc/scratch", "needed": 0}
    assert failed(node.examine(**asked)) == ["scratch"]


def test_a_job_that_fails_or_waits(commands):
    commands(srun="echo 'srun: error: Invalid account' >&2; exit 1")
    [check] = check_node(TRAIN, 60, {}, "scratch", 0)
    assert check.found == "srun: error: Invalid account" and check.remedy
    commands(srun="exec sleep 60")
    [check] = check_node(TRAIN, 0.2, {}, "scratch", 0)
    assert "did not start" in check.found and "--wait" in check.remedy


def test_imagenet_needs_a_path():
    job = Job("data", "imagenet", "not made yet", 1, {})
    assert failed(check_plan(plan_of(job))) == ["data imagenet"]
    assert failed(check_plan(plan_of(replace(job, reason=None), replace(job, name="cifar10")))) == []
    configured = PAPER.model_copy(update={"data": {"imagenet": "/images"}})
    assert failed(check_plan(plan_of(job, config=configured))) == []


def test_configured_folders_of_sets_in_use_are_looked_at(tmp_path, monkeypatch):
    config = PAPER.model_copy(update={"data": {"imagenet": "/nowhere", "cifar10": str(tmp_path)}})
    job = Job("data", "imagenet", "not made yet", 1, {})
    monkeypatch.setattr(doctor, "check_node", lambda job, wait, data, *_: [Check(str(job), str(data))])
    monkeypatch.chdir(tmp_path)
    *_, last = examine(plan_of(job, config=config), 60)
    assert last == ("None", "{'imagenet': '/nowhere'}", "")


def test_rendering():
    text = render_checks([Check("a", "fine"), Check("longer", "bad", "do this")])
    assert text.splitlines()[1:3] == ["FAIL  longer  bad", "              → do this"]
    assert text.endswith("2 checks, 1 failed")


def test_the_command_on_this_machine(tmp_path):
    for name in ["config.yaml", "config", "Snakefile", "profiles", "workflow", "notebooks", "envs"]:
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "hallmarks.cli", "doctor", "--profile", "profiles/smoke"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode in {0, 1}, done.stderr  # 1 where versions differ from the lock
    assert [line[:4] for line in lines if "scratch" in line or "this machine" in line] == ["ok  ", "ok  "]
    assert not any("SLURM" in line for line in lines)

"""What the house understands of SLURM's answers, and the executor that Snakemake finds. See tests/slurm."""

from pathlib import Path

import pytest
import yaml
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

from hallmarks.cluster.slurm import ask, runs, states
from hallmarks.errors import UserError

PROFILE = yaml.safe_load((Path(__file__).parents[1] / "profiles/slurm/profile.yaml").read_text())
AWAY = "echo 'error: Unable to contact slurm controller (connect failure)' >&2; exit 1"
FORGOTTEN = "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1"


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Stands in for commands of SLURM: `commands(squeue="echo 7")`; those not named are not installed."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(**scripts: str) -> None:
        for name in ("squeue", "sacct"):
            (tmp_path / name).write_text(f"#!/bin/sh\n{scripts.get(name, AWAY)}\n")
            (tmp_path / name).chmod(0o755)

    return write


def test_an_answer_is_lines_and_silence_is_one_line(commands):
    commands(squeue="echo 7; echo 8")
    assert ask("squeue") == ["7", "8"]
    commands(squeue=FORGOTTEN)
    assert ask("squeue", "--jobs", "7") == []
    commands(squeue=AWAY)
    with pytest.raises(UserError, match="squeue: error: Unable to contact slurm controller"):
        ask("squeue")
    with pytest.raises(UserError, match="no-such-command is not installed here"):
        ask("no-such-command")


def test_a_cancelled_job_is_known_by_its_first_word(commands):
    commands(sacct='echo "7|CANCELLED by 0"; echo "8|COMPLETED"')
    assert states("x") == {"7": "CANCELLED", "8": "COMPLETED"}


@pytest.mark.parametrize("state", ["PREEMPTED", "NODE_FAIL"])
def test_of_an_interrupted_job_the_controller_knows_more(commands, state):
    """It waits in the queue again, has ended well meanwhile, is lost, or is known to accounting alone."""
    jobs = {"6": state, "7": state, "8": state, "9": "RUNNING", "10": state}
    now = {"7": state, "8": "PENDING", "9": "COMPLETED", "10": "COMPLETED"}
    lines = ["; ".join(f'echo "{job}|{each}"' for job, each in answer.items()) for answer in (jobs, now)]
    commands(sacct=lines[0], squeue=lines[1])
    assert states("x") == {"6": state, "7": state, "8": "PENDING", "9": "RUNNING", "10": "COMPLETED"}


def test_where_accounting_is_silent_the_controller_is_asked(commands):
    commands(squeue='echo "7|RUNNING"')
    assert states("x") == {"7": "RUNNING"}
    commands()
    with pytest.raises(UserError):
        states("x")


def test_whether_a_job_still_runs(commands, monkeypatch):
    for answer, expected in {
        "echo RUNNING": True,
        "echo PENDING": False,
        ":": False,
        FORGOTTEN: False,
    }.items():
        commands(squeue=answer)
        assert runs("7") is expected
    commands()
    assert runs("7")  # nobody answers
    monkeypatch.setenv("PATH", "/nowhere")
    assert not runs("7")


def test_snakemake_finds_the_executor_and_the_profile_sets_what_it_has():
    plugin = ExecutorPluginRegistry().get_plugin(PROFILE["executor"])
    known = {each["cliarg"].removeprefix("--") for each in plugin.get_settings_info()}
    assert {key for key in PROFILE if key.startswith("hallmarks-slurm-")} <= known
    with pytest.raises(WorkflowError, match="each job by itself"):
        plugin.settings_cls(array_jobs="train")

"""An attempt goes on where one of the same identity left off, and throws away nothing of another."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hallmarks import cli
from hallmarks.data.prepare import prepare
from hallmarks.runs.acceptance import accept, read_acceptances
from hallmarks.runs.identity import SHORT, Identity
from hallmarks.training.lease import Lease
from hallmarks.trajectory.reader import read_trajectory

RUN = "digits/default/seed0"
SETTINGS = {
    "data": {"name": "digits", "training_images": 64, "test_images": 10},
    "model": {"name": "resnet20", "width": 1},
    "recipe": {"optimizer": {"learning_rate": 0.1}, "batch_size": 32, "length": 2},
}
OTHER = SETTINGS | {"recipe": SETTINGS["recipe"] | {"optimizer": {"learning_rate": 0.2}}}


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    prepare("digits", None, folder := tmp_path_factory.mktemp("data") / "digits")
    return folder


@pytest.fixture
def train(digits, tmp_path, monkeypatch):
    """The command, stopped after its first step or not."""
    saved = signal.getsignal(signal.SIGTERM)

    def run(settings: dict, stopped: bool = False, again: str = "") -> int:
        told = {"settings": settings, "again": again}
        (tmp_path / "settings.json").write_text(json.dumps(told))
        words = ["train", RUN, "--settings", tmp_path / "settings.json", "--data", digits, "--threads", 1]
        with monkeypatch.context() as patched:
            if stopped:
                patched.setattr(Lease, "check", lambda lease: True)
            return cli.main(
                [*map(str, words), "--scratch", str(tmp_path / "scratch"), "-o", str(output(tmp_path))]
            )

    yield run
    signal.signal(signal.SIGTERM, saved)


def output(folder: Path) -> Path:
    return folder / "results/runs" / RUN


def states(folder: Path) -> dict[str, Identity]:
    """What decides each state that is left, by the name of its folder."""
    found = {
        path.parent.name: Identity.read(path) for path in (folder / "scratch" / RUN).glob("*/identity.json")
    }
    assert all(name == identity.key[:SHORT] for name, identity in found.items())
    return found


def points(folder: Path) -> list[str]:
    return [point.sha256 for point in read_trajectory(folder / "trajectory").points]


def test_a_state_of_other_settings_is_set_aside_and_gone_on_from_once_they_are_back(train, tmp_path, capsys):
    assert train(SETTINGS, stopped=True) == 75 and len(states(tmp_path)) == 1
    assert train(OTHER) == 0
    said = capsys.readouterr().err
    assert "recipe.optimizer.learning_rate: 0.1 → 0.2) is set aside; `hallmarks accept digits/default" in said
    assert len(states(tmp_path)) == 1
    assert train(SETTINGS) == 0
    assert "going on after step 1" in capsys.readouterr().err and states(tmp_path) == {}
    assert not (tmp_path / "scratch" / RUN).exists()


def test_settings_that_cannot_be_written_are_one_line_and_the_run_stays(train, tmp_path, capsys):
    assert train(SETTINGS, stopped=True) == 75
    (folder,) = (tmp_path / "scratch" / RUN).glob("*/output")
    (folder / "settings.yaml/x").mkdir(parents=True)
    assert train(SETTINGS) == 2
    assert f"{folder}/settings.yaml: cannot be written" in capsys.readouterr().err.splitlines()[-1]
    (folder / "settings.yaml/x").rmdir()
    (folder / "settings.yaml").rmdir()
    assert train(SETTINGS) == 0


def test_an_accepted_state_is_gone_on_from(train, tmp_path, capsys):
    train(SETTINGS, stopped=True)
    train(OTHER, stopped=True)
    made, wanted = sorted(
        states(tmp_path).values(), key=lambda each: each.settings["recipe"]["optimizer"]["learning_rate"]
    )
    left = tmp_path / "scratch" / RUN / wanted.key[:SHORT]
    for path in sorted(left.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    left.rmdir()
    beside = tmp_path / "scratch" / RUN / made.key[:SHORT] / "accepted.json"
    accept(beside, made, wanted, "a typing mistake")
    capsys.readouterr()
    assert train(OTHER) == 0
    assert "going on after step 1" in capsys.readouterr().err
    assert Identity.read(output(tmp_path) / "identity.json") == wanted
    [said] = read_acceptances(output(tmp_path) / "accepted.json")
    assert (said.why, said.changes) == ("a typing mistake", ["recipe.optimizer.learning_rate: 0.1 → 0.2"])


def test_a_finished_run_of_another_identity_is_kept_beside(train, tmp_path, capsys):
    assert train(SETTINGS) == 0
    before, made = points(output(tmp_path)), Identity.read(output(tmp_path) / "identity.json")
    # As Snakemake leaves it before the job that makes it again.
    for name in [
        "trajectory/trajectory.json",
        "trajectory/points.sha256",
        "log.csv",
        "settings.yaml",
        "identity.json",
    ]:
        (output(tmp_path) / name).unlink()
    assert train(OTHER) == 0
    kept = output(tmp_path).parent / "superseded" / f"seed0-{made.key[:SHORT]}"
    assert f"kept in {kept}" in capsys.readouterr().err
    assert (
        points(kept) == before != points(output(tmp_path)) and Identity.read(kept / "identity.json") == made
    )


def test_points_without_a_record_are_kept_too(train, tmp_path):
    assert train(SETTINGS) == 0
    before = points(output(tmp_path))
    for name in ["finished.json", "identity.json"]:  # as of results that were made before there were records
        (output(tmp_path) / name).unlink()
    assert train(OTHER) == 0
    kept = output(tmp_path).parent / "superseded"
    assert points(kept / "seed0-unrecorded") == before
    before = points(output(tmp_path))
    (output(tmp_path) / "finished.json").unlink()
    assert train(SETTINGS) == 0  # what was set aside before stays, too
    assert points(kept / "seed0-unrecorded-2") == before != points(kept / "seed0-unrecorded")


def test_a_run_that_is_there_is_made_again_only_when_forced(train, tmp_path, capsys):
    assert train(SETTINGS) == 0
    (output(tmp_path) / "trajectory/trajectory.json").unlink()
    assert train(SETTINGS) == 0
    said = capsys.readouterr().err
    assert said.count("epoch 2") == 1 and "finished before, nothing is trained" in said
    before = points(output(tmp_path))
    for again in ["once", "once", "twice"]:  # a job that is submitted twice trains once
        assert train(SETTINGS, again=again) == 0
    assert capsys.readouterr().err.count("epoch 2") == 2 and points(output(tmp_path)) == before
    assert not (output(tmp_path).parent / "superseded").exists()


def test_two_folders_of_results_share_scratch_and_keep_their_own(train, tmp_path, capsys):
    assert train(SETTINGS) == 0
    before = points(output(tmp_path))
    output(tmp_path).rename(tmp_path / "first")
    assert train(OTHER) == 0
    output(tmp_path).rename(tmp_path / "second")
    (tmp_path / "first").rename(output(tmp_path))
    (output(tmp_path) / "trajectory/trajectory.json").unlink()
    capsys.readouterr()
    assert train(SETTINGS) == 0 and "nothing is trained" in capsys.readouterr().err
    (output(tmp_path) / "trajectory/trajectory.json").unlink()
    assert train(OTHER) == 0
    [kept] = (output(tmp_path).parent / "superseded").iterdir()
    assert points(kept) == before != points(output(tmp_path))


def test_code_is_read_once_nobody_else_trains_the_run(digits, tmp_path):
    """What is edited while another job holds the lease is what runs, as the run's identity says."""
    program = (
        "import json, sys; from hallmarks import cli; from hallmarks.training.lease import Lease\n"
        "def take(lease, stop): print(sorted(m for m in sys.modules if m.startswith(PARTS))); return False\n"
        "PARTS = tuple(f'hallmarks.{part}' for part in ('data', 'models', 'optimizers', 'objectives'))\n"
        "Lease.take = take; sys.exit(cli.main(sys.argv[1:]))"
    )
    words = ["train", RUN, "--settings", json.dumps(SETTINGS), "--data", digits, "--scratch", tmp_path]
    command = [sys.executable, "-c", program, *map(str, words), "-o", str(tmp_path / "run")]
    told = subprocess.run(command, capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (75, "[]\n"), told

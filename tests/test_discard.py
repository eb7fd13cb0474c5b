"""hallmarks discard: points go once their kernel exists, and only then."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from hallmarks import cli
from hallmarks.runs.acceptance import accept
from hallmarks.runs.identity import Identity
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.trajectory.store import POINTS, TrajectoryWriter


@pytest.fixture
def trajectory(tmp_path) -> Path:
    return written(tmp_path / "run/trajectory", 3)


def written(folder: Path, n: int) -> Path:
    """A finished trajectory of n points, and its kernel beside it."""
    writer = TrajectoryWriter(folder, {"w": {"shape": [4], "kind": "linear"}})
    for t in range(n):
        writer.write({"w": np.arange(4, dtype=np.float32) ** t}, t, t, 0.1)
    writer.finish()
    assert cli.main(["kernel", str(folder), "-o", str(folder.with_suffix(".npz"))]) == 0
    return folder


def discard(trajectory: Path, kernel: Path) -> int:
    output = trajectory.parent / "removed.json"
    return cli.main(["discard", str(trajectory), "--kernel", str(kernel), "-o", str(output)])


def test_points_go_and_their_digests_stay(trajectory):
    kernel, before = trajectory.with_suffix(".npz"), read_trajectory(trajectory)
    listed = (trajectory / POINTS).read_text().split()[::2]
    assert listed == [point.sha256 for point in before.points]
    for _ in range(2):  # cut short, it is done again
        assert discard(trajectory, kernel) == 0
        assert [path.name for path in trajectory.iterdir()] == ["trajectory.json"]
    assert read_trajectory(trajectory) == before
    told = json.loads((trajectory.parent / "removed.json").read_text())
    assert told["points"] == 3 and told["bytes"] == sum(point.bytes for point in before.points)
    assert told["kernel_sha256"] == hashlib.sha256(kernel.read_bytes()).hexdigest()


def test_cut_short_it_leaves_nothing_that_looks_whole(trajectory, monkeypatch):
    unlink = Path.unlink

    def killed(path, **options):
        if path.suffix == ".safetensors":
            raise KeyboardInterrupt
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", killed)
    assert discard(trajectory, trajectory.with_suffix(".npz")) == 130
    assert not (trajectory / POINTS).exists() and not (trajectory.parent / "removed.json").exists()


@pytest.mark.parametrize("kernel", ["of another run", "cut", "missing"])
def test_without_their_kernel_nothing_is_removed(trajectory, tmp_path, capsys, kernel):
    path = written(tmp_path / "other/trajectory", 2).with_suffix(".npz")
    if kernel == "cut":
        path.write_bytes(trajectory.with_suffix(".npz").read_bytes()[:100])
    elif kernel == "missing":
        path.unlink()
    before = sorted(trajectory.iterdir())
    assert discard(trajectory, path) == 2
    told = capsys.readouterr().err
    assert str(path) in told and told.count("\n") == 1
    assert sorted(trajectory.iterdir()) == before


def test_a_kernel_of_another_run_of_the_same_steps_is_refused_unless_accepted(trajectory, capsys):
    kernel, run = trajectory.with_suffix(".npz"), Identity({"seed": 0}, {}, {})
    run.write(trajectory.parent / "identity.json")
    of_other = Identity({}, {"runs/a": Identity({"seed": 1}, {}, {}).key}, {})
    of_other.write(kernel.with_suffix(".identity.json"))
    before = sorted(trajectory.iterdir())
    assert discard(trajectory, kernel) == 2 and "made of another run" in capsys.readouterr().err
    assert sorted(trajectory.iterdir()) == before
    accept(kernel.with_suffix(".accepted.json"), of_other, Identity({}, {"runs/a": run.key}, {}), "the same")
    assert discard(trajectory, kernel) == 0


def test_the_kernel_of_the_run_is_taken(trajectory):
    kernel, run = trajectory.with_suffix(".npz"), Identity({"seed": 0}, {}, {})
    run.write(trajectory.parent / "identity.json")
    Identity({}, {"runs/a": run.key}, {}).write(kernel.with_suffix(".identity.json"))
    assert discard(trajectory, kernel) == 0


def test_a_kernel_of_removed_points_is_refused(trajectory, capsys):
    kernel = trajectory.with_suffix(".npz")
    assert discard(trajectory, kernel) == 0
    for options in [], ["--no-verify"], ["--extend", str(kernel)]:
        assert cli.main(["kernel", str(trajectory), "-o", str(kernel), *options]) == 2
        told = capsys.readouterr().err
        assert "its points were removed" in told and "train the run again" in told and told.count("\n") == 1

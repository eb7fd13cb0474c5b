"""A trajectory on disk: written point by point, resumed, refused where it is damaged."""

import json

import numpy as np
import pytest

from hallmarks.errors import UserError
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.trajectory.store import TrajectoryWriter

PARAMETERS = {"weight": {"shape": [2, 3], "kind": "linear"}, "bias": {"shape": [], "kind": "bias"}}


def point(t):
    return {"weight": np.full((2, 3), t, np.float32), "bias": np.array(-t, np.float32)}


def write(folder, n):
    writer = TrajectoryWriter(folder, PARAMETERS)
    for t in range(n):
        writer.write(point(t), step=10 * t, epoch=t / 2, learning_rate=0.1)
    return writer


def test_description_of_the_points(tmp_path):
    write(tmp_path, 2)
    trajectory = read_trajectory(tmp_path)
    assert trajectory.parameters == PARAMETERS and trajectory.diverged is None
    last = trajectory.points[1]
    assert (last.file, last.step, last.epoch, last.learning_rate) == ("point-00001.safetensors", 10, 0.5, 0.1)
    assert last.bytes == (tmp_path / last.file).stat().st_size
    assert {path.name for path in tmp_path.iterdir()} == {
        "trajectory.json",
        "point-00000.safetensors",
        "point-00001.safetensors",
    }
    for t in range(2):
        for name, array in trajectory.load(t).items():
            np.testing.assert_array_equal(array, point(t)[name])


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_resuming_forgets_later_points_and_ends_the_same(tmp_path, kept):
    write(tmp_path / "whole", 4)
    write(tmp_path / "resumed", 3)
    writer = TrajectoryWriter(tmp_path / "resumed", PARAMETERS)
    writer.resume(kept)
    assert len(read_trajectory(tmp_path / "resumed").points) == kept
    assert len(list((tmp_path / "resumed").glob("point-*"))) == kept
    for t in range(kept, 4):
        writer.write(point(t), step=10 * t, epoch=t / 2, learning_rate=0.1)
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "resumed" / path.name).read_bytes()


def test_resuming_refuses_what_it_cannot_trust(tmp_path):
    write(tmp_path, 2)
    with pytest.raises(UserError, match="2 points, not the 3"):
        TrajectoryWriter(tmp_path, PARAMETERS).resume(3)
    with pytest.raises(UserError, match="other parameters"):
        TrajectoryWriter(tmp_path, {"weight": PARAMETERS["weight"]}).resume(1)
    (tmp_path / "point-00000.safetensors").write_bytes(b"cut")
    with pytest.raises(UserError, match="point-00000.*SHA-256"):
        TrajectoryWriter(tmp_path, PARAMETERS).resume(2)


def test_divergence_is_recorded_and_its_points_kept(tmp_path):
    write(tmp_path, 2).record_divergence(epoch=1.5, step=17, learning_rate=0.1)
    trajectory = read_trajectory(tmp_path)
    assert trajectory.diverged == {"epoch": 1.5, "step": 17, "learning_rate": 0.1}
    assert len(trajectory.points) == 2
    TrajectoryWriter(tmp_path, PARAMETERS).resume(1)
    assert read_trajectory(tmp_path).diverged is None


def test_a_point_of_another_shape_or_name_is_refused(tmp_path):
    writer = write(tmp_path, 1)
    with pytest.raises(UserError, match=r"weight has the shape \[3, 2\], not \[2, 3\]"):
        writer.write(point(1) | {"weight": np.zeros((3, 2), np.float32)}, 1, 1, 0.1)
    with pytest.raises(UserError, match="bias"):
        writer.write({"weight": point(1)["weight"]}, 1, 1, 0.1)
    assert len(read_trajectory(tmp_path).points) == 1


@pytest.mark.parametrize("content", [None, "{", json.dumps({"points": [{"file": "a"}], "parameters": {}})])
def test_a_missing_or_damaged_description_is_named(tmp_path, content):
    if content:
        (tmp_path / "trajectory.json").write_text(content)
    with pytest.raises(UserError, match=r"trajectory\.json"):
        read_trajectory(tmp_path)

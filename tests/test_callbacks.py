"""Points from one's own training: each example of docs/own-training.md as it is written, and its map."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from hallmarks.callbacks.points import Points
from hallmarks.cli import main
from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel
from hallmarks.trajectory.reader import read_trajectory

PAGE = Path(__file__).parents[1] / "docs/own-training.md"
EXAMPLES = dict(
    zip(
        ["plain", "transformers", "lightning"],
        re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S),
        strict=True,
    )
)
STEPS = {"plain": [*range(0, 41, 5)], "transformers": [0, 3, 6, 9, 12], "lightning": [0, 4, 8, 12]}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_writes_points_that_are_read_at_once(name, tmp_path):
    path = tmp_path / "example.py"
    path.write_text(EXAMPLES[name])
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert main(["map", str(tmp_path / "trajectory"), "-o", str(tmp_path / "map.png")]) == 0
    kernel = Kernel.load(tmp_path / "map.npz")
    assert kernel.step.tolist() == STEPS[name] and np.isfinite(kernel.epoch).all()
    assert (np.diagonal(kernel.gram()) > 0).all()
    assert (np.diff(kernel.epoch) > 0).all() and kernel.epoch[0] == 0
    points = read_trajectory(tmp_path / "trajectory").points
    assert all(point.learning_rate > 0 for point in points[:-1])
    listed = (tmp_path / "trajectory/points.sha256").read_text().splitlines()
    assert len(listed) == len(points)  # it is said to be whole


def model(seed=0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def test_what_is_written_is_what_learns_as_float32(tmp_path):
    net = model().to(torch.bfloat16)
    net[0].bias.requires_grad = False
    net.register_buffer("mask", torch.ones(3))
    Points(tmp_path, net).write(net, step=0)
    found = load_file(tmp_path / "point-00000.safetensors")
    assert found.keys() == {"0.weight", "1.weight", "1.bias", "2.weight", "2.bias"}
    assert found["0.weight"].dtype == np.float32
    np.testing.assert_array_equal(found["0.weight"], net[0].weight.detach().float().numpy())
    kinds = {name: told["kind"] for name, told in read_trajectory(tmp_path).parameters.items()}
    assert kinds["0.weight"] == "linear" and kinds["1.weight"] == "norm"


def test_wrappers_are_taken_off(tmp_path):
    net = model()
    Points(tmp_path / "a", nn.DataParallel(net)).write(nn.DataParallel(net), step=0)
    Points(tmp_path / "b", net).write(net, step=0)
    one, other = (json.loads((tmp_path / name / "trajectory.json").read_text()) for name in "ab")
    assert one == other


def test_a_run_that_goes_on_writes_later_points_anew(tmp_path):
    net = model()
    points = Points(tmp_path, net, every=2)
    written = [points.write(net, step) for step in range(9)]
    assert written == [step % 2 == 0 for step in range(9)]
    points = Points(tmp_path, net, every=2, begins=4)
    assert [point.step for point in read_trajectory(tmp_path).points] == [0, 2]
    with torch.no_grad():
        net[0].weight += 1
    points.write_now(net, 4)
    points.write_now(net, 4)
    assert [point.step for point in read_trajectory(tmp_path).points] == [0, 2, 4]
    assert len(list(tmp_path.glob("point-*"))) == 3


def test_another_model_is_refused(tmp_path):
    net = model()
    Points(tmp_path, net).write(net, step=0)
    with pytest.raises(UserError, match="holds a trajectory of other parameters"):
        Points(tmp_path, nn.Linear(2, 2), begins=1)


def test_parameters_in_parts_are_refused(tmp_path):
    net = model()
    net[0].weight = nn.Parameter(torch.empty(0))
    with pytest.raises(UserError, match=r"0\.weight is in parts on several devices"):
        Points(tmp_path / "t", net)

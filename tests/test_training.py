"""Training by the definitions: the schedule, SGD's updates, the points, the log, divergence."""

import csv
import errno
import math
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hallmarks.errors import Interrupted, UserError
from hallmarks.files import move_into_place
from hallmarks.optimizers.sgd import Settings as Sgd
from hallmarks.origins.trained import Points, Recipe
from hallmarks.schedules.drops import Settings as drops
from hallmarks.training.log import Log
from hallmarks.training.setup import set_up
from hallmarks.training.start import Start
from hallmarks.training.state import States
from hallmarks.training.timeline import Timeline
from hallmarks.training.trainer import Diverged, Trainer
from hallmarks.trajectory.reader import read_trajectory


class RandomBatches:
    """Six batches an epoch of random images, a function of epoch and index."""

    steps_per_epoch = 6

    def batch(self, epoch, index):
        generator = torch.Generator().manual_seed(100 * epoch + index)
        return torch.randn(8, 5, generator=generator), torch.randint(3, (8,), generator=generator)

    def test(self):
        yield self.batch(99, 0)
        yield self.batch(99, 1)


def recipe(**changes) -> Recipe:
    settings = {
        "optimizer": Sgd(learning_rate=0.1, momentum=0.9, weight_decay=0.01),
        "batch_size": 8,
        "length": 3,
    }
    return Recipe(**settings | changes)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))


def trainer(folder: Path, settings: Recipe, network: nn.Module | None = None) -> Trainer:
    training = set_up(settings, Start(network or model()), RandomBatches())
    return Trainer("task/default/seed0", training, folder)


def trained(folder: Path, settings: Recipe, stop=lambda: False, network=None) -> None:
    trainer(folder, settings, network).train(stop)


def points(folder: Path) -> list[np.ndarray]:
    trajectory = read_trajectory(folder / "output" / "trajectory")
    loaded = [trajectory.load(index) for index in range(len(trajectory.points))]
    return [np.concatenate([tensors[name].ravel() for name in sorted(tensors)]) for tensors in loaded]


def test_schedule_in_epochs():
    timeline = Timeline(recipe(length=4, schedule=drops(at=[1, 3])), steps_per_epoch=10)
    assert timeline.steps == 40
    rates = [timeline.learning_rate(step) for step in (0, 9, 10, 29, 30, 39)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert [step for step in range(41) if timeline.is_point(step)] == [0, 10, 20, 30, 40]


def test_schedule_in_steps():
    settings = recipe(
        length=25,
        unit="steps",
        schedule=drops(at=[7], factor=0.5),
        points=Points(every=6, unit="steps"),
    )
    timeline = Timeline(settings, steps_per_epoch=10)
    assert [timeline.learning_rate(step) for step in (6, 7, 24)] == pytest.approx([0.1, 0.05, 0.05])
    assert [step for step in range(26) if timeline.is_point(step)] == [0, 6, 12, 18, 24, 25]
    assert [step for step in range(1, 26) if timeline.ends_epoch(step)] == [10, 20, 25]


def test_updates_are_heavy_ball_with_weight_decay_and_drops(tmp_path):
    settings = recipe(length=2, schedule=drops(at=[1]), points=Points(every=1, unit="steps"))
    trained(tmp_path, settings)
    network, batches = model(), RandomBatches()
    parameters = dict(network.named_parameters())
    velocity = {name: torch.zeros_like(p) for name, p in parameters.items()}
    trajectory = read_trajectory(tmp_path / "output" / "trajectory")
    assert len(trajectory.points) == 13
    for step, point in enumerate(trajectory.points):
        found = trajectory.load(step)
        for name, p in parameters.items():
            np.testing.assert_allclose(found[name], p.detach().numpy(), rtol=2e-5, atol=1e-6)
        rate = 0.1 if step < 6 else 0.01
        assert (point.step, point.epoch) == (step, step / 6) and point.learning_rate == pytest.approx(rate)
        images, labels = batches.batch(*divmod(step, 6))
        loss = F.cross_entropy(network(images), labels)
        for (name, p), gradient in zip(
            parameters.items(), torch.autograd.grad(loss, parameters.values()), strict=True
        ):
            velocity[name] = 0.9 * velocity[name] + gradient + 0.01 * p.detach()
            p.data -= rate * velocity[name]


def test_parameters_have_shape_and_kind(tmp_path):
    trained(tmp_path, recipe(length=0))
    trajectory = read_trajectory(tmp_path / "output" / "trajectory")
    assert len(trajectory.points) == 1
    assert trajectory.parameters["0.weight"] == {"shape": [4, 5], "kind": "linear"}
    assert trajectory.parameters["1.bias"] == {"shape": [4], "kind": "norm"}


def test_the_log_has_a_line_an_epoch(tmp_path):
    trained(tmp_path, recipe(schedule=drops(at=[2])))
    with open(tmp_path / "output" / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(float(row["epoch"]), int(row["step"])) for row in rows] == [(1, 6), (2, 12), (3, 18)]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([0.1, 0.1, 0.01])
    for row in rows:
        assert 0 < float(row["loss"]) < 10 and float(row["images_per_second"]) > 0
        assert (float(row["train_accuracy"]) * 48) % 1 == pytest.approx(0, abs=1e-9)
        assert (float(row["test_accuracy"]) * 16) % 1 == pytest.approx(0, abs=1e-9)


def test_the_log_can_be_followed_while_the_run_trains(tmp_path):
    lines = []

    def look() -> bool:
        lines.append(len(timeless_log(tmp_path)))
        return len(lines) == 15

    with pytest.raises(Interrupted):
        trained(tmp_path, recipe(), stop=look)
    # One look after each of the six steps of an epoch, before its line is written.
    assert lines == [0] * 6 + [1] * 6 + [2] * 3
    (log := tmp_path / "output" / "log.csv").write_text(log.read_text() + "a line past the state\n")
    with pytest.raises(Interrupted):
        trained(tmp_path, recipe(), stop=lambda: lines.append(len(timeless_log(tmp_path))) or True)
    assert lines[-1] == 2


class Exploding(nn.Linear):
    """A model whose output is infinite from the n-th training step on."""

    def __init__(self, at: int):
        super().__init__(5, 3)
        self.left = at

    def forward(self, x):
        self.left -= self.training
        return super().forward(x) * (math.inf if self.left < 0 else 1.0)


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_points_before(tmp_path):
    with pytest.raises(Diverged) as caught:
        trained(tmp_path, recipe(schedule=drops(at=[1])), network=Exploding(at=9))
    assert str(caught.value) == (
        "task/default/seed0: the loss is not finite at epoch 1.5 (step 9), learning rate 0.01"
    )
    trajectory = read_trajectory(tmp_path / "output" / "trajectory")
    assert [point.step for point in trajectory.points] == [0, 6]
    assert trajectory.diverged["step"] == 9 and trajectory.diverged["epoch"] == 1.5


def test_the_first_loss_not_finite_is_found_where_losses_are_looked_at_seldom(tmp_path):
    seldom = trainer(tmp_path, recipe(), Exploding(at=9))
    seldom.check_every = 50
    with pytest.raises(Diverged) as caught:
        seldom.train()
    assert caught.value.step == 9


def test_waiting_for_an_epochs_last_losses_is_a_part_of_its_seconds(tmp_path, monkeypatch):
    """As on a GPU, which computes on while its steps are counted."""
    seldom, look = trainer(tmp_path, recipe(length=1)), Log.first_not_finite
    seldom.check_every = 50
    monkeypatch.setattr(Log, "first_not_finite", lambda log: time.sleep(0.2) or look(log))
    seldom.train()
    assert seldom.log.rows[0]["seconds"] > 0.2


def test_a_parameter_that_is_not_finite_never_becomes_a_point(tmp_path):
    settings = recipe(
        length=1, optimizer=Sgd(learning_rate=1e38, weight_decay=10), points=Points(every=1, unit="steps")
    )
    with pytest.raises(Diverged):
        trained(tmp_path, settings)
    assert all(np.isfinite(point).all() for point in points(tmp_path))


def timeless_log(folder: Path) -> list[dict[str, str]]:
    with open(folder / "output" / "log.csv") as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k not in {"images_per_second", "seconds"}} for row in rows]


def stop_after(steps: int):
    calls = iter(range(1, 1000))
    return lambda: next(calls) >= steps


@pytest.mark.parametrize("steps", [1, 5, 6, 7, 17])
def test_stopped_and_gone_on_with_ends_in_the_same_bits(tmp_path, steps):
    trained(tmp_path / "whole", recipe())
    with pytest.raises(Interrupted):
        trained(tmp_path / "stopped", recipe(), stop=stop_after(steps))
    trained(tmp_path / "stopped", recipe())
    for one, other in zip(points(tmp_path / "whole"), points(tmp_path / "stopped"), strict=True):
        assert one.tobytes() == other.tobytes()
    assert timeless_log(tmp_path / "whole") == timeless_log(tmp_path / "stopped")


def test_an_epoch_that_was_stopped_takes_the_seconds_of_both_parts(tmp_path):
    with pytest.raises(Interrupted):
        trained(tmp_path, recipe(), stop=stop_after(4))
    states = States(tmp_path / "states")
    state = states.at(4)
    state["log"]["seconds"] += 1000.0
    states.save(4, state)
    trained(tmp_path, recipe(length=1))
    with open(tmp_path / "output" / "log.csv") as file:
        (row,) = csv.DictReader(file)
    assert 1000 < float(row["seconds"]) < 1100
    assert float(row["images_per_second"]) == pytest.approx(48 / float(row["seconds"]))


def test_a_damaged_state_is_set_aside_and_the_one_before_it_used(tmp_path, capfd):
    trained(tmp_path / "whole", recipe())
    folder = tmp_path / "stopped"
    with pytest.raises(Interrupted):
        trained(folder, recipe(), stop=stop_after(14))
    newest = folder / "states" / "state-000000014.pt"
    newest.write_bytes(newest.read_bytes()[:-7] + b"altered")
    (folder / "states" / ".state-000000015.pt.1").write_bytes(b"cut")
    trained(folder, recipe())
    assert "set aside" in (told := capfd.readouterr().err) and "going on after step 12" in told
    assert newest.with_suffix(".bad").exists()
    assert [p.tobytes() for p in points(folder)] == [p.tobytes() for p in points(tmp_path / "whole")]


def test_a_state_without_its_digest_is_not_used(tmp_path):
    states = States(tmp_path)
    states.save(1, {"step": 1})
    states.save(2, {"step": 2})
    states.save(3, {"step": 3})
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["state-000000002.pt", "state-000000003.pt"]
    (tmp_path / "state-000000003.sha256").unlink()
    assert states.latest()["step"] == 2


def test_what_does_not_train_never_moves(tmp_path):
    network = model()
    frozen = {name: p.detach().clone() for name, p in network.named_parameters() if not name.startswith("1.")}
    start = Start(network, frozenset({"1.weight", "1.bias"}))
    Trainer("r", set_up(recipe(), start, RandomBatches()), tmp_path).train()
    after = dict(network.named_parameters())
    assert all(torch.equal(after[name], value) for name, value in frozen.items())
    assert (after["1.weight"] - 1).abs().max() > 0
    with pytest.raises(UserError, match="2.scale is to train, and is no parameter"):
        Start(network, frozenset({"2.scale"})).parameters()


def test_going_on_from_another_runs_state_ends_as_that_run_does(tmp_path):
    whole = trainer(tmp_path / "whole", recipe())
    whole.train()
    parent = trainer(tmp_path / "parent", recipe())
    with pytest.raises(Interrupted):
        parent.train(stop_after(8))
    start = Start(parent.training.model, None, 8, parent.training.optimizer.state_dict())
    Trainer("r", set_up(recipe(), start, RandomBatches()), tmp_path / "branch", start.step).train()
    branch = points(tmp_path / "branch")
    assert len(branch) == 3  # where it starts, and the ends of the second and the third epoch
    assert branch[-1].tobytes() == points(tmp_path / "whole")[-1].tobytes()


def test_damaged_points_are_not_gone_on_from(tmp_path, capfd):
    trained(tmp_path / "whole", recipe())
    with pytest.raises(Interrupted):
        trained(tmp_path / "cut", recipe(), stop=stop_after(14))
    (tmp_path / "cut" / "output" / "trajectory" / "point-00001.safetensors").write_bytes(b"cut")
    trained(tmp_path / "cut", recipe())
    assert "starting afresh" in capfd.readouterr().err
    assert [p.tobytes() for p in points(tmp_path / "cut")] == [
        p.tobytes() for p in points(tmp_path / "whole")
    ]


@pytest.mark.parametrize("sync", [3, 12, 17])
def test_a_full_disk_is_one_line_and_the_run_goes_on_once_there_is_space(tmp_path, monkeypatch, sync):
    trained(tmp_path / "whole", recipe())
    syncs = iter(range(1, 1000))

    def full(descriptor: int) -> None:
        if next(syncs) >= sync:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched, pytest.raises(UserError, match="cannot be written .*No space"):
        patched.setattr(os, "fsync", full)
        trained(tmp_path / "full", recipe())
    trained(tmp_path / "full", recipe())
    assert [p.tobytes() for p in points(tmp_path / "full")] == [
        p.tobytes() for p in points(tmp_path / "whole")
    ]


def folder_of(path: Path, text: str) -> Path:
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "file").write_text(text)
    return path


@pytest.mark.parametrize("across", [False, True])
def test_a_folder_moves_whole_and_replaces_what_was_there(tmp_path, monkeypatch, across):
    if across:
        rename = Path.rename

        def refuse(self, target):
            if self.name == "new":
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", refuse)
    target = folder_of(tmp_path / "results" / "old", "old")
    (target / "stale").touch()
    move_into_place(folder_of(tmp_path / "new", "new"), target)
    assert (target / "inner" / "file").read_text() == "new" and not (target / "stale").exists()
    assert [path.name for path in target.parent.iterdir()] == ["old"]


def test_a_move_that_fails_leaves_what_was_there(tmp_path):
    target = folder_of(tmp_path / "old", "old")
    with pytest.raises(UserError, match="old: cannot be written"):
        move_into_place(tmp_path / "missing", target)
    assert (target / "inner" / "file").read_text() == "old"

"""AdamW and SAM against their formulas in float64, and what the loop owes to every optimizer."""

import copy
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hallmarks import cli
from hallmarks.errors import Interrupted
from hallmarks.optimizers import uncompiled
from hallmarks.optimizers.adamw import Settings as Adamw
from hallmarks.optimizers.sam import Settings as Sam
from hallmarks.optimizers.sgd import Settings as Sgd
from hallmarks.origins.trained import Recipe
from hallmarks.schedules.drops import Settings as drops
from hallmarks.training.loop import train
from hallmarks.training.setup import set_up
from hallmarks.training.start import Start
from hallmarks.training.trainer import Trainer
from hallmarks.trajectory.reader import read_trajectory

SGD = Sgd(learning_rate=0.1, momentum=0.9, weight_decay=0.01)
ADAMW = Adamw(learning_rate=0.01, betas=[0.8, 0.95], eps=1e-3, weight_decay=0.5)
SAM = Sam(learning_rate=0.1, momentum=0.9, weight_decay=0.01, rho=0.5)


class RandomBatches:
    """Four batches an epoch of random inputs, a function of epoch and index."""

    steps_per_epoch = 4

    def __init__(self, dtype=torch.float32):
        self.dtype = dtype

    def batch(self, epoch, index):
        generator = torch.Generator().manual_seed(100 * epoch + index)
        inputs = torch.randn(8, 5, generator=generator, dtype=self.dtype)
        return inputs, torch.randint(3, (8,), generator=generator)

    def test(self):
        yield self.batch(99, 0)


def network(*norm: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), *norm, nn.Tanh(), nn.Linear(4, 3))


def recipe(optimizer) -> Recipe:
    return Recipe(optimizer=optimizer, batch_size=8, length=3, schedule=drops(at=[2]))


def adamw(theta, gradient, state, rate, t):
    """θ after update t ≥ 1 by ADAMW, of flat float64 arrays; Loshchilov & Hutter 2019, algorithm 2."""
    m = state["m"] = 0.8 * state.get("m", 0) + 0.2 * gradient(theta)
    v = state["v"] = 0.95 * state.get("v", 0) + 0.05 * gradient(theta) ** 2
    ahead = (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-3)
    return theta - rate * ahead - rate * 0.5 * theta


def sam(theta, gradient, state, rate, t):
    """θ after an update by SAM; Foret et al. 2021, algorithm 1 with p = 2, on heavy-ball SGD."""
    g = gradient(theta)
    uphill = gradient(theta + 0.5 * g / np.sqrt((g**2).sum()))
    state["velocity"] = 0.9 * state.get("velocity", 0) + uphill + 0.01 * theta
    return theta - rate * state["velocity"]


FORMULAS = pytest.mark.parametrize(("settings", "formula"), [(ADAMW, adamw), (SAM, sam)])


@FORMULAS
def test_updates_on_a_quadratic_are_those_of_the_formula(settings, formula):
    matrix = np.random.default_rng(0).standard_normal((6, 6))
    matrix = matrix @ matrix.T / 6
    theta = np.linspace(-1, 2, 6)
    # In two tensors, so that a norm over each would be another.
    parts = [nn.Parameter(torch.tensor(part)) for part in np.split(theta, [2])]
    optimizer, state = settings.build(parts), {}

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.cat(parts) @ torch.tensor(matrix) @ torch.cat(parts) / 2
        loss.backward()
        return loss

    for t in range(1, 30):
        before = theta @ matrix @ theta / 2
        theta = formula(theta, lambda x: matrix @ x, state, settings.learning_rate, t)
        assert optimizer.step(closure).item() == pytest.approx(before, rel=1e-11)
        found = torch.cat(parts).detach().numpy()
        np.testing.assert_allclose(found, theta, rtol=1e-11, atol=1e-13)


@FORMULAS
def test_updates_of_a_network_are_those_of_the_formula_with_the_loops_rates(settings, formula):
    model, batches = network().double(), RandomBatches(torch.float64)
    state, found = {}, []
    theta = nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
    shapes = {name: p.shape for name, p in model.named_parameters()}

    def gradient_at(step: int):
        inputs, labels = batches.batch(*divmod(step, 4))

        def gradient(flat: np.ndarray) -> np.ndarray:
            point = torch.tensor(flat, requires_grad=True)
            pieces = point.split([shape.numel() for shape in shapes.values()])
            w, b, u, c = (p.view(s) for p, s in zip(pieces, shapes.values(), strict=True))
            F.cross_entropy(torch.tanh(inputs @ w.T + b) @ u.T + c, labels).backward()
            return point.grad.numpy()

        return gradient

    def look(step) -> None:
        found.append(nn.utils.parameters_to_vector(model.parameters()).detach().numpy().copy())

    train(set_up(recipe(settings), Start(model), batches), 0, look)
    for step, point in enumerate(found):
        rate = settings.learning_rate * (1 if step < 8 else 0.1)
        theta = formula(theta, gradient_at(step), state, rate, step + 1)
        np.testing.assert_allclose(point, theta, rtol=1e-10, atol=1e-12)
    assert len(found) == 12


def test_the_defaults_are_pytorchs():
    (group,) = Adamw(learning_rate=1e-3).build([nn.Parameter(torch.zeros(1))]).param_groups
    expected = torch.optim.AdamW([nn.Parameter(torch.zeros(1))]).param_groups[0]
    assert {key: group[key] for key in ("lr", "betas", "eps", "weight_decay", "amsgrad")} == {
        key: expected[key] for key in ("lr", "betas", "eps", "weight_decay", "amsgrad")
    }


def run(folder, settings, stop=lambda: False) -> dict[str, bytes]:
    """A whole small run with BatchNorm: its files, by name, but for the times in its log."""
    training = set_up(recipe(settings), Start(network(nn.BatchNorm1d(4))), RandomBatches())
    Trainer("task/default/seed0", training, folder).train(stop)
    log = [line.rsplit(",", 2)[0] for line in (folder / "output/log.csv").read_text().splitlines()]
    files = {path.name: path.read_bytes() for path in (folder / "output/trajectory").glob("point-*")}
    return files | {"log": log, "statistics": training.model[1].running_var.numpy().tobytes()}


def test_sam_of_radius_0_is_sgd_to_the_bit_and_takes_one_pass(tmp_path):
    still = Sam(learning_rate=0.1, momentum=0.9, weight_decay=0.01, rho=0)
    whole = run(tmp_path / "sgd", SGD)
    assert run(tmp_path / "still", still) == whole != run(tmp_path / "sam", SAM)
    parameter, asked = nn.Parameter(torch.ones(2)), []
    for settings in (still, SAM):
        optimizer = settings.build([parameter])
        parameter.grad = torch.ones(2)
        optimizer.step(lambda: asked.append(1))
        assert asked == [1] * settings.passes
        asked.clear()


@pytest.mark.parametrize("settings", [SGD, ADAMW, SAM])
def test_running_statistics_move_once_an_update(settings):
    model, batches = network(nn.BatchNorm1d(4)), RandomBatches()
    points = [{name: value.clone() for name, value in model.state_dict().items()}]
    training = set_up(recipe(settings), Start(model), batches)
    train(training, 0, lambda step: points.append({n: v.clone() for n, v in model.state_dict().items()}))
    again = network(nn.BatchNorm1d(4))
    for step, (before, after) in enumerate(zip(points, points[1:], strict=False)):
        again.load_state_dict(before)
        again(batches.batch(*divmod(step, 4))[0])  # one forward pass at θ_t
        assert all(torch.equal(after[name], buffer) for name, buffer in again.named_buffers())
    assert points[-1]["1.num_batches_tracked"] == len(points) - 1 == 12


@pytest.mark.parametrize("gradient", [0.0, 1e-30])
def test_a_gradient_that_vanishes_moves_nothing_uphill(gradient):
    parameters = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))]
    optimizer, seen = SAM.build(parameters), []

    def closure() -> None:
        seen.append([p.detach().clone() for p in parameters])
        for p in parameters:
            p.grad = torch.full_like(p, gradient)

    optimizer.step(closure)
    assert all(torch.equal(p, torch.ones_like(p)) for p in seen[1])
    assert all(torch.equal(p, torch.full_like(p, 1 - 0.1 * 0.01)) for p in parameters)  # weight decay alone


@pytest.mark.parametrize("settings", [ADAMW, SAM])
@pytest.mark.parametrize("steps", [1, 4, 9])
def test_stopped_and_gone_on_with_ends_in_the_same_bits(tmp_path, settings, steps):
    whole, asked = run(tmp_path / "whole", settings), iter(range(1, 100))
    with pytest.raises(Interrupted):
        run(tmp_path / "cut", settings, lambda: next(asked) == steps)
    assert run(tmp_path / "cut", settings) == whole and len(whole) == 6


def test_what_does_not_train_is_no_part_of_sams_norm(tmp_path):
    model = network()
    start = Start(model, frozenset({"2.weight"}))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    Trainer("r", set_up(recipe(SAM), start, RandomBatches()), tmp_path).train()
    moved = [name for name, p in model.named_parameters() if not torch.equal(p, before[name])]
    assert moved == ["2.weight"]
    assert len(read_trajectory(tmp_path / "output" / "trajectory").points) == 4


@pytest.mark.parametrize(
    ("optimizer", "line"),
    [
        ({"name": "sam", "rho": -0.1}, "optimizer.rho: Input should be greater than or equal to 0, not -0.1"),
        ({"name": "adamw", "betas": [0.9]}, "optimizer.betas: List should have at least 2 items"),
        ({"name": "adamw", "betas": [0.9, 1.0]}, "optimizer.betas.1: Input should be less than 1, not 1.0"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(tmp_path, capsys, optimizer, line):
    task = {
        "data": {"name": "digits"},
        "model": {"name": "resnet20", "width": 1},
        "recipe": {"optimizer": optimizer | {"learning_rate": 0.1}, "batch_size": 32, "length": 1},
    }
    folders = ["--data", tmp_path / "data", "--scratch", tmp_path / "scratch", "-o", tmp_path / "run"]
    words = ["train", "t/default/seed0", "--settings", json.dumps(task), *map(str, folders)]
    assert cli.main(words) == 2
    told = capsys.readouterr().err
    assert line in told and told.count("\n") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("pytorchs", [torch.optim.SGD, torch.optim.AdamW])
def test_without_the_compiler_updates_and_states_are_pytorchs_to_the_bit(pytorchs):
    def updated(optimizer, until: int, state: dict | None = None) -> tuple[list[torch.Tensor], dict]:
        model, batches = network(), RandomBatches()
        made = optimizer(model.parameters(), lr=0.1, weight_decay=0.01, fused=True)
        if state:
            made.load_state_dict(copy.deepcopy(state))
        for step in range(until):
            inputs, targets = batches.batch(0, step)
            made.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            made.step()
        return [p.detach() for p in model.parameters()], made.state_dict()

    first = updated(pytorchs, 3)
    torch.testing.assert_close(updated(uncompiled(pytorchs), 3), first, rtol=0, atol=0)
    gone_on = updated(pytorchs, 2, first[1])
    torch.testing.assert_close(updated(uncompiled(pytorchs), 2, first[1]), gone_on, rtol=0, atol=0)


def test_no_optimizer_imports_the_compiler():
    lines = [
        "import sys, torch",
        "from hallmarks.origins.trained import OPTIMIZERS",
        "for name in OPTIMIZERS.names():",
        "    p = torch.nn.Parameter(torch.ones(2))",
        "    made = OPTIMIZERS.validate({'name': name, 'learning_rate': 0.1}).build([p])",
        "    made.load_state_dict(made.state_dict())",
        "    def closure():",
        "        made.zero_grad()",
        "        p.square().sum().backward()",
        "        return p.sum()",
        "    made.step(closure)",
        "    assert 'torch._dynamo' not in sys.modules, name",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)

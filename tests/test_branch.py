"""A branch goes on from the full state of its parent; what it does not train does not move, by a bit."""

import json
import shutil
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hallmarks import cli
from hallmarks.config.load import check
from hallmarks.config.types import TASKS, Config
from hallmarks.data.prepare import prepare
from hallmarks.errors import UserError
from hallmarks.models.resnet20.network import ResNet20
from hallmarks.optimizers.sgd import Settings as Sgd
from hallmarks.origins.trained import Recipe
from hallmarks.runs.acceptance import accept
from hallmarks.runs.identity import Identity
from hallmarks.runs.origin import Making
from hallmarks.runs.run import expand, runs_of
from hallmarks.runs.sources import closure
from hallmarks.training.branch import restricted
from hallmarks.training.entries import OfEntries
from hallmarks.training.parent import ParentRun
from hallmarks.training.setup import set_up
from hallmarks.training.start import Start
from hallmarks.training.statistics import fix, refresh
from hallmarks.training.trainable import TRAINABLE
from hallmarks.training.trainer import Trainer
from hallmarks.trajectory.log import read_log
from hallmarks.trajectory.reader import read_trajectory

TASK = {
    "data": {"name": "digits", "training_images": 128, "test_images": 50, "augment": ["crop"]},
    "model": {"name": "resnet20", "width": 2},
    "recipe": {
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01},
        "batch_size": 32,
        "length": 4,
        "schedule": {"name": "drops", "at": [2]},
    },
}
PARENT = "parent/default/seed1"


def configuration(*variations: dict, **branch) -> Config:
    tasks = {"parent": TASK, "branch": {"origin": "branched", "parent": "parent", "at": 2, "trains": "norms"}}
    tasks["branch"] |= branch
    swept = {"title": "t", "section": "s", "task": "branch", "variations": list(variations), "seeds": [1]}
    return Config.model_validate({"scale": "tiny", "tasks": tasks, "experiments": {"e": swept}})


class Runs:
    """Runs made by the command in a folder, with its data beside them."""

    def __init__(self, folder: Path):
        self.folder = folder
        prepare("digits", None, folder / "data/digits")

    def train(self, run: str, settings: dict, **request) -> int:
        told = {"settings": settings} | request
        folders = {"--data": "data", "--scratch": "scratch", "--output": f"runs/{run}"}
        words = [str(word) for key, name in folders.items() for word in (key, self.folder / name)]
        return cli.main(["train", run, "--settings", json.dumps(told), "--threads", "1", *words])

    def branch(self, name: str, **settings) -> int:
        settings = {"origin": "branched", "parent": "parent", "training": TASK} | settings
        return self.train(f"branch/{name}/seed1", settings, parent=str(self.folder / "runs" / PARENT))

    def points(self, run: str) -> dict[int, str]:
        trajectory = read_trajectory(self.folder / "runs" / run / "trajectory")
        return {point.step: point.sha256 for point in trajectory.points}

    def values(self, run: str, index: int) -> dict[str, np.ndarray]:
        return read_trajectory(self.folder / "runs" / run / "trajectory").load(index)

    def log(self, run: str) -> list[dict[str, float]]:
        timed = {"images_per_second", "seconds"}
        rows = read_log(self.folder / "runs" / run / "log.csv")
        return [{key: value for key, value in row.items() if key not in timed} for row in rows]

    def said(self, name: str) -> dict:
        return json.loads((self.folder / f"runs/branch/{name}/seed1/branch.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    """A parent of four epochs of four steps, with the states after its epochs 0, 2 and 4."""
    saved = signal.getsignal(signal.SIGTERM)
    runs = Runs(tmp_path_factory.mktemp("runs"))
    assert runs.train(PARENT, TASK, keep=[0, 8, 16]) == 0
    yield runs
    signal.signal(signal.SIGTERM, saved)


@pytest.mark.parametrize("at", [0, 2, 3, 4])
def test_everything_ends_as_the_parent_does_bit_for_bit(runs, at, capsys):
    """After epoch 3 no state was kept: the first steps are trained again, through the same points."""
    assert runs.branch(f"all{at}", at=at, trains="all") == 0
    told = capsys.readouterr().err
    assert ("are trained again" in told) == (at == 3)
    assert f"branch/all{at}/seed1: 4,456 parameters on cpu, in float32\n" in told
    parent, branch = runs.points(PARENT), runs.points(f"branch/all{at}/seed1")
    assert branch == {step: digest for step, digest in parent.items() if step >= 4 * at}
    if at < 4:
        assert runs.log(f"branch/all{at}/seed1") == runs.log(PARENT)[at:]
    assert runs.said(f"all{at}")["frozen"] == 0


def test_only_what_trains_moves(runs):
    for trains in ("norms", "norms-and-classifier", "random-weights", "none"):
        assert runs.branch(trains, at=2, trains=trains) == 0
        first, last = (runs.values(f"branch/{trains}/seed1", index) for index in (0, -1))
        moved = {name: int((first[name] != last[name]).sum()) for name in first}
        total = sum(values.size for name, values in first.items() if "bn" in name)
        said = runs.said(trains)
        if trains == "random-weights":
            weights = {name for name in moved if "conv" in name or name == "fc.weight"}
            assert sum(moved.values()) == said["trained"] == total
            assert {name for name, count in moved.items() if count} <= weights
        else:
            wanted = {"none": set(), "norms": {"bn"}, "norms-and-classifier": {"bn", "fc"}}[trains]
            assert {name for name, count in moved.items() if count} == {
                name for name in moved if any(word in name for word in wanted)
            }
        assert said["trained"] + said["frozen"] == sum(values.size for values in first.values())
        scalars = {"none": 0, "norms-and-classifier": total + 8 * 10 + 10}.get(trains, total)
        assert said["trained"] == scalars and len(said["frozen_sha256"]) == 64
        if trains != "none":
            assert said["optimizer_bytes"] == 4 * scalars and said["seconds"] > 0
    assert runs.said("none")["gradient_bytes"] == runs.said("none")["optimizer_bytes"] == 0
    assert runs.said("norms")["gradient_bytes"] == 4 * runs.said("norms")["trained"]
    assert runs.said("random-weights")["gradient_bytes"] > 4 * runs.said("random-weights")["trained"]


def test_the_parent_at_t_is_what_a_branch_that_stops_there_tests(runs):
    assert runs.branch("stop", at=2, trains="none") == 0
    (row,) = runs.log("branch/stop/seed1")
    assert (row["epoch"], row["test_accuracy"]) == (2, runs.log(PARENT)[1]["test_accuracy"])
    assert runs.branch("fresh", at=2, trains="none", statistics="refreshed") == 0
    assert runs.points("branch/fresh/seed1") == runs.points("branch/stop/seed1")


def test_a_window_has_points_of_its_own(runs):
    window = {"at": 1, "trains": "all", "length": 3, "points": {"every": 1, "unit": "steps"}}
    assert runs.branch("window", **window) == 0
    points, parent = runs.points("branch/window/seed1"), runs.points(PARENT)
    assert list(points) == [4, 5, 6, 7] and points[4] == parent[4]
    assert runs.branch("window2", **window | {"length": 4}) == 0
    assert runs.points("branch/window2/seed1")[8] == parent[8]


@pytest.mark.parametrize("trains", ["norms", "random-weights"])
def test_a_branch_that_is_stopped_goes_on_to_the_same_bits(runs, monkeypatch, trains):
    settings = {"at": 2, "trains": trains, "statistics": "trained"}
    assert runs.branch(f"{trains}-whole", **settings) == 0
    train, calls = Trainer.train, iter(range(100))
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "train", lambda self, stop: train(self, lambda: next(calls) == 2))
        assert runs.branch(f"{trains}-cut", **settings) == 75
    assert runs.branch(f"{trains}-cut", **settings) == 0
    assert runs.points(f"branch/{trains}-cut/seed1") == runs.points(f"branch/{trains}-whole/seed1")


def test_an_optimizer_that_reaches_what_is_frozen_is_found_out(runs, monkeypatch, capsys):
    monkeypatch.setattr("hallmarks.training.start.Start.parameters", lambda start: start.model.parameters())
    monkeypatch.setattr("hallmarks.training.branch.restricted", lambda state, names, trained: state)
    assert runs.branch("moved", at=2, trains="norms") == 2
    assert "conv1.weight: was frozen, and has moved" in capsys.readouterr().err


def test_points_that_differ_are_refused(runs, tmp_path, capsys):
    """As they would on another device: the parent's own points, altered."""
    path = runs.folder / "runs" / PARENT / "trajectory/trajectory.json"
    before = path.read_text()
    shutil.rmtree(runs.folder / "scratch/.states", ignore_errors=True)  # what other branches trained again
    try:
        path.write_text(before.replace(runs.points(PARENT)[4], "0" * 64))
        for _ in "ab":  # the second finds nothing that the first left
            assert runs.branch("other", at=1, trains="norms") == 2
            told = capsys.readouterr().err.splitlines()[-1]
            assert f"{PARENT}: trained again, its point at epoch 1 is another" in told
    finally:
        path.write_text(before)
    assert runs.branch("other", at=1, trains="norms") == 0


def test_a_state_past_the_points_that_were_compared_is_not_taken(runs, capsys):
    """A branch was stopped once it had the state after epoch 3; another trained to epoch 1 again since."""
    shutil.rmtree(runs.folder / "scratch/.states", ignore_errors=True)
    assert runs.branch("later", at=3, trains="norms") == 0
    (path,) = (runs.folder / "scratch/.states").rglob("output/states/state-000000012.pt")
    kept = {each: each.read_bytes() for each in path.parent.iterdir()}
    shutil.rmtree(path.parent)
    assert runs.branch("earlier", at=1, trains="norms") == 0
    for each, content in kept.items():
        each.write_bytes(content)
    capsys.readouterr()
    assert runs.branch("again", at=3, trains="norms") == 0
    assert "going on after step 4" in capsys.readouterr().err


def test_a_state_that_was_lost_where_its_first_steps_end_is_kept_again(runs):
    """What they could go on from is the very state that is wanted."""
    assert runs.branch("found", at=3, trains="none") == 0
    for path in (runs.folder / "scratch/.states").rglob("output/states/state-000000012.*"):
        path.unlink()
    assert runs.branch("lost", at=3, trains="none") == 0
    assert runs.points("branch/lost/seed1") == runs.points("branch/found/seed1")


def test_a_parent_that_diverged_before_is_one_line(tmp_path, capsys):
    runs = Runs(tmp_path)
    wild = TASK | {"recipe": TASK["recipe"] | {"optimizer": {"learning_rate": 1e30}, "schedule": {}}}
    words = ["--data", tmp_path / "data", "--scratch", tmp_path / "scratch", "--output", tmp_path / "wild"]
    command = ["train", PARENT, "--settings", json.dumps(wild), "--record-divergence", *map(str, words)]
    assert cli.main(command) == 0
    branch = {"origin": "branched", "parent": "parent", "training": wild, "at": 3, "trains": "norms"}
    assert runs.train("branch/x/seed1", branch, parent=str(tmp_path / "wild")) == 2
    assert f"{PARENT} diverged at epoch" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "runs").exists() and not list((tmp_path / "scratch").rglob("*.*"))
    branch |= {"training": TASK}
    assert runs.train("branch/x/seed1", branch, parent=str(tmp_path / "wild")) == 2
    assert "not the run that the branch goes on from; recipe." in capsys.readouterr().err


def test_a_parent_stands_where_a_setting_came_later_or_where_its_settings_were_accepted(tmp_path):
    """At its default the later one changes nothing; an acceptance of other code says nothing of settings."""
    settings = TASKS.validate(TASK)
    making = Making("branch/x/seed1", 1, None, tmp_path, lambda: None, lambda: False)
    parent = partial(ParentRun, tmp_path, settings, making)
    own = {"seed": 1} | settings.resolved()

    def made_by(**recipe) -> Identity:
        return Identity(own | {"recipe": own["recipe"] | recipe}, {}, {"hallmarks.training.loop": "x"})

    before = made_by()
    del before.settings["recipe"]["compile"]
    before.write(tmp_path / "identity.json")
    assert parent().identity == before
    other = made_by(length=5)
    other.write(tmp_path / "identity.json")
    accept(
        tmp_path / "accepted.json", other, replace(other, code={"hallmarks.training.loop": "y"}), "no number"
    )
    with pytest.raises(UserError, match="not the run that the branch goes on from; recipe.length: 5 → 4"):
        assert parent().identity
    accept(tmp_path / "accepted.json", other, made_by(), "it ends the same")
    assert parent().identity == other


def test_the_configuration_gives_a_branch_its_parents_settings():
    config = configuration({}, {"at": 0}, {"momentum": 0})
    found = runs_of(expand(config))
    assert list(found) == [
        "parent/default/seed1",
        "parent/momentum=0/seed1",
        "branch/default/seed1",
        "branch/at=0/seed1",
        "branch/momentum=0/seed1",
    ]
    assert found["branch/momentum=0/seed1"].parent.name == "parent/momentum=0/seed1"
    assert found["branch/at=0/seed1"].settings.resolved()["training"] == config.tasks["parent"].resolved()
    assert found["branch/default/seed1"].settings.cost().steps == 8


def test_what_a_branch_begins_from_and_tells_decides_it():
    """And nothing that only writes, asks or reports."""
    (run,) = expand(configuration({}))["e"][0].runs
    used = closure(tuple(run.settings.modules()))
    assert {f"hallmarks.training.{name}" for name in ("branch", "frozen", "span", "statistics")} <= set(used)
    idle = {"log", "lease", "parent", "state", "trainer"}
    assert not {f"hallmarks.training.{name}" for name in idle} & set(used)
    assert not any(name.startswith("hallmarks.origins") for name in used)


def test_a_branch_of_sam_costs_two_passes_a_step():
    sam = {"training.recipe.optimizer": {"name": "sam", "learning_rate": 0.1}}
    rows = expand(configuration({}, sam, trains="all"))["e"]
    sgd, sam = (row.runs[0].settings.cost().flops for row in rows)
    tested = 2 * 50 / 3  # two epochs' tests, the forward third
    assert sam / sgd == pytest.approx((2 * 8 * 32 + tested) / (8 * 32 + tested))


@pytest.mark.parametrize("rate", [0.1, 0.2])
def test_the_parent_of_another_optimizer_has_all_of_its_settings(rate):
    """Those too in which it is as the task: the task's own go with its optimizer."""
    sam = {"name": "sam", "learning_rate": rate, "momentum": 0.9}
    (run,) = expand(configuration({"training.recipe.optimizer": sam}))["e"][0].runs
    assert run.parent.settings == run.settings.training
    assert run.parent.settings.recipe.optimizer.momentum == 0.9


@pytest.mark.parametrize(
    ("branch", "line"),
    [
        ({"at": 5}, r"tasks\.branch\.at: epoch 5 is past the end of parent, 4 epochs"),
        ({"at": 2.5}, r"tasks\.branch\.at: Input should be a valid integer"),
        ({"trains": "nroms"}, r"tasks\.branch\.trains: Input should be 'norms', .*not 'nroms'"),
        ({"parent": "parnet"}, r"branch\.parent: no task is called 'parnet'"),
        ({"statistics": "refreshed"}, r"statistics: are refreshed where nothing trains"),
        ({"length": 9}, r"tasks\.branch\.length: 9 steps after epoch 2 are past the end"),
        ({"length": 5, "trains": "none"}, r"tasks\.branch: length: nothing trains"),
        ({"points": {"windows": [[4, 9]]}}, r"windows: \[4, 9\] is not within the branch, steps 8 to 16"),
        ({"points": {"windows": [[9, 17]]}}, r"windows: \[9, 17\] is not within the branch"),
        ({"points": {"windows": [[8, 11]]}, "length": 2}, r"windows: \[8, 11\] .* steps 8 to 10"),
    ],
)
def test_a_mistake_is_one_line(branch, line):
    tasks = {"parent": TASK, "branch": {"origin": "branched", "parent": "parent", "at": 2, "trains": "norms"}}
    tasks["branch"] |= branch
    swept = {"title": "t", "section": "s", "task": "branch", "variations": [{}]}
    with pytest.raises(UserError, match=line) as error:
        expand(check({"scale": "tiny", "tasks": tasks, "experiments": {"e": swept}}, "config"))
    assert "\n" not in str(error.value)


def test_the_paper_counts_1376_scalars():
    model = ResNet20()
    counts = {}
    for name, kind in TRAINABLE.items():
        parameters = dict(model.named_parameters())
        trained = kind(model, 0)
        counts[name] = sum(parameters[n].numel() if w is None else len(w) for n, w in trained.items())
    assert counts == {
        "norms": 1376,
        "norms-and-classifier": 1376 + 650,
        "random-weights": 1376,
        "all": 269_722,
        "none": 0,
    }
    first, again, other = (TRAINABLE["random-weights"](model, seed) for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(name not in other or not torch.equal(first[name], other[name]) for name in first)


def test_entries_move_as_the_whole_tensors_would_where_all_are_given():
    """Against the optimizer of the tensors, from a state with momentum, in float64."""
    torch.manual_seed(0)
    nets = [nn.Linear(4, 3).double() for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    optimizer = Sgd(learning_rate=0.1, momentum=0.9, weight_decay=0.1)
    inputs = torch.randn(5, 4, dtype=torch.float64)

    def steps(net, optimizer, count):
        def closure():
            loss = net(inputs).square().sum()
            optimizer.zero_grad()
            loss.backward()
            return loss

        for _ in range(count):
            optimizer.step(closure)

    whole = optimizer.build(nets[0].parameters())
    steps(nets[0], whole, 2)
    nets[1].load_state_dict(nets[0].state_dict())
    places = {name: torch.arange(p.numel()) for name, p in nets[1].named_parameters()}
    entries = OfEntries(list(nets[1].parameters()), list(places.values()), optimizer.build)
    entries.load_state_dict(restricted(whole.state_dict(), list(places), places))
    steps(nets[0], whole, 3)
    steps(nets[1], entries, 3)
    for one, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-14, atol=0)


class Fixed:
    """Two batches an epoch."""

    steps_per_epoch = 2
    inputs = torch.arange(24.0).reshape(2, 4, 3)

    def batch(self, epoch, index):
        return self.inputs[index], None


def refreshed(net: nn.Module, precision: str) -> nn.Module:
    optimizer = Sgd(learning_rate=0.1)
    recipe = Recipe(optimizer=optimizer, batch_size=4, length=1, precision=precision)
    refresh(set_up(recipe, Start(net), Fixed()), 0)
    return net


def test_refreshed_statistics_are_the_mean_over_an_epoch_of_batches():
    net = nn.Sequential(nn.BatchNorm1d(3))
    net(torch.randn(8, 3))
    refreshed(net, "float32")
    batches = Fixed.inputs.double()
    torch.testing.assert_close(net[0].running_mean.double(), batches.mean(1).mean(0))
    torch.testing.assert_close(net[0].running_var.double(), batches.var(1).mean(0))
    assert net[0].momentum == 0.1


def test_refreshed_statistics_are_in_the_numbers_of_the_run():
    torch.manual_seed(0)
    net = refreshed(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), "bf16")
    inputs, weight, bias = (
        values.bfloat16().double() for values in (Fixed.inputs, net[0].weight, net[0].bias)
    )
    means = (inputs @ weight.T + bias).bfloat16().double().mean((0, 1))
    torch.testing.assert_close(net[1].running_mean.double(), means, rtol=1e-3, atol=0)


def test_fixed_statistics_normalise_in_training_too():
    net = nn.Sequential(nn.BatchNorm1d(3))
    state = {"0.running_mean": torch.ones(3), "0.running_var": torch.full((3,), 4.0)}
    fix(net, state | {"0.num_batches_tracked": torch.tensor(7)})
    net.train()
    inputs = torch.randn(5, 3)
    torch.testing.assert_close(net(inputs), (inputs - 1) / 2, rtol=1e-4, atol=1e-5)
    assert torch.equal(net[0].running_mean, torch.ones(3))

"""Killed at any moment, a run goes on and ends with the bits of one never killed."""

import io
import itertools
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hallmarks import cli
from hallmarks.data.prepare import prepare
from hallmarks.data.sets.imagenet import Expected
from hallmarks.files import sync_folder
from hallmarks.optimizers.sgd import Settings as Sgd
from hallmarks.origins.trained import Points, Recipe
from hallmarks.runs.identity import SHORT, Identity
from hallmarks.training.state import read_verified
from hallmarks.trajectory.reader import read_trajectory

SETTINGS = {
    "data": {"name": "digits", "training_images": 256, "test_images": 100, "augment": ["crop"]},
    "model": {"name": "resnet20", "width": 2},
    "recipe": {
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.001},
        "batch_size": 32,
        "length": 3,
        "schedule": {"name": "drops", "at": [2]},
        "points": {"every": 4, "unit": "steps"},
    },
}
RUN = "resnet20-digits/default/seed1"


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "digits"
    prepare("digits", None, folder)
    return folder


@pytest.fixture(scope="module")
def server():
    """Starts processes that have loaded what a run and this module import, and have used none of it."""
    context = multiprocessing.get_context("forkserver")
    ours = ["commands.train", "data.batches", "data.prepare", "origins.trained", "training.attempt"]
    # The first optimizer imports PyTorch's compiler.
    context.set_forkserver_preload(["pytest", "torch._dynamo", *(f"hallmarks.{name}" for name in ours)])
    return context


@pytest.fixture
def command(digits, tmp_path):
    """The command line of a run, its results and scratch in a folder of this test."""
    saved = signal.getsignal(signal.SIGTERM)

    def words(name: str, settings=SETTINGS, run=RUN) -> list[str]:
        folders = {"--data": digits, "--scratch": tmp_path / name / "scratch", "-o": tmp_path / name / "run"}
        options = [str(word) for pair in folders.items() for word in pair]
        return ["train", run, "--settings", json.dumps(settings), "--threads", "1", *options]

    yield words
    signal.signal(signal.SIGTERM, saved)


def changed(**recipe) -> dict:
    return SETTINGS | {"recipe": SETTINGS["recipe"] | recipe}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def run_command(words: list[str], told: Path) -> None:
    with open(told, "w") as sys.stderr:
        sys.exit(cli.main(words))


def wait_for(path: Path, process: multiprocessing.Process) -> None:
    while not path.exists():
        assert process.is_alive()
        time.sleep(0.001)


def test_stopped_killed_and_gone_on_with_by_the_command(server, command, tmp_path):
    told = tmp_path / "told"

    def start(name: str) -> multiprocessing.Process:
        process = server.Process(target=run_command, args=(command(name), told))
        process.start()
        return process

    def end(process: multiprocessing.Process) -> tuple[int, str]:
        process.join()
        return process.exitcode, told.read_text()

    assert end(start("whole"))[0] == 0
    assert not (tmp_path / "whole" / "scratch" / RUN).exists()
    whole, again = tmp_path / "whole" / "run", tmp_path / "again" / "run"
    assert sorted(path.name for path in whole.iterdir()) == [
        "finished.json",
        "identity.json",
        "log.csv",
        "settings.yaml",
        "trajectory",
    ]
    assert [point.step for point in read_trajectory(whole / "trajectory").points] == [0, 4, 8, 12, 16, 20, 24]

    identity = Identity.read(whole / "identity.json")
    states = tmp_path / "again" / "scratch" / RUN / identity.key[:SHORT] / "states"
    wait_for(states / "state-000000004.sha256", process := start("again"))
    process.terminate()
    status, text = end(process)
    assert status == 75 and "the same command goes on from there" in text and not again.exists()

    wait_for(states / "state-000000016.pt", process := start("again"))
    process.kill()
    assert end(process)[0] == -signal.SIGKILL and not again.exists()

    status, text = end(start("again"))
    assert status == 0 and "going on after step" in text
    assert contents(whole / "trajectory") == contents(again / "trajectory")
    assert (whole / "settings.yaml").read_bytes() == (again / "settings.yaml").read_bytes()


KILLS = 200
QUICK = SETTINGS | {
    "data": {"name": "digits", "training_images": 64, "test_images": 10},
    "model": {"name": "resnet20", "width": 1},
    "recipe": {"optimizer": {"learning_rate": 0.1, "momentum": 0.9}, "batch_size": 32, "length": 8},
}


def test_killed_at_random_moments(server, command, tmp_path):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")

    def start(name: str) -> multiprocessing.Process:
        process = server.Process(target=run_command, args=(command(name, QUICK), tmp_path / f"{name}.told"))
        process.start()
        return process

    took = []
    for name in "ab":  # the first waits until PyTorch is loaded
        began = time.monotonic()
        (process := start(name)).join()
        took.append(time.monotonic() - began)
        assert process.exitcode == 0
    whole = contents(tmp_path / "a" / "run" / "trajectory")
    assert len(whole) == 11 and contents(tmp_path / "b" / "run" / "trajectory") == whole

    def kill_runs(lane: int) -> int:
        """Runs killed at random moments of an undisturbed run's time, each until it ends; how many runs."""
        moments, kills = random.Random(seed + lane), 0
        for run in itertools.count():
            folder, code = tmp_path / (name := f"lane{lane}-run{run}"), None
            while code != 0:
                process = start(name)
                if kills < KILLS // 2:
                    process.join(moments.uniform(0, took[1]))
                    process.kill()
                process.join()
                code = process.exitcode
                # 255: killed, and the server that started it did not learn how it ended.
                assert code in {0, -signal.SIGKILL, 255}, (tmp_path / f"{name}.told").read_text()
                kills += code != 0
                for digest in (folder / "scratch" / RUN).glob("*/states/state-*.sha256"):
                    torch.load(io.BytesIO(read_verified(digest.with_suffix(".pt"))), weights_only=True)
                if code == 0 or (folder / "run").exists():
                    assert contents(folder / "run" / "trajectory") == whole
            if kills == KILLS // 2:
                return run + 1

    with ThreadPoolExecutor(2) as pool:
        print(f"{KILLS} kills in {sum(pool.map(kill_runs, range(2)))} runs")


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system than `tmp_path`: memory, or the disk of this checkout."""
    device = tmp_path.stat().st_dev
    place = next(
        folder for folder in [Path("/dev/shm"), Path(__file__).parent] if folder.stat().st_dev != device
    )
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def run_command_killed(words: list[str], told: Path, folder: str, syncs: int) -> None:
    """The command, killed by its own hand at a sync of a file below `folder`."""
    sync, left = os.fsync, iter(range(syncs, 0, -1))

    def kill_or_sync(descriptor: int) -> None:
        if folder in os.readlink(f"/proc/self/fd/{descriptor}") and next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(descriptor)

    os.fsync = kill_or_sync
    run_command(words, told)


@pytest.mark.parametrize("before", [None, QUICK | {"model": {"name": "resnet20", "width": 2}}])
def test_killed_while_results_are_copied_to_another_file_system(server, command, elsewhere, tmp_path, before):
    told, there = tmp_path / "told", elsewhere / "results" / "run"

    def end(target, words: list[str], *arguments) -> int:
        process = server.Process(target=target, args=(words, told, *arguments))
        process.start()
        process.join()
        return process.exitcode

    assert end(run_command, command("whole", QUICK)) == 0
    whole = contents(tmp_path / "whole" / "run" / "trajectory")
    if before:  # an older run of this name lies there
        assert end(run_command, [*command("apart", before)[:-1], str(there)]) == 0
        assert contents(there / "trajectory") != whole
    words = [*command("apart", QUICK)[:-1], str(there)]
    assert end(run_command_killed, words, "/.run.incoming/", 6) == -signal.SIGKILL
    assert 0 < len(list((there.parent / ".run.incoming").rglob("*.*"))) < len(whole) and not there.exists()
    assert end(run_command, words) == 0
    assert "going on after step 16" in told.read_text() and "epoch" not in told.read_text()
    assert contents(there / "trajectory") == whole
    kept = list(there.parent.glob("superseded/run-*/trajectory/trajectory.json"))
    assert len(kept) == (before is not None)  # the older run is kept, whole
    assert sorted(path.name for path in there.parent.iterdir()) == ["run", "superseded"][: 1 + len(kept)]
    assert not (tmp_path / "apart" / "scratch" / RUN).exists()


def test_cut_short_right_after_the_move_it_is_not_trained_again(command, tmp_path, capsys, monkeypatch):
    def killed(folder: Path) -> None:
        if folder == tmp_path / "x":  # where the run is moved
            raise KeyboardInterrupt
        sync_folder(folder)

    with monkeypatch.context() as patched:
        patched.setattr("hallmarks.files.sync_folder", killed)
        assert cli.main(command("x", QUICK)) == 130
    whole = contents(tmp_path / "x" / "run" / "trajectory")
    assert cli.main(command("x", QUICK)) == 0
    assert "finished before, nothing is trained" in capsys.readouterr().err
    assert contents(tmp_path / "x" / "run" / "trajectory") == whole
    assert not (tmp_path / "x" / "scratch" / RUN).exists()


def test_another_seed_is_another_trajectory(command, tmp_path):
    short = changed(length=0, schedule={})
    runs = [RUN, RUN, RUN.replace("seed1", "seed2")]
    for name, run in zip("abc", runs, strict=True):
        assert cli.main(command(name, short, run)) == 0
    first, again, other = (contents(tmp_path / name / "run" / "trajectory") for name in "abc")
    assert first == again and first != other


def test_a_run_that_diverges_leaves_nothing_unless_asked(command, tmp_path, capsys):
    wild = changed(optimizer={"learning_rate": 1e30}, schedule={})
    assert cli.main(command("lost", wild)) == 1
    assert f"{RUN}: the loss is not finite at epoch" in capsys.readouterr().err
    assert not (tmp_path / "lost" / "run").exists()
    assert cli.main([*command("kept", wild), "--record-divergence"]) == 0
    trajectory = read_trajectory(tmp_path / "kept" / "run" / "trajectory")
    assert trajectory.diverged["learning_rate"] == 1e30 and len(trajectory.points) >= 1


def test_image_files_train_resnet50(tmp_path):
    draw = np.random.default_rng(0)
    for split, images in {"train": 4, "val": 2}.items():
        for kind in "ab":
            (parent := tmp_path / "images" / split / kind).mkdir(parents=True)
            for number in range(images):
                pixels = draw.integers(0, 256, (40, 48, 3), np.uint8)
                Image.fromarray(pixels).save(parent / f"{number}.jpeg")
    prepare("imagenet", tmp_path / "images", tmp_path / "data", expected=Expected(classes=2, train=8, test=4))
    settings = {
        "data": {"name": "imagenet", "pooling": 7, "augment": ["crop", "flip"]},
        "model": {"name": "resnet50", "width": 2},
        "recipe": {"optimizer": {"learning_rate": 0.01}, "batch_size": 4, "length": 1},
    }
    folders = ["--data", tmp_path / "data", "--scratch", tmp_path / "scratch", "-o", tmp_path / "run"]
    words = ["train", "images/default/seed0", "--settings", json.dumps(settings), *map(str, folders)]
    assert cli.main(words) == 0
    trajectory = read_trajectory(tmp_path / "run" / "trajectory")
    assert [point.step for point in trajectory.points] == [0, 2]
    assert trajectory.parameters["conv1.weight"] == {"shape": [2, 3, 3, 3], "kind": "conv"}


@pytest.mark.parametrize(
    ("run", "settings", "message"),
    [
        ("../x/seed0", SETTINGS, "not a run's name"),
        ("task/default/seed-1", SETTINGS, "not a run's name"),
        (RUN, changed(optimizer={"learning_rate": -1}), "--settings: recipe.optimizer.learning_rate: "),
        (RUN, changed(bach_size=3), "--settings: recipe.bach_size: unknown key; did you mean 'batch_size'?"),
        (RUN, changed(batch_size=512), "recipe.batch_size: 512 is larger than the training set"),
    ],
)
def test_a_mistake_is_one_line(command, capsys, run, settings, message):
    assert cli.main(command("x", settings, run)) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1


def train_small(folder: Path, kill_at: int | None) -> None:
    """A run of seconds' fractions; killed by its own hand at a write to disk (a sync), if told which."""
    from hallmarks.training.setup import set_up
    from hallmarks.training.start import Start
    from hallmarks.training.trainer import Trainer

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3))
    settings = Recipe(
        optimizer=Sgd(learning_rate=0.1, momentum=0.9), batch_size=8, length=2, points=Points(every=1)
    )
    sync, syncs = os.fsync, iter(range(1, 1000))

    def kill_or_sync(descriptor: int) -> None:
        if next(syncs) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(descriptor)

    os.fsync = kill_or_sync
    Trainer("r", set_up(settings, Start(network), RandomBatches()), folder).train()


class RandomBatches:
    steps_per_epoch = 4

    def batch(self, epoch, index):
        generator = torch.Generator().manual_seed(100 * epoch + index)
        return torch.randn(8, 5, generator=generator), torch.randint(3, (8,), generator=generator)

    def test(self):
        yield self.batch(99, 0)


def test_killed_at_each_write_to_disk(server, tmp_path):

    def exit_code(folder: Path, kill_at: int | None = None) -> int:
        process = server.Process(target=train_small, args=(folder, kill_at))
        process.start()
        process.join()
        return process.exitcode

    assert exit_code(tmp_path / "whole") == 0
    whole = contents(tmp_path / "whole" / "output" / "trajectory")
    assert len(whole) == 4
    kills = 0
    while exit_code(folder := tmp_path / str(kills), kills + 1) == -signal.SIGKILL:
        assert exit_code(folder) == 0
        assert contents(folder / "output" / "trajectory") == whole
        kills += 1
    assert kills > 20

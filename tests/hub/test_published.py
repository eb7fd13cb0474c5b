"""Published trajectories: what an address names, what is wrong with it, and the kernel of the rest."""

import numpy as np
import pytest
from hub.conftest import point, weights
from safetensors.numpy import save_file

from hallmarks.kernel.file import Kernel

MODEL = "org/model"
STEPS = [0, 1, 2, 4, 8, 16, 1000, 2000]


@pytest.fixture
def model(published):
    """Eight steps, and main, which is the last."""
    for step in STEPS:
        published.publish(MODEL, f"step{step}", {"model.safetensors": weights(step), "README.md": b"x"})
    published.publish(MODEL, "main", {"model.safetensors": weights(2000)})
    return published


def steps_in(path) -> list[int]:
    return Kernel.load(path).step.tolist()


def local_kernel(folder, call, steps):
    """The kernel of the same points on a disk."""
    (folder / "disk").mkdir()
    for step in steps:
        save_file(point(step), folder / "disk" / f"step{step}.safetensors")
    assert call("kernel", folder / "disk", "-o", folder / "disk.npz")[0] == 0
    return Kernel.load(folder / "disk.npz")


def test_the_kernel_of_revisions_is_that_of_the_same_files_on_a_disk(model, call, tmp_path):
    status, said, _ = call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "hub.npz")
    assert status == 0 and "8 points, model@step0 … model@step2000, ordered by step" in said
    found, disk = Kernel.load(tmp_path / "hub.npz"), local_kernel(tmp_path, call, STEPS)
    assert found.step.tolist() == STEPS and found.groups == disk.groups
    np.testing.assert_array_equal(found.increments_gram, disk.increments_gram)


@pytest.mark.parametrize(
    ("revisions", "steps"),
    [
        ("step0,step8,step2000", [0, 8, 2000]),
        ("step2000,step0", [0, 2000]),  # by their steps, however they are listed
        ("step*:4", [0, 8]),
        ("step*:3", [0, 4, 1000]),
        ("step1*", [1, 16, 1000]),
        ("step1*,step2", [1, 2, 16, 1000]),
    ],
)
def test_which_revisions_an_address_names(model, call, tmp_path, revisions, steps):
    assert call("kernel", f"hf://{MODEL}@{revisions}", "-o", tmp_path / "hub.npz")[0] == 0
    assert steps_in(tmp_path / "hub.npz") == steps


def test_tags_are_revisions_too_and_commits(model, call, tmp_path):
    commit = model.publish(MODEL, "step5", {"model.safetensors": weights(5)}, tag=True)
    assert call("kernel", f"hf://{MODEL}@step4,step5", "-o", tmp_path / "a.npz")[0] == 0
    assert steps_in(tmp_path / "a.npz") == [4, 5]
    words = ["kernel", f"hf://{MODEL}@step4,{commit}", "-o", tmp_path / "b.npz"]
    assert call(*words)[0] == 2 and call(*words, "--as-given")[0] == 0


def test_folders_of_a_revision(published, call, tmp_path):
    files = {f"checkpoints/step_{step}/model.safetensors": weights(step) for step in (3, 10, 200)}
    published.publish(MODEL, "main", files | {"model.safetensors": weights(7), "logs/a.json": b"{}"})
    for folders, steps in {"checkpoints/": [3, 10, 200], "checkpoints/step_*:2": [3, 200]}.items():
        assert call("kernel", f"hf://{MODEL}#{folders}", "-o", tmp_path / "hub.npz")[0] == 0
        assert steps_in(tmp_path / "hub.npz") == steps
    status, _, line = call("kernel", f"hf://{MODEL}#check/", "-o", tmp_path / "none.npz")
    assert status == 2 and "folders with weights are checkpoints/step_10," in line


def test_a_repository_a_step(published, call, tmp_path):
    for step in (5, 50, 500):
        published.publish(f"org/run-step{step}", "main", {"model.safetensors": weights(step)})
    published.publish("org/other-step5", "main", {"model.safetensors": weights(5)})
    assert call("kernel", "hf://org/run-step*", "-o", tmp_path / "hub.npz")[0] == 0
    assert steps_in(tmp_path / "hub.npz") == [5, 50, 500]


@pytest.mark.parametrize(
    ("names", "wanted", "said"),
    [
        (
            ["stage1-step0-tokens0B", "stage1-step1000-tokens5B", "stage2-ingredient1-step1000-tokens5B"],
            "*",
            [
                "stage1-step#-tokens# (2, as stage1-step0-tokens0B)",
                "stage2-ingredient1",
                "@stage1-step*-tokens*",
            ],
        ),
        (
            ["step0-seed-default", "step5-seed-default", "step0-seed-small-aux-2", "step5-seed-small-aux-2"],
            "step*",
            ["step#-seed-default (2,", "step#-seed-small-aux-2 (2,", "choose"],
        ),
    ],
)
def test_more_than_one_template_is_refused_with_the_groups(published, call, tmp_path, names, wanted, said):
    for number, name in enumerate(names):
        published.publish(MODEL, name, {"model.safetensors": weights(number)})
    status, _, line = call("kernel", f"hf://{MODEL}@{wanted}", "-o", tmp_path / "hub.npz")
    assert status == 2 and line.count("\n") == 1 and all(text in line for text in said), line
    chosen = "stage1-step*" if wanted == "*" else "step*-seed-default"
    assert call("kernel", f"hf://{MODEL}@{chosen}", "-o", tmp_path / "hub.npz")[0] == 0
    assert len(steps_in(tmp_path / "hub.npz")) == 2


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"hf://{MODEL}@step3", "org/model: has no branch or tag step3; near it are step2, step4, step1"),
        (f"hf://{MODEL}@stpe1000", "near it are step1000"),
        (f"hf://{MODEL}@final", "there are step0"),
        (f"hf://{MODEL}@epoch*", "no branch or tag is named epoch*; it has step# (8, as step0), main"),
        (f"hf://{MODEL}", "which of its revisions? It has step# (8, as step0), main"),
        (f"hf://{MODEL}@step0,main", "of these, one is a trajectory"),
        ("hf://org/modle@step0", "org/modle: no such repository"),
        ("hf://org/nothing-*", "no repository is so named"),
    ],
)
def test_what_is_not_there_is_one_line(model, call, tmp_path, address, said):
    status, _, line = call("kernel", address, "-o", tmp_path / "hub.npz")
    assert status == 2 and line.count("\n") == 1 and said in line, line
    assert not (tmp_path / "hub.npz").exists()


def test_what_to_give_in_place_is_an_address(model, call, tmp_path):
    assert f"as hf://{MODEL}@step*\n" in call("hub", "check", f"hf://{MODEL}")[2]
    for seed in (0, 1):
        for step in (0, 20):
            files = {"model.safetensors": weights(step, seed=seed)}
            model.publish(f"org/bert-seed_{seed}-step_{step}k", "main", files)
    line = call("hub", "check", "hf://org/bert-seed_0-step_0k")[2]
    assert "has no revision but main" in line and "repositories of their own" in line
    line = call("hub", "check", "hf://org/bert-*")[2]
    assert "choose it, as hf://org/bert-seed_0-step_*\n" in line
    words = ["kernel", "hf://org/bert-seed_0-step_*", "-o", tmp_path / "k.npz"]
    assert "2 points, bert-seed_0-step_0k … bert-seed_0-step_20k" in call(*words)[1]
    assert steps_in(tmp_path / "k.npz") == [0, 20000]


@pytest.mark.parametrize(("token", "said"), [(None, "set HF_TOKEN"), ("wrong", "refuses the token")])
def test_a_private_repository_with_no_and_with_a_wrong_token(model, call, tmp_path, monkeypatch, token, said):
    model.token = "right"
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    status, _, line = call("hub", "check", f"hf://{MODEL}@step0,step1")
    assert (
        status == 2
        and line.startswith(f"hallmarks hub: {MODEL}: ")
        and said in line
        and line.count("\n") == 1
    )
    monkeypatch.setenv("HF_TOKEN", "right")
    assert call("kernel", f"hf://{MODEL}@step0,step1", "-o", tmp_path / "hub.npz")[0] == 0

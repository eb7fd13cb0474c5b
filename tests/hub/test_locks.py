"""Locks, the cache, offline: the same bytes next year, or one clear line."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hub.conftest import weights

from hallmarks.kernel.file import Kernel
from hallmarks.trajectory.hub.lock import Lock

MODEL = "org/model"
ADDRESS = f"hf://{MODEL}@step*"


@pytest.fixture
def model(published):
    for step in (0, 5, 9):
        published.publish(MODEL, f"step{step}", {"model.safetensors": weights(step), "config.json": b"{}"})
    return published


def test_a_lock_is_the_same_for_the_same_and_small(model, call, tmp_path):
    for name in ("a.json", "b.json"):
        assert call("hub", "check", ADDRESS, "--lock", tmp_path / name)[0] == 0
    text = (tmp_path / "a.json").read_text()
    assert text == (tmp_path / "b.json").read_text() == Lock.read(tmp_path / "a.json").text
    told = json.loads(text)["revisions"][1]
    assert told["name"] == "step5" and told["commit"] == model.repositories[MODEL].branches["step5"]
    assert told["files"].keys() == {"model.safetensors", "config.json"}
    assert told["files"]["model.safetensors"].keys() == {"size", "blob", "sha256"}
    assert not [request for request in model.requests if "/resolve/" in request.path]  # no file is read


def test_by_a_lock_the_same_bytes_are_read_though_a_branch_moved(model, call, tmp_path):
    lock = tmp_path / "lock.json"
    assert call("kernel", ADDRESS, "-o", tmp_path / "a.npz", "--lock", lock)[0] == 0
    model.publish(MODEL, "step5", {"model.safetensors": weights(77), "config.json": b"{}"})
    assert call("kernel", ADDRESS, "-o", tmp_path / "b.npz", "--lock", lock)[0] == 0
    assert call("kernel", ADDRESS, "-o", tmp_path / "c.npz")[0] == 0
    a, b, c = (Kernel.load(tmp_path / f"{name}.npz").increments_gram for name in "abc")
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    status, said, _ = call("hub", "check", ADDRESS, "--lock", lock)
    assert status == 1 and said.count("wrong: ") == 1
    assert (
        f"wrong: {MODEL}@step5: moved from " in said
        and "model.safetensors is another; the lock reads it" in said
    )
    # Some of its revisions, by their names.
    assert call("kernel", f"hf://{MODEL}@step0,step9", "-o", tmp_path / "d.npz", "--lock", lock)[0] == 0
    assert Kernel.load(tmp_path / "d.npz").step.tolist() == [0, 9]


def test_a_lock_that_grew(model, call, tmp_path):
    """The products of new points with old ones need the old weights: they come from the cache, or again."""
    first, cache = f"hf://{MODEL}@step0,step5", ["--cache", tmp_path / "kept"]
    old = ["-o", tmp_path / "old.npz", "--lock", tmp_path / "old.json"]
    assert call("kernel", first, *old, *cache)[0] == 0
    new = [ADDRESS, "--lock", tmp_path / "new.json", "--extend", tmp_path / "old.npz"]
    status, _, line = call("kernel", *new, "-o", tmp_path / "none.npz")
    assert status == 2 and line.count("\n") == 1 and "need the old ones' weights again" in line
    assert "--cache DIR" in line and not (tmp_path / "none.npz").exists()
    asked = len(model.requests)
    assert call("kernel", *new, *cache, "-o", tmp_path / "new.npz")[0] == 0
    fetched = {request.path for request in model.requests[asked:] if request.port == "store"}
    assert len(fetched) == 1 and model.repositories[MODEL].branches["step9"] in fetched.pop()
    assert call("kernel", ADDRESS, "-o", tmp_path / "whole.npz")[0] == 0
    one, other = (Kernel.load(tmp_path / f"{name}.npz") for name in ("new", "whole"))
    assert one.step.tolist() == other.step.tolist() == [0, 5, 9]
    np.testing.assert_allclose(one.increments_gram, other.increments_gram, rtol=1e-9, atol=1e-9)


def test_options_of_the_hub_are_refused_elsewhere(model, call, tmp_path):
    (tmp_path / "here").mkdir()
    for name in ("a_1", "a_2"):
        (tmp_path / f"here/{name}.safetensors").write_bytes(weights(int(name[-1])))
    for option, value in {"--cache": tmp_path / "kept", "--lock": tmp_path / "lock.json"}.items():
        status, _, line = call("kernel", tmp_path / "here", option, value, "-o", tmp_path / "k.npz")
        assert status == 2 and f"{option}: goes with an address of the hub" in line
    status, _, line = call("kernel", tmp_path / "here", "--until", "3", "-o", tmp_path / "k.npz")
    assert status == 2 and "--until: goes with --follow" in line


def test_a_commit_that_is_gone_and_a_branch_that_is(model, call, tmp_path):
    lock = tmp_path / "lock.json"
    assert call("hub", "check", ADDRESS, "--lock", lock)[0] == 0
    before = model.repositories[MODEL].branches["step5"]
    model.publish(MODEL, "step5", {"model.safetensors": weights(77)})
    model.forget(MODEL, before)
    del model.repositories[MODEL].branches["step9"]
    status, said, _ = call("hub", "check", ADDRESS, "--lock", lock)
    assert status == 1 and said.count("wrong: ") == 2
    assert "@step5: moved from " in said and "config.json is gone, model.safetensors is another" in said
    assert "that commit is gone, and the lock reads it no more" in said
    assert "@step9: no branch or tag step9 any more; the lock reads it" in said
    status, _, line = call("kernel", ADDRESS, "-o", tmp_path / "k.npz", "--lock", lock)
    assert status == 2 and line.count("\n") == 1 and f"{MODEL}@step5/model.safetensors" in line, line
    assert not (tmp_path / "k.npz").exists()


def test_a_file_that_is_not_the_locked_one(model, call, tmp_path):
    lock = tmp_path / "lock.json"
    assert call("hub", "check", ADDRESS, "--lock", lock)[0] == 0
    commit = model.repositories[MODEL].branches["step5"]
    model.add(MODEL, commit, "model.safetensors", weights(77))
    status, _, line = call("kernel", ADDRESS, "-o", tmp_path / "k.npz", "--lock", lock)
    assert (
        status == 2
        and line.count("\n") == 1
        and f"{MODEL}@step5/model.safetensors" in line
        and "locked" in line
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [("{}", "not a lock"), ("no", "not a lock"), ('{"hallmarks": "x", "version": 1}', "not a lock")],
)
def test_what_is_no_lock(model, call, tmp_path, text, said):
    (tmp_path / "lock.json").write_text(text)
    for words in (["kernel", ADDRESS, "-o", tmp_path / "k.npz"], ["hub", "check", ADDRESS]):
        status, _, line = call(*words, "--lock", tmp_path / "lock.json")
        assert status == 2 and f"{tmp_path}/lock.json: {said}" in line and line.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [(f"hf://{MODEL}@step0,step1", "has no step1"), ("hf://org/other@step0", "is of another")],
)
def test_the_lock_of_another_address(model, call, tmp_path, address, said):
    lock = tmp_path / "lock.json"
    assert call("hub", "check", ADDRESS, "--lock", lock)[0] == 0
    status, _, line = call("kernel", address, "-o", tmp_path / "k.npz", "--lock", lock)
    assert status == 2 and line.startswith(f"hallmarks kernel: {lock}: the lock of {ADDRESS} {said}")


def test_the_cache_keeps_files_and_compares_them(model, call, tmp_path):
    words = ["kernel", ADDRESS, "--lock", tmp_path / "lock.json", "--cache", tmp_path / "kept"]
    assert call("kernel", ADDRESS, "-o", tmp_path / "far.npz")[0] == 0
    assert call(*words, "-o", tmp_path / "a.npz")[0] == 0
    asked = len(model.requests)
    assert call(*words, "-o", tmp_path / "b.npz")[0] == 0
    assert not [request for request in model.requests[asked:] if request.port == "store"]
    far, a, b = (Kernel.load(tmp_path / f"{name}.npz") for name in ("far", "a", "b"))
    assert np.array_equal(far.increments_gram, a.increments_gram)
    assert np.array_equal(a.increments_gram, b.increments_gram)
    # As the hub's own client lays them out: `hallmarks kernel` of that folder is another way to them.
    (file, *_) = sorted((tmp_path / "kept/models--org--model/snapshots").glob("*/model.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.resolve().write_bytes(content)
    status, _, line = call(*words, "-o", tmp_path / "c.npz")
    assert status == 2 and "is not the file that is locked" in line and "remove it" in line
    assert line.count("\n") == 1 and "model.safetensors" in line


@pytest.fixture
def elsewhere(model, tmp_path):
    """Runs the command in a process of its own, with an environment as users set it."""

    def run(*words, **environment):
        settings = {"HF_ENDPOINT": model.url, "HF_HOME": str(tmp_path / "home"), **environment}
        return subprocess.run(
            [sys.executable, "-m", "hallmarks.cli", *map(str, words)],
            env=os.environ | settings,
            capture_output=True,
            text=True,
        )

    return run


def test_what_the_environment_says(elsewhere, model, tmp_path):
    lock = tmp_path / "lock.json"
    words = ["kernel", ADDRESS, "--lock", lock]
    offline = elsewhere(*words, "-o", tmp_path / "a.npz", HF_HUB_OFFLINE="1")
    assert offline.returncode == 2 and offline.stderr.count("\n") == 1, offline.stderr
    assert "HF_HUB_OFFLINE is set" in offline.stderr and not model.requests
    model.token = "right"
    refused = elsewhere(*words, "-o", tmp_path / "a.npz", HF_TOKEN="wrong")
    assert refused.returncode == 2 and "refuses the token" in refused.stderr, refused.stderr
    done = elsewhere(*words, "-o", tmp_path / "a.npz", "--cache", tmp_path / "kept", HF_TOKEN="right")
    assert done.returncode == 0, done.stderr
    asked = len(model.requests)
    again = elsewhere(*words, "-o", tmp_path / "b.npz", "--cache", tmp_path / "kept", HF_HUB_OFFLINE="1")
    assert again.returncode == 0 and len(model.requests) == asked, again.stderr
    one, other = (Kernel.load(tmp_path / f"{name}.npz").increments_gram for name in "ab")
    assert np.array_equal(one, other)
    lacking = elsewhere(*words, "-o", tmp_path / "c.npz", HF_HUB_OFFLINE="1")  # of the client's own cache
    assert lacking.returncode == 2 and lacking.stderr.count("\n") == 1, lacking.stderr
    assert f"{MODEL}@step0/model.safetensors: HF_HUB_OFFLINE is set, and it is not in " in lacking.stderr

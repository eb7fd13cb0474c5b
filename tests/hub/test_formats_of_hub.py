"""Published files of every form: shards, both formats, types and orders that differ, buffers."""

import json

import numpy as np
import pytest
from hub.conftest import point, sharded, weights
from safetensors.numpy import save

from hallmarks.kernel.file import Kernel

MODEL = "org/model"


def kernel_of(call, folder, address=f"hf://{MODEL}@step*", *words) -> tuple[Kernel, str]:
    status, said, line = call("kernel", address, "-o", folder / "k.npz", *words)
    assert status == 0, line
    return Kernel.load(folder / "k.npz"), said


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_shards_and_whole_files_give_one_kernel(published, call, tmp_path, kind):
    for step in (0, 5, 9):
        published.publish(MODEL, f"step{step}", sharded(point(step), kind))
        published.publish("org/whole", f"step{step}", {"model.safetensors": weights(step)})
    (one, _), (other, _) = kernel_of(call, tmp_path), kernel_of(call, tmp_path, "hf://org/whole@step*")
    assert dict(zip(one.groups, one.increments_gram.tolist(), strict=True)) == dict(
        zip(other.groups, other.increments_gram.tolist(), strict=True)
    )


def test_an_index_that_names_a_missing_shard(published, call, tmp_path):
    published.publish(MODEL, "step0", sharded(point(0), "bin"))
    files = sharded(point(5), "bin")
    del files["pytorch_model-00002-of-00002.bin"]
    published.publish(MODEL, "step5", files)
    for words in (
        ["kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz"],
        ["hub", "check", f"hf://{MODEL}@step*"],
    ):
        status, _, line = call(*words)
        assert status == 2 and line.count("\n") == 1
        assert f"{MODEL}@step5: pytorch_model-00002-of-00002.bin is not there" in line


def test_an_index_that_names_what_its_name_does_not(published, call, tmp_path):
    files = sharded(point(0), "bin")
    index = {"weight_map": {"embed.weight": "other.bin", "out.weight": "pytorch_model-00002-of-00002.bin"}}
    published.publish(MODEL, "step0", files | {"pytorch_model.bin.index.json": json.dumps(index).encode()})
    status, _, line = call("kernel", f"hf://{MODEL}@step0", "-o", tmp_path / "k.npz")
    assert (
        status == 2
        and f"{MODEL}@step0: pytorch_model.bin.index.json says that 1 tensors are in other.bin" in line
    )


def test_other_types_and_another_order_between_revisions(published, call, tmp_path):
    for step in (0, 5, 9):
        own = point(step)
        if step == 5:
            own = {name: own[name].astype(np.float64) for name in reversed(own)}
        published.publish(MODEL, f"step{step}", {"model.safetensors": save(own)})
        published.publish("org/plain", f"step{step}", {"model.safetensors": weights(step)})
    (one, _), (other, _) = kernel_of(call, tmp_path), kernel_of(call, tmp_path, "hf://org/plain@step*")
    np.testing.assert_allclose(one.increments_gram, other.increments_gram, rtol=1e-5, atol=1e-4)


def test_buffers_that_some_revisions_have(published, call, tmp_path):
    for step in (0, 5, 9):
        mask = {"layers.0.attention.bias": np.tril(np.ones((1, 1, 8, 8), bool))} if step else {}
        published.publish(MODEL, f"step{step}", {"model.safetensors": save(point(step) | mask)})
    kernel, said = kernel_of(call, tmp_path)
    assert kernel.groups == ["embed.weight", "out.weight"] and "left out: 1 integers" in said.replace(
        "integer (", "integers ("
    )


def test_heads_come_from_the_models_configuration(published, call, tmp_path):
    for step in (0, 5):
        own = {
            "layers.0.attention.query_key_value.weight": np.random.default_rng(step).random(
                (24, 8), np.float32
            )
        }
        config = {"config.json": json.dumps({"num_attention_heads": 4}).encode()}
        published.publish(MODEL, f"step{step}", {"model.safetensors": save(own)} | config)
    kernel, _ = kernel_of(call, tmp_path)
    assert kernel.groups == [f"layers.0.attention.{part}.weight" for part in ("query", "key", "value")]


def test_two_models_in_a_revision_are_refused(published, call, tmp_path):
    files = {"model.safetensors": weights(0), "adapter_model.safetensors": weights(1)}
    published.publish(MODEL, "step0", files)
    status, _, line = call("kernel", f"hf://{MODEL}@step0", "-o", tmp_path / "k.npz")
    assert status == 2 and f"{MODEL}@step0: holds the weights of more than one model" in line
    kernel_of(call, tmp_path, f"hf://{MODEL}@step0", "--weights", "adapter_model.safetensors")


@pytest.mark.parametrize("kind", ["whole", "sharded"])
def test_a_folder_of_each_revision_has_the_weights(published, call, tmp_path, kind):
    """As diffusers lays a pipeline out: `unet/diffusion_pytorch_model.safetensors`."""
    for step in (0, 5, 9):
        own = {"diffusion_pytorch_model.safetensors": weights(step)}
        if kind == "sharded":
            own = {
                name.replace("model", "diffusion_pytorch_model"): content.replace(
                    b"model-0", b"diffusion_pytorch_model-0"
                )
                for name, content in sharded(point(step), "safetensors").items()
            }
        unet = {f"unet/{name}": content for name, content in own.items()} | {"unet/config.json": b"{}"}
        published.publish(MODEL, f"step{step}", unet | {"model_index.json": b"{}", "optimizer.bin": b"x"})
        both = unet | {"vae/diffusion_pytorch_model.safetensors": weights(step + 1)}
        published.publish("org/pipeline", f"step{step}", both | {"model_index.json": b"{}"})
        published.publish("org/plain", f"step{step}", {"model.safetensors": weights(step)})
        files = {f"checkpoint-{each}/{name}": content for each in (1, 2) for name, content in unet.items()}
        published.publish("org/folders", "main", files)
    plain = kernel_of(call, tmp_path, "hf://org/plain@step*")[0]

    def same(kernel: Kernel) -> bool:
        order = [kernel.groups.index(name) for name in plain.groups]
        return np.array_equal(kernel.increments_gram[order], plain.increments_gram)

    assert same(kernel_of(call, tmp_path)[0])
    status, _, line = call("kernel", "hf://org/pipeline@step*", "-o", tmp_path / "none.npz")
    assert status == 2 and "org/pipeline@step0: holds the weights of more than one model (unet, vae)" in line
    assert "give --weights unet, or another" in line
    for named in ("unet", "unet/"):
        assert same(kernel_of(call, tmp_path, "hf://org/pipeline@step*", "--weights", named)[0])
    assert not same(kernel_of(call, tmp_path, "hf://org/pipeline@step*", "--weights", "vae")[0])
    if kind == "whole":
        name = "unet/diffusion_pytorch_model.safetensors"
        assert same(kernel_of(call, tmp_path, "hf://org/pipeline@step*", "--weights", name)[0])
        assert kernel_of(call, tmp_path, "hf://org/folders#checkpoint-*", "--allow-duplicates")[
            0
        ].step.tolist() == [1, 2]
    status, said, _ = call("hub", "check", "hf://org/pipeline@step*", "--weights", "unet")
    assert status == 0 and "3 distinct of 3 revisions" in said


def test_a_revision_without_weights(published, call, tmp_path):
    published.publish(MODEL, "step0", {"config.json": b"{}", "README.md": b"soon"})
    status, _, line = call("kernel", f"hf://{MODEL}@step0", "-o", tmp_path / "k.npz")
    assert status == 2 and f"{MODEL}@step0: holds no file of weights at its root; it has config.json" in line


def test_tied_and_transposed_weights_count_once(published, call, tmp_path):
    for step in (0, 5, 9):
        own = point(step)
        own["lm_head.weight"] = np.ascontiguousarray(own["out.weight"].T)
        published.publish(MODEL, f"step{step}", {"model.safetensors": save(own)})
    kernel, said = kernel_of(call, tmp_path)
    assert len(kernel.groups) == 2 and "tied, counted once" in said

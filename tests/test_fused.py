"""Queries, keys and values of the common architectures: each model's own, split as the model splits them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from hallmarks import cli
from hallmarks.kernel.file import Kernel
from hallmarks.measures.layers import qkv_weights

SMALL = {
    "vocab_size": 32,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "intermediate_size": 40,
    "pad_token_id": 0,
}
GROUPED = SMALL | {"num_key_value_heads": 2}
GPT2 = {"vocab_size": 32, "n_embd": 24, "n_layer": 2, "n_head": 6}
PLAIN = {"query": slice(0, 24), "key": slice(24, 48), "value": slice(48, 72)}
FEW = {"query": slice(0, 24), "key": slice(24, 32), "value": slice(32, 40)}  # heads of 4 numbers, 6, 2 and 2
ONE = {"query": slice(0, 24), "key": slice(24, 28), "value": slice(28, 32)}
MPT = {"vocab_size": 32, "d_model": 24, "n_layers": 2, "n_heads": 6, "expansion_ratio": 2}


def rows(name: str, parts: dict):
    """Of a model whose tensor `name` has these rows of each."""
    return {role: (name, lambda weight, which=which: weight[which]) for role, which in parts.items()}


def columns(name: str, parts: dict):
    return {role: (name, lambda weight, which=which: weight[:, which]) for role, which in parts.items()}


def separate(pattern: str):
    return {role: (pattern.format(role[0]), lambda weight: weight) for role in PLAIN}


def by_head(name: str):
    """GPT-NeoX's rows, [heads, 3, head size]."""
    return {
        role: (name, lambda weight, at=at: weight.reshape(6, 3, 4, 24)[:, at].reshape(24, 24))
        for at, role in enumerate(PLAIN)
    }


# Each architecture, and where its second layer has each of the three.
MODELS = {
    "gpt_neox": (SMALL, by_head("gpt_neox.layers.1.attention.query_key_value.weight")),
    "gpt2": (GPT2, columns("transformer.h.1.attn.c_attn.weight", PLAIN)),
    "gpt_bigcode": (GPT2 | {"multi_query": True}, rows("transformer.h.1.attn.c_attn.weight", ONE)),
    "llama": (GROUPED, separate("model.layers.1.self_attn.{}_proj.weight")),
    "olmo2": (GROUPED, separate("model.layers.1.self_attn.{}_proj.weight")),
    "phi3": (GROUPED, rows("model.layers.1.self_attn.qkv_proj.weight", FEW)),
    "mpt": (MPT, rows("transformer.blocks.1.attn.Wqkv.weight", PLAIN)),
    "gptj": (GPT2 | {"rotary_dim": 2}, separate("transformer.h.1.attn.{}_proj.weight")),
}


def saved(folder: Path, kind: str, config: dict) -> list[dict[str, np.ndarray]]:
    """Three checkpoints of a model of this kind in `folder`, each with its config.json; their weights."""
    points = []
    for step in range(3):
        torch.manual_seed(step)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **config))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter))
        model.save_pretrained(folder / f"checkpoint-{step}")
        points.append(
            {name: value.detach().numpy().astype(float) for name, value in model.named_parameters()}
        )
    return points


def gram(points: list[np.ndarray]) -> np.ndarray:
    flat = np.stack([point.reshape(-1) for point in points])
    increments = np.diff(flat, axis=0, prepend=0)
    return increments @ increments.T


@pytest.mark.parametrize("kind", MODELS)
def test_the_three_are_those_that_the_model_uses(kind, tmp_path):
    config, where = MODELS[kind]
    points = saved(tmp_path / "run", kind, config)
    assert cli.main(["kernel", str(tmp_path / "run"), "-o", str(tmp_path / "kernel.npz")]) == 0
    kernel = Kernel.load(tmp_path / "kernel.npz")
    found = qkv_weights(kernel.groups)
    assert list(found) == [(role, layer) for role in PLAIN for layer in (0, 1)]
    for role, (name, part) in where.items():
        wanted = gram([part(point[name]) for point in points])
        np.testing.assert_allclose(kernel.gram(found[role, 1]), wanted, rtol=1e-4, atol=1e-3)
    assert int(kernel.numel.sum()) == sum(value.size for value in points[0].values())
    np.testing.assert_allclose(
        kernel.gram(),
        sum(gram([point[name] for point in points]) for name in points[0]),
        rtol=1e-4,
        atol=1e-2,
    )


def folder(path: Path, name: str, shape: tuple, config: dict | None = None) -> Path:
    random = np.random.default_rng(0)
    for step in range(2):
        point = path / f"checkpoint-{step}"
        point.mkdir(parents=True)
        save_file({name: random.standard_normal(shape).astype(np.float32)}, point / "model.safetensors")
        if config is not None:
            (point / "config.json").write_text(json.dumps(config))
    return path


FUSED = "model.layers.0.self_attn.qkv_proj.weight"


def test_grouped_queries_without_numbers_of_heads_are_refused(tmp_path, capsys):
    run = folder(tmp_path / "run", FUSED, (40, 24))
    assert cli.main(["kernel", str(run), "-o", str(tmp_path / "kernel.npz")]) == 2
    assert "keys and values may have fewer; give --heads N,M" in capsys.readouterr().err
    assert cli.main(["kernel", str(run), "--heads", "6,2", "-o", str(tmp_path / "kernel.npz")]) == 0
    kernel = Kernel.load(tmp_path / "kernel.npz")
    assert dict(zip(kernel.groups, kernel.numel.tolist(), strict=True)) == {
        f"model.layers.0.self_attn.{role}.weight": size * 24
        for role, size in {"query": 24, "key": 8, "value": 8}.items()
    }
    assert cli.main(["kernel", str(run), "--heads", "7,2", "-o", str(tmp_path / "kernel.npz")]) == 2
    assert "has 40 rows, not a multiple of 7 heads and 2 × 2" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "a", "1,2,3", "6,", "6,0"])
def test_what_is_no_number_of_heads_is_refused(tmp_path, capsys, text):
    with pytest.raises(SystemExit) as ended:
        cli.main(["kernel", str(tmp_path), "--heads", text, "-o", "kernel.npz"])
    assert ended.value.code == 2 and "no number of heads" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "shape", "text"),
    [
        ("layers.0.mlp.weight", (24, 24), "6"),
        ("transformer.h.0.attn.c_attn.weight", (24, 72), "6"),
        ("model.layers.0.self_attn.qkv_proj.weight", (72, 24), "6"),  # thirds, whatever the heads
        ("h.0.self_attention.query_key_value.weight", (72, 24), "6,2"),  # of several layouts: one group
    ],
)
def test_numbers_of_heads_that_split_nothing_are_refused(tmp_path, capsys, name, shape, text):
    run = folder(tmp_path / "run", name, shape)
    assert cli.main(["kernel", str(run), "--heads", text, "-o", str(tmp_path / "kernel.npz")]) == 2
    line = capsys.readouterr().err
    assert "--heads: none of its tensors is split by these numbers of heads; leave it out" in line
    assert line.count("\n") == 1 and not (tmp_path / "kernel.npz").exists()
    assert cli.main(["kernel", str(run), "-o", str(tmp_path / "kernel.npz")]) == 0


@pytest.mark.parametrize("layer", ["self_attention.query_key_value", "attn.c_attn"])
def test_a_name_of_several_layouts_stays_one_group(tmp_path, layer):
    name = f"transformer.h.0.{layer}.weight"
    run = folder(tmp_path / "run", name, (72, 24), {"num_attention_heads": 6})
    assert cli.main(["kernel", str(run), "-o", str(tmp_path / "kernel.npz")]) == 0
    assert Kernel.load(tmp_path / "kernel.npz").groups == [name]


def test_a_map_by_depth_of_anyones_model(tmp_path, capsys):
    saved(tmp_path / "run", "llama", GROUPED)
    command = ["map", str(tmp_path / "run"), "-o", str(tmp_path / "map.png")]
    assert cli.main([*command, "--by-depth"]) == 0
    deep = (tmp_path / "map.png").read_bytes()
    assert "ω = " in capsys.readouterr().out
    assert cli.main(command) == 0 and (tmp_path / "map.png").read_bytes() != deep
    run = folder(tmp_path / "plain", "weight", (4, 4))
    assert cli.main(["map", str(run), "--by-depth", "-o", str(tmp_path / "plain.png")]) == 2
    assert "plain: has no queries, keys and values in layers" in capsys.readouterr().err

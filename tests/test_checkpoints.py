"""What people have: folders of checkpoints, each read right or refused with a line that helps."""

import errno
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file
from torch.distributed.checkpoint.filesystem import _StorageInfo
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)

from hallmarks.cli import main
from hallmarks.measures import Kernel, mean_directional_similarity, points_gram

E = torch.eye(3)  # two orthogonal points: ω of E[0], E[1] is (1 + 0 + 0 + 1) / 4 = 0.5
HALF = 0.5


def put(path: Path, content) -> None:
    """Write a file by what its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(content, path)
    elif path.suffix == ".npz":
        np.savez(path, **content)
    elif isinstance(content, dict | list | torch.Tensor | torch.nn.Module):
        torch.save(content, path)
    else:
        path.write_text(content)


def fill(folder: Path, name: str, *contents) -> Path:
    for t, content in enumerate(contents):
        put(folder / name.format(t), content)
    return folder


def pair(extra=None, **kinds) -> list[dict]:
    """Two points with `w` = E[0], E[1], and other tensors by name, the same or a list of two."""
    points = []
    for t in range(2):
        others = {
            name: value[t] if isinstance(value, list) else value for name, value in (extra or {}).items()
        }
        points.append({"w": E[t].clone()} | others)
    return points


@pytest.fixture
def run(tmp_path, capsys):
    """Compute the kernel of sources below `tmp_path`: the kernel and what was said, or the refusal."""

    def run(*words) -> tuple[Kernel | None, str]:
        output = tmp_path / "out" / "k.npz"
        output.unlink(missing_ok=True)
        status = main(["kernel", *map(str, words), "-o", str(output)])
        said = capsys.readouterr()
        if status == 0:
            assert said.err == ""
            return Kernel.load(output), said.out
        assert status == 2 and said.err.count("\n") == 1 and not output.exists(), said.err
        return None, said.err

    return run


def norms(kernel: Kernel) -> list[float]:
    return np.sqrt(np.diag(points_gram(kernel.gram()))).round(3).tolist()


def omega(kernel: Kernel) -> float:
    return mean_directional_similarity(kernel)


# --- which tensors are the model


@pytest.mark.parametrize("key", ["model", "state_dict"])
@pytest.mark.parametrize(
    "beside", [{"best_val_loss": torch.tensor(3.0)}, {"loss": torch.ones(1), "epoch": 1}, {}]
)
def test_a_tensor_beside_the_model_is_not_the_model(tmp_path, run, key, beside):
    folder = fill(tmp_path / "c", "ckpt_{}.pt", *({key: point} | beside for point in pair()))
    assert f"give --key {key}\n" in run(folder)[1]
    kernel, _ = run(folder, "--key", key)
    assert omega(kernel) == pytest.approx(HALF) and kernel.groups == ["w"]


def test_single_numbers_beside_what_cannot_be_read_are_no_model(tmp_path, run):
    folder = fill(
        tmp_path / "c", "ckpt_{}.pt", *({"model": Namespace(a=1), "loss": torch.tensor(1.0)} for _ in "ab")
    )
    assert "of tensors it holds single numbers alone, such as loss" in run(folder)[1]


@pytest.mark.parametrize(
    "name",
    [
        "h.0.attn.bias",
        "pos.pe",
        "rotary_pos_emb.inv_freq",
        "blocks.0.causal_mask",
        "freqs_cis",
        "betas",
        "attn.mask",
    ],
)
def test_constant_masks_tables_and_frequencies_are_left_out_and_said(tmp_path, run, name):
    kernel, said = run(fill(tmp_path / "c", "ckpt_{}.pt", *pair({name: torch.full((4, 4), -torch.inf)})))
    assert kernel.groups == ["w"] and "left out: 1 buffer (" in said and name.split(".")[-1] in said


def test_statistics_and_integers_are_left_out_and_said(tmp_path, run):
    extra = {
        "bn.running_mean": [torch.ones(3), torch.zeros(3)],
        "bn.num_batches_tracked": [torch.tensor(1), torch.tensor(2)],
        "position_ids": torch.arange(5),
        "conv.weight_orig": [E[1], E[2]],
        "conv.weight_u": [E[0], E[2]],
    }
    kernel, said = run(fill(tmp_path / "c", "ckpt_{}.pt", *pair(extra)))
    assert sorted(kernel.groups) == ["conv.weight_orig", "w"]
    assert "2 tensors, 6 numbers; left out: 3 buffers (running_mean, num_batches_tracked, weight_u); " in said
    assert "1 integer (position_ids)" in said


def test_trackers_are_left_out_and_other_single_numbers_said(tmp_path, run):
    numbers = {
        name: [torch.tensor(1.0), torch.tensor(9.0)] for name in ["ema_loss", "global_step", "m.num_updates"]
    }
    numbers |= {"bn.moving_mean": [torch.ones(3), torch.zeros(3)], "logit_scale": [torch.tensor(2.0)] * 2}
    kernel, said = run(fill(tmp_path / "c", "ckpt_{}.pt", *pair(numbers)))
    assert sorted(kernel.groups) == ["logit_scale", "w"] and "4 buffers" in said
    assert "single numbers, counted: logit_scale" in said


def test_an_average_of_the_model_beside_it_is_said(tmp_path, run):
    points = [{"model.w": E[t], "model_ema.w": E[0] + E[t], "head.w": E[t][:2]} for t in range(2)]
    kernel, said = run(fill(tmp_path / "c", "ckpt_{}.pt", *points))
    assert len(kernel.groups) == 3 and "; model_ema.* repeats model.*, both counted" in said


def test_an_average_without_dots_is_said(tmp_path, run):
    """As latent diffusion keeps it, of a part of the model, or of all of it."""
    points = [{"net.a.w": E[t], "model_ema.aw": E[0] + E[t], "head.w": E[t][:2]} for t in range(2)]
    assert "; model_ema.* repeats net.*, both counted" in run(fill(tmp_path / "c", "ckpt_{}.pt", *points))[1]
    points = [
        {"a.w": E[t], "b.w": E[t][:2], "ema.aw": E[0] + E[t], "ema.bw": E[2][:2] - E[t][:2]} for t in range(2)
    ]
    assert "; ema.* repeats the others, both counted" in run(fill(tmp_path / "d", "ckpt_{}.pt", *points))[1]


def test_what_moves_is_a_parameter_whatever_its_name(tmp_path, run):
    """m04: (1 + 1/2 + 1/2 + 1) / 4."""
    contents = [
        {"attention.weight": torch.ones(1), "attention.bias": E[t], "m.pe": E[t] + 1} for t in range(2)
    ]
    kernel, said = run(fill(tmp_path / "c", "ckpt_{}.pt", *contents), "--leave-out", "m.pe")
    assert omega(kernel) == pytest.approx(0.75) and kernel.groups == ["attention.weight", "attention.bias"]
    assert "the same in every point, and counted: 1 of 2 groups (attention.weight)" in said
    assert run(tmp_path / "c")[0].groups == ["attention.weight", "attention.bias", "m.pe"]


@pytest.mark.parametrize(
    ("words", "groups"),
    [
        (["--leave-out", "table"], ["w"]),
        (["--only", "w"], ["w"]),
        (["--only", "w", "--only", "bn.*"], ["bn.running_mean", "w"]),
        ([], ["table", "w"]),
    ],
)
def test_tensors_are_left_out_and_kept_by_hand(tmp_path, run, words, groups):
    extra = {"table": torch.ones(5), "bn.running_mean": torch.ones(2)}
    kernel, said = run(fill(tmp_path / "c", "ckpt_{}.pt", *pair(extra)), *words)
    assert sorted(kernel.groups) == groups
    assert ("tensor as asked" in said or "tensors as asked" in said) == bool(words)


def test_a_pattern_that_fits_nothing_is_a_mistake(tmp_path, run):
    folder = fill(tmp_path / "c", "ckpt_{}.pt", *pair())
    assert "--only v*: no tensor is so named; there are w" in run(folder, "--only", "v*")[1]
    assert "--skip x: nothing in" in run(folder, "--skip", "x")[1]


@pytest.mark.parametrize("suffix", ["pt", "npz"])
def test_complex_weights_are_their_real_and_imaginary_parts(tmp_path, run, suffix):
    values = [np.array([1 + 2j, 3]), np.array([2j, 1])]
    contents = [{"c": value if suffix == "npz" else torch.from_numpy(value)} for value in values]
    kernel, _ = run(fill(tmp_path / "c", f"c_{{}}.{suffix}", *contents))
    assert points_gram(kernel.gram()) == pytest.approx(np.array([[14, 7], [7, 5]]))


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (
            {"fc.weight": torch.ones(2, 3, dtype=torch.int8)},
            "fc.weight is stored as int8: weights kept as integers",
        ),
        ({"q": torch.ones(4, dtype=torch.int8), "q_scale": torch.ones(1)}, "weights kept as integers"),
        (
            {"x": [torch.ones(4, dtype=torch.uint8), torch.zeros(4, dtype=torch.uint8)]},
            "weights kept as integers",
        ),
        (
            {"f": torch.ones(4).to(torch.float8_e4m3fn)},
            "f is stored as float8_e4m3fn, not one of float64, float32",
        ),
        ({"adj": torch.eye(3).to_sparse()}, "adj is a sparse tensor, save it dense"),
        ({"m": torch.empty(2, device="meta")}, "m is a tensor without values, of the device meta"),
        (
            {"n": torch.view_as_complex(torch.ones(3, 2)).conj().imag},
            "n is a view that is negated when it is read",
        ),
        (
            {"n": torch.view_as_complex(torch.ones(3, 2)).conj()},
            "n is a view that is conjugated when it is read",
        ),
        ({"a": torch.ones(3, 4)[:, 0]}, "a is a view with gaps, save it contiguous"),
        ({"a": np.ones(3)}, "a is a numpy array in the pickle"),
        ({"e": torch.empty(0)}, "e has no elements: a placeholder, as ZeRO-3 and FSDP leave it"),
    ],
)
def test_what_is_no_plain_tensor_is_named_and_can_be_left_out(tmp_path, run, extra, said):
    folder = fill(tmp_path / "c", "c_{}.pt", *pair(extra))
    assert f"c_0.pt: {said}" in run(folder)[1] or said in run(folder)[1]
    words = [word for name in extra for word in ("--leave-out", name)]
    assert omega(run(folder, *words)[0]) == pytest.approx(HALF)


def test_placeholders_alone_are_refused(tmp_path, run):
    folder = fill(tmp_path / "c", "s_{}.pt", *({"module": {"w": torch.empty(0)}} for _ in "ab"))
    assert "zero_to_fp32.py" in run(folder, "--key", "module")[1]


@pytest.mark.parametrize("kind", ["pt", "legacy", "safetensors", "npz"])
@pytest.mark.parametrize("tie", ["shared", "copied", "transposed"])
def test_tied_weights_count_once_in_every_format(tmp_path, run, kind, tie):
    torch.manual_seed(0)
    (tmp_path / "c").mkdir()
    for t in range(3):
        weight = torch.randn(4, 5)
        other = {"shared": weight, "copied": weight.clone(), "transposed": weight.T}[tie]
        point = {"a": weight, "b": other, "zero.bias": torch.zeros(5), "zero2.bias": torch.zeros(5)}
        path = tmp_path / "c" / f"step{t}.{'pt' if kind == 'legacy' else kind}"
        if kind == "safetensors":
            save_file({name: value.clone().contiguous() for name, value in point.items()}, path)
        elif kind == "npz":
            np.savez(path, **{name: value.numpy() for name, value in point.items()})
        else:
            torch.save(point, path, _use_new_zipfile_serialization=kind == "pt")
    kernel, said = run(tmp_path / "c")
    assert sorted(kernel.groups) == ["a", "zero.bias", "zero2.bias"] and "tied, counted once: b = a" in said


def test_tied_weights_that_only_some_points_hold(tmp_path, run):
    torch.manual_seed(0)
    weights = [torch.randn(3, 3) for _ in range(2)]
    contents = [{"a": weights[0], "b": weights[0]}, {"a": weights[1]}]
    assert run(fill(tmp_path / "c", "c_{}.pt", *contents))[0].groups == ["a"]
    contents[0]["b"] = torch.randn(3, 3)
    assert "lacks the tensor b" in run(fill(tmp_path / "d", "c_{}.pt", *contents))[1]


def biases(t: int, **others) -> dict:
    """Of a model with parallel branches: two biases that are zero at first and get the same gradients."""
    bias = torch.arange(4.0) * t
    names = ("gpt_neox.layers.0.attention.dense.bias", "gpt_neox.layers.0.mlp.dense_4h_to_h.bias")
    return {"w": E[t % 3].clone()} | {name: bias.clone() for name in names} | others


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_biases_that_get_the_same_gradient_are_two_parameters(tmp_path, run, kind):
    kernel, said = run(fill(tmp_path / "c", f"c_{{}}.{kind}", *map(biases, range(3))))
    assert len(kernel.groups) == 3 and kernel.numel.sum() == 11 and "tied" not in said


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_equal_in_one_point_or_unmoved_or_of_one_number_is_not_tied(tmp_path, run, kind):
    table = torch.randn(3, 4)
    ones = [{"w": E[t].clone(), "a": table.clone(), "b": table.clone()} for t in range(2)]
    contents = {"one": ones[:1], "still": ones}
    for name, shape in {"vector": (3,), "matrix": (3, 2)}.items():
        full = [torch.full(shape, 1.0 * t) for t in range(2)]
        contents[name] = [{"w": E[t].clone(), "a": full[t].clone(), "b": full[t].clone()} for t in range(2)]
    for name, points in contents.items():
        kernel, said = run(fill(tmp_path / name, f"c_{{}}.{kind}", *points))
        assert len(kernel.groups) == 3 and "tied" not in said, name


def test_an_embedding_and_its_head_are_told_by_their_names_where_they_do_not_move(tmp_path, run):
    table = torch.randn(3, 4)
    head = {"cls.predictions.bias": torch.arange(3.0), "cls.predictions.decoder.bias": torch.arange(3.0)}
    names = {"bert.embeddings.word_embeddings.weight": table, "cls.predictions.decoder.weight": table.clone()}
    contents = [{"w": E[t].clone()} | names | head for t in range(2)]
    kernel, said = run(fill(tmp_path / "c", "c_{}.safetensors", *contents))
    assert len(kernel.groups) == 3 and "tied, counted once" in said
    assert {"bert.embeddings.word_embeddings.weight", "cls.predictions.bias"} < set(kernel.groups)


def test_a_vector_that_is_shared_in_the_file_counts_once(tmp_path, run):
    shared = [torch.randn(4) for _ in range(2)]
    contents = [{"w": E[t].clone(), "a.bias": shared[t], "b.bias": shared[t]} for t in range(2)]
    assert run(fill(tmp_path / "c", "c_{}.pt", *contents))[0].groups == ["w", "a.bias"]
    # Copied in a later point it is the same still; moved apart it is another.
    contents[1]["b.bias"] = shared[1].clone()
    assert run(fill(tmp_path / "d", "c_{}.pt", *contents))[0].groups == ["w", "a.bias"]
    contents[1]["b.bias"] = shared[1] + 1
    assert sorted(run(fill(tmp_path / "e", "c_{}.pt", *contents))[0].groups) == ["a.bias", "b.bias", "w"]


def test_equal_at_first_is_not_tied(tmp_path, run):
    torch.manual_seed(0)
    weight = torch.randn(3, 3)
    contents = [{"a": weight, "b": weight.clone()}, {"a": weight + 1, "b": weight - 1}]
    assert run(fill(tmp_path / "c", "c_{}.pt", *contents))[0].groups == ["a", "b"]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_what_wrappers_put_before_names_in_some_points(tmp_path, run, prefix):
    kernel, said = run(fill(tmp_path / "c", "c_{}.pt", {"fc.weight": E[0]}, {f"{prefix}fc.weight": E[1]}))
    assert omega(kernel) == pytest.approx(HALF) and kernel.groups == ["fc.weight"]
    assert "taken off the names of tensors: " in said


def test_a_convolution_of_one_pixel_has_no_memory_order(tmp_path, run):
    weight = torch.randn(4, 3, 1, 1)
    moved = weight.to(memory_format=torch.channels_last)
    kernel, _ = run(fill(tmp_path / "c", "c_{}.pt", {"conv": weight}, {"conv": moved}))
    assert kernel.gram()[1, 1] == 0


# --- in which order


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["val_loss=0.90-epoch=0.ckpt", "val_loss=0.50-epoch=1.ckpt", "val_loss=0.70-epoch=2.ckpt"], None),
        (["acc_61_epoch_0.pt", "acc_55_epoch_1.pt", "acc_70_epoch_2.pt"], None),
        (["ckpt_5e2.pt", "ckpt_1e3.pt", "ckpt_2e3.pt"], [500, 1000, 2000]),
        (["epoch=0-step=100.ckpt", "epoch=0-step=200.ckpt", "epoch=1-step=300.ckpt"], [100, 200, 300]),
        (["step_1,000.pt", "step_2,000.pt", "step_10,000.pt"], [1000, 2000, 10000]),
        (["ckpt_900k.pt", "ckpt_1M.pt", "ckpt_1.5M.pt"], [900_000, 1_000_000, 1_500_000]),
        ([f"ckpt_202401011200{t}0123456.pt" for t in range(3)], None),
        (["2024-01-30_12-00.pt", "2024-02-01_09-00.pt", "2024-02-01_11-30.pt"], None),
        (["20240130_120000.pt", "20240201_090000.pt", "20240201_113000.pt"], None),
        (["ckpt_0.pth", "ckpt_1.pth.tar", "ckpt_2.pth"], None),
        (["e0-s9.pt", "e1-s3.pt", "e1-s20.pt"], None),
        (["resnet18_lr0.1_9.pt", "resnet18_lr0.1_10.pt", "resnet18_lr0.1_11.pt"], [9, 10, 11]),
    ],
)
def test_order_and_steps_from_names(tmp_path, run, names, steps):
    for t, name in enumerate(names):
        put(tmp_path / "c" / name, {"w": (t + 1) * E[t]})
    kernel, said = run(tmp_path / "c")
    assert norms(kernel) == [1, 2, 3] and kernel.step.tolist() == (steps or [0, 1, 2])
    assert "3 points, " in said and ", ordered by " in said


def test_epochs_in_names_are_epochs(tmp_path, run):
    kernel, said = run(fill(tmp_path / "c", "epoch={}-step=0.ckpt", *pair()))
    assert kernel.epoch.tolist() == [0, 1] and kernel.step.tolist() == [0, 1] and "ordered by epoch" in said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ckpt_30.11.2024.pt", "ckpt_01.12.2024.pt"], "dates with the day or the month first"),
        (["seed0_epoch0.pt", "seed0_epoch1.pt", "seed1_epoch0.pt"], "seed 0, 1: more than one run"),
        (["fold_1.pt", "fold_2.pt"], "fold 1, 2: more than one run"),
        (["lr1e-3_step_0.pt", "lr1e-4_step_1.pt"], "lr 0.0001, 0.001: more than one run"),
        (["acc_61.pt", "acc_55.pt"], "only acc differ"),
        (["loss_0.5.pt", "loss_0.4.pt"], "only loss differ"),
        (["d6f1a0.pt", "e9b72c44.pt"], "no number in them says it"),
        (["epoch_3_61.pt", "epoch_4_55.pt"], "several numbers, epoch 3, 61, that do not grow together"),
        (["netG_epoch_0.pth", "netG_epoch_1.pth", "netD_epoch_0.pth"], "(2 so named) and"),
        (["epoch=1.ckpt", "epoch=1-v1.ckpt"], "order cannot be told"),
        (["step1.pt", "step01.pt"], "no number in them says it"),
        (["consolidated.00.pth", "consolidated.01.pth"], "parts of one model, by consolidated 0, 1"),
        (["ckpt_1_rank0.pt", "ckpt_1_rank1.pt", "ckpt_2_rank0.pt"], "parts of one model, by rank 0, 1"),
        (["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], "without their index"),
    ],
)
def test_an_order_that_names_do_not_tell_is_refused(tmp_path, run, names, said):
    for t, name in enumerate(names):
        more_than_one = name.startswith(
            ("seed", "fold", "ckpt_1_", "ckpt_2_")
        )  # no step of theirs would help
        put(tmp_path / "c" / name, {"w": E[t]} | ({"global_step": t} if more_than_one else {}))
    assert said in run(tmp_path / "c")[1]
    kernel, _ = run(*(tmp_path / "c" / name for name in names), "--as-given")
    assert kernel.step.tolist()[0] in {0, 1} and len(kernel.step) == len(names)


def test_files_that_say_their_own_step_are_ordered_by_it(tmp_path, run):
    for name, step in {"last.ckpt": 30, "best.ckpt": 20, "first.ckpt": 10}.items():
        put(
            tmp_path / "c" / name,
            {"state_dict": {"w": step * E[0]}, "global_step": step, "epoch": step // 10},
        )
    kernel, said = run(tmp_path / "c", "--key", "state_dict")
    assert norms(kernel) == [10, 20, 30] and kernel.step.tolist() == [10, 20, 30]
    assert kernel.epoch.tolist() == [1, 2, 3] and "ordered by the global_step that the files say" in said


@pytest.mark.parametrize("names", [["a.pt", "b.pt", "c.pt"], ["netG_0.pt", "netG_2.pt", "netD_1.pt"]])
def test_files_that_say_the_same_step_or_are_two_series_are_refused(tmp_path, run, names):
    steps = [0, 2, 2 if names[0] == "a.pt" else 1]
    for name, step in zip(names, steps, strict=True):
        put(tmp_path / "c" / name, {"model": {"w": E[0] * (step + 1)}, "step": step})
    assert "order cannot be told" in run(tmp_path / "c", "--key", "model")[1]


def test_names_that_contradict_the_files_are_refused(tmp_path, run):
    folder = fill(tmp_path / "c", "c_{}.pt", *({"m": point, "step": 9 - t} for t, point in enumerate(pair())))
    assert "by their names in this order, but they say step 9 and 8" in run(folder, "--key", "m")[1]


def test_a_second_name_of_a_point_counts_once(tmp_path, run):
    folder = fill(tmp_path / "c", "epoch={}.ckpt", *({"w": torch.ones(1) * (t + 1)} for t in range(12)))
    put(folder / "last.ckpt", {"w": torch.ones(1) * 12})
    kernel, said = run(folder)
    assert norms(kernel) == list(range(1, 13)) and "left out: last.ckpt (equal to epoch=11.ckpt)" in said
    put(folder / "last.ckpt", {"w": torch.ones(1) * 13})
    assert "order cannot be told" in run(folder)[1]
    assert len(run(folder, "--skip", "last*")[0].step) == 12


def test_files_called_alike_are_told_apart_by_their_folders(tmp_path, run):
    files = [tmp_path / f"step{t}" / "model.pt" for t in (10, 9)]
    for t, file in enumerate(files):
        put(file, {"w": (t + 1) * E[t]})
    kernel, _ = run(*files)
    assert norms(kernel) == [2, 1] and kernel.step.tolist() == [9, 10]


def test_a_folder_gives_no_order(tmp_path, run):
    folder = fill(tmp_path / "c", "epoch={}.ckpt", *pair())
    assert "a folder gives no order; list its files" in run(folder, "--as-given")[1]


def test_digits_of_commits_are_no_steps(tmp_path, run):
    for t, commit in enumerate(["d6f1a0", "e9b72c44"]):
        put(tmp_path / commit / "model.safetensors", {"w": E[t]})
    kernel, _ = run(tmp_path / "d6f1a0", tmp_path / "e9b72c44", "--as-given")
    assert kernel.step.tolist() == [0, 1]


# --- which files are points


def test_weights_in_the_root_do_not_hide_checkpoints(tmp_path, run):
    out = tmp_path / "out"
    fill(out, "checkpoint-{}/model.safetensors", *pair())
    put(out / "model.safetensors", {"w": E[1]})
    kernel, said = run(out)
    assert len(kernel.step) == 2 and omega(kernel) == pytest.approx(HALF)
    assert "left out: " in said and "the folder's own weights beside its points" in said
    put(out / "best" / "model.safetensors", {"w": E[0]})
    kernel, said = run(out)
    assert omega(kernel) == pytest.approx(HALF) and "best (equal to checkpoint-0)" in said
    put(out / "best" / "model.safetensors", {"w": E[2]})
    assert "best (1 so named)" in run(out)[1]


@pytest.mark.parametrize("name", ["{}", "iter_{}", "model-{}", "epoch{}_final"])
def test_numbered_folders_beside_weights_in_the_root(tmp_path, run, name):
    fill(tmp_path / "out", f"{name}/model.safetensors", *pair())
    put(tmp_path / "out" / "model.safetensors", {"w": E[1]})
    assert len(run(tmp_path / "out")[0].step) == 2


def test_a_model_in_parts_is_one_checkpoint(tmp_path, run):
    put(tmp_path / "m" / "model.safetensors", {"w": E[1]})
    put(tmp_path / "m" / "2_Dense" / "model.safetensors", {"v": E[1]})
    kernel, said = run(tmp_path / "m")
    assert kernel.groups == ["w"] and len(kernel.step) == 1
    assert "2_Dense (weights within a checkpoint)" in said


def test_no_folder_of_weights_is_passed_over(tmp_path, run):
    fill(tmp_path / "out", "checkpoint-{}/model.safetensors", *pair())
    put(tmp_path / "out" / "logs" / "events.txt", "")
    put(tmp_path / "out" / "final" / "model.safetensors", {"w": E[2]})
    assert "final (1 so named): their order cannot be told" in run(tmp_path / "out")[1]
    put(tmp_path / "out" / "final" / "model.safetensors", {"w": E[2]})
    (tmp_path / "out" / "final").rename(tmp_path / "out" / "best")
    put(tmp_path / "out" / "best" / "model.safetensors", {"w": E[0]})
    assert "left out: best (equal to checkpoint-0)" in run(tmp_path / "out")[1]


def test_one_whole_file_beside_folders_is_not_taken_alone(tmp_path, run):
    fill(tmp_path / "c", "step-{}/model.safetensors", *pair())
    put(tmp_path / "c" / "final.ckpt", {"w": E[2]})
    assert "final.ckpt (1 so named)" in run(tmp_path / "c")[1]


def test_what_would_be_dropped_is_named(tmp_path, run):
    folder = fill(tmp_path / "c", "ckpt_{}.pt", *pair())
    for name in ["ckpt_2.pt", "ckpt_3", "ckpt_4.pth.part", "ckpt_5.h5", "ckpt_6.th"]:
        path = folder / name
        if name == "ckpt_2.pt":
            path.symlink_to("nowhere")
        elif name == "ckpt_3":
            path.mkdir()
        elif name == "ckpt_6.th":
            torch.save({"w": E[2]}, path)
        else:
            path.touch()
        said = run(folder)[1]
        assert name in said and f"--skip {name} leaves it out" in said
        assert omega(run(folder, "--skip", name)[0]) == pytest.approx(HALF)
        path.unlink() if path.is_symlink() or path.is_file() else path.rmdir()
    for name in [
        "ckpt_2.json",
        "ckpt_2.txt",
        "events.out.tfevents.0",
        "optimizer_2.pt",
        "rng_state.pth",
        "ckpt_1.tmp",
    ]:
        put(folder / name, {"x": 1} if name.endswith((".pt", ".pth")) else "")
    assert omega(run(folder)[0]) == pytest.approx(HALF)


def test_an_unfinished_folder_is_named(tmp_path, run):
    fill(tmp_path / "out", "checkpoint-{}/model.safetensors", *pair())
    put(tmp_path / "out" / "checkpoint-2" / "optimizer.pt", {"x": 1})
    assert "checkpoint-2: holds no weights; unfinished?" in run(tmp_path / "out")[1]


def test_a_kernel_of_ours_beside_the_points_is_none(tmp_path, run):
    folder = fill(tmp_path / "c", "step{}.pt", *pair())
    for _ in range(2):
        assert main(["kernel", str(folder), "-o", str(folder / "step9.npz")]) == 0


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["pytorch_model.bin", "training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state_0.pth"], None),
        (["model.safetensors", "pytorch_model.bin"], None),
        (["adapter_model.safetensors"], None),
        (["diffusion_pytorch_model.safetensors"], None),
        (["unet/diffusion_pytorch_model.safetensors", "optimizer.bin", "random_states_0.pkl"], None),
        (["model.pt", "optim.pt", "train.pt"], None),
        (["checkpoint.pt"], None),
        (["weights.npz"], None),
        (["model.ckpt", "config.yaml", "output.log"], None),
        (["mp_rank_00/model_optim_rng.pt"], None),
        (["model.safetensors", "model_1.safetensors"], "model.safetensors"),
        (["model.safetensors", "consolidated.safetensors"], "model.safetensors"),
        (["generator.pt", "discriminator.pt"], "generator.pt"),
        (["unet/model.safetensors", "vae/model.safetensors"], "unet"),
        (["unet/model.safetensors", "vae/model.safetensors"], "unet/model.safetensors"),
    ],
)
def test_the_weights_of_a_folder(tmp_path, run, files, chosen):
    for t in range(2):
        for name in files:
            right = name == files[0]
            put(tmp_path / "c" / f"step{t}" / name, {"w": E[t].clone() if right else E[2].clone()})
    if chosen:
        said = run(tmp_path / "c")[1]
        assert "more than one model" in said and all(name in said for name in files) and "--weights" in said
    kernel, _ = run(tmp_path / "c", *(["--weights", chosen] if chosen else []))
    assert omega(kernel) == pytest.approx(HALF)


def test_deepspeeds_states(tmp_path, run):
    for t, point in enumerate(pair()):
        folder = tmp_path / "c" / f"global_step{t * 10}"
        put(folder / "mp_rank_00_model_states.pt", {"module": point, "global_steps": t * 10})
        put(folder / "zero_pp_rank_0_mp_rank_00_optim_states.pt", {"x": torch.ones(3)})
    kernel, _ = run(tmp_path / "c")
    assert omega(kernel) == pytest.approx(HALF) and kernel.step.tolist() == [0, 10]
    put(folder / "mp_rank_01_model_states.pt", {"module": point})
    assert "2 parts of one model" in run(tmp_path / "c")[1]


@pytest.mark.filterwarnings("ignore")
def test_torchs_distributed_checkpoints(tmp_path, run):
    """Saved by one process as by torch; and by two, of which each wrote a part of `w`."""
    for t, point in enumerate(pair()):
        dcp.save({"model": point, "step": 10 * t}, checkpoint_id=tmp_path / "one" / f"s{t}")
        parts = [E[t, :2].clone(), E[t, 2:].clone()]
        files, storage = io.BytesIO(), {}
        for offset, part in zip((0, 2), parts, strict=True):
            begin = files.tell()
            torch.save(part, files)
            index = MetadataIndex("model.w", torch.Size([offset]))
            storage[index] = _StorageInfo("__0_0.distcp", begin, files.tell() - begin)
        chunks = [
            ChunkStorageMetadata(torch.Size([o]), part.shape) for o, part in zip((0, 2), parts, strict=True)
        ]
        tensor = TensorStorageMetadata(TensorProperties(), torch.Size([3]), chunks)
        folder = tmp_path / "two" / f"s{t}"
        folder.mkdir(parents=True)
        (folder / "__0_0.distcp").write_bytes(files.getvalue())
        told = Metadata({"model.w": tensor}, {"model.w": ("model", "w")}, storage)
        (folder / ".metadata").write_bytes(pickle.dumps(told))
    assert "give --key model\n" in run(tmp_path / "one")[1]
    for name, groups in {"one": ["w"], "two": ["w[0:2]", "w[2:3]"]}.items():
        kernel, _ = run(tmp_path / name, "--key", "model")
        assert omega(kernel) == pytest.approx(HALF) and kernel.groups == groups
    (tmp_path / "one" / "s1" / "__0_0.distcp").unlink()
    assert "__0_0.distcp: cannot be read" in run(tmp_path / "one", "--key", "model")[1]


def test_the_hubs_cache(tmp_path, run):
    cache = tmp_path / "models--org--name"
    for name, value in {"step0": E[0], "step10": E[1], "main": E[1]}.items():
        commit = f"{name:0<40}"
        put(cache / "snapshots" / commit / "model.safetensors", {"w": value})
        put(cache / "refs" / name, commit)
    kernel, said = run(cache)
    assert omega(kernel) == pytest.approx(HALF) and kernel.step.tolist() == [0, 10]
    assert "2 points, step0 … step10, ordered by step" in said and "left out: main" in said
    (cache / "snapshots" / f"{'step0':0<40}" / "model.safetensors").unlink()
    assert "refs/step0: its weights are not in" in run(cache)[1]


@pytest.mark.parametrize("name", ["mp_rank_0{}/model_optim_rng.pt", "consolidated.0{}.pth"])
def test_parts_of_one_model_are_no_checkpoint(tmp_path, run, name):
    for t in range(2):
        fill(tmp_path / "c" / f"iter_{t}", name, *pair())
    assert "iter_0: holds parts of one model" in run(tmp_path / "c")[1]


def test_a_stale_index_does_not_hide_the_whole_file(tmp_path, run):
    for t in range(2):
        folder = tmp_path / "run" / f"checkpoint-{t}"
        put(folder / "model.safetensors", {"w": E[t]})
        put(folder / "model-00001-of-00001.safetensors", {"w": E[0]})
        told = {"weight_map": {"w": "model-00001-of-00001.safetensors"}}
        put(folder / "model.safetensors.index.json", json.dumps(told))
    kernel, said = run(tmp_path / "run")
    assert omega(kernel) == pytest.approx(HALF)
    assert "left out: model.safetensors.index.json (beside model.safetensors)" in said
    for path in (tmp_path / "run").glob("*/model-*"):
        path.unlink()
    assert omega(run(tmp_path / "run")[0]) == pytest.approx(HALF)
    for path in (tmp_path / "run").glob("*/model.safetensors"):
        path.unlink()
    assert "model-00001-of-00001.safetensors: is not there, though" in run(tmp_path / "run")[1]


def test_what_is_there_instead_is_named(tmp_path, run):
    put(tmp_path / "keras" / "step_1" / "model.h5", "")
    (tmp_path / "keras" / "step_1" / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n...")
    assert "model.h5: HDF5, as Keras writes it" in run(tmp_path / "keras")[1]
    fill(tmp_path / "flax", "checkpoint-{}/flax_model.msgpack", "x", "y")
    assert "flax_model.msgpack: msgpack, as Flax writes it" in run(tmp_path / "flax")[1]
    fill(tmp_path / "th", "c_{}.th", *({"w": E[t]} for t in range(2)))
    for t in range(2):
        torch.save({"w": E[t]}, tmp_path / "th" / f"c_{t}.th")
    assert "c_0.th may be one: list such files" in run(tmp_path / "th")[1]
    assert omega(run(tmp_path / "th" / "c_0.th", tmp_path / "th" / "c_1.th")[0]) == pytest.approx(HALF)


def test_a_folder_of_runs_is_no_trajectory(tmp_path, run):
    for seed in range(2):
        fill(tmp_path / "c" / f"seed{seed}", "epoch_{}.pt", *pair())
    assert (
        "seed0: holds several checkpoints (epoch_0.pt, epoch_1.pt), not one; give this"
        in run(tmp_path / "c")[1]
    )
    fill(tmp_path / "d" / "checkpoints", "epoch_{}.pt", *pair())
    assert f"{tmp_path / 'd' / 'checkpoints'} does" in run(tmp_path / "d")[1]


# --- how files are read


class Odd:
    """What a checkpoint may hold beside its weights."""


def test_what_lies_beside_the_weights_is_never_made(tmp_path, run, monkeypatch):
    beside = {
        "args": Namespace(lr=0.1),
        "path": Path("x"),
        "odd": Odd(),
        "loss": np.float64(0.5),
        "n": np.int64(3),
    }
    beside |= {"array": np.ones(2), "rng": np.random.get_state(), "dtype": torch.float16, "set": {1, 2}}
    monkeypatch.setattr(Odd, "__setstate__", lambda self, state: pytest.fail("made"), raising=False)
    monkeypatch.setattr(Odd, "__new__", lambda *a: pytest.fail("made"))
    for legacy in (False, True):
        for t, point in enumerate(pair()):
            path = tmp_path / f"c{legacy}" / f"c_{t}.pt"
            path.parent.mkdir(exist_ok=True)
            content = {"model": point, "odd": beside["odd"]} | beside
            torch.save(content, path, _use_new_zipfile_serialization=not legacy)
        kernel, _ = run(tmp_path / f"c{legacy}", "--key", "model")
        assert omega(kernel) == pytest.approx(HALF)


class Calls:
    """What would call something where it is loaded."""

    def __init__(self, function, *arguments):
        self.told = function, arguments

    def __reduce__(self):
        return self.told


@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_that_a_pickle_names_is_called(tmp_path, run, legacy):
    touched = tmp_path / "touched"

    def saved(call: Calls) -> Path:
        path = tmp_path / "c_0.pt"
        torch.save({"w": E[0], "x": call}, path, _use_new_zipfile_serialization=not legacy)
        return path

    for function, arguments in [
        (os.system, (f"touch {touched}",)),
        (eval, (f"open({str(touched)!r}, 'w')",)),
        (open, (str(touched), "w")),
        (shutil.copy, (__file__, str(touched))),
    ]:
        assert "refused: it names" in run(saved(Calls(function, *arguments)))[1]
    for function, arguments in [
        (Path.touch, (touched,)),
        (np.save, (touched, np.ones(1))),
        (torch.save, (E, str(touched))),
        (pickle.loads, (pickle.dumps(Calls(Path.touch, touched)),)),
    ]:
        assert run(saved(Calls(function, *arguments)))[0].groups == ["w"]
    assert not touched.exists()


@pytest.mark.parametrize("kept", [3, 40, 200, -1, -200])
def test_a_cut_file_of_old_is_named(tmp_path, run, kept):
    for t in range(2):
        path = tmp_path / f"c_{t}.pt"
        torch.save({"w": torch.ones(50)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:kept])
    assert "c_1.pt: " in run(tmp_path / "c_0.pt", path)[1]


def test_a_pickled_module_says_its_own_parameters(tmp_path, run):
    torch.manual_seed(0)
    contents = [torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)) for _ in range(2)]
    kernel, _ = run(fill(tmp_path / "c", "c_{}.pt", *contents))
    assert kernel.groups == ["0.weight", "0.bias", "1.weight", "1.bias"]
    rows = torch.stack([torch.cat([p.detach().flatten() for p in m.parameters()]) for m in contents]).double()
    assert points_gram(kernel.gram()) == pytest.approx((rows @ rows.T).numpy(), rel=1e-6)


@pytest.mark.parametrize("content", [[E[0], E[1]], E[0], {0: E[0], 1: E[1]}])
def test_lists_vectors_and_numbered_tensors(tmp_path, run, content):
    kernel, _ = run(fill(tmp_path / "c", "theta_{}.pt", content))
    assert kernel.numel.sum() in {3, 6}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "holds no state dict; give --key state.model\n"),
        (["--key", "state"], "give --key state.model\n"),
        (["--key", "model"], "did you mean state.model?\n"),
        (["--key", "state.model"], None),
    ],
)
def test_keys_of_two_levels(tmp_path, run, words, said):
    folder = fill(tmp_path / "c", "c_{}.pt", *({"state": {"model": point}, "step": 1} for point in pair()))
    kernel, told = run(folder, *words)
    assert kernel if said is None else said in told


def test_keys_with_a_dot_and_keys_that_are_not_needed(tmp_path, run):
    contents = [{"model.ema": point, "optimizer": {"state": {0: {"m": E[0]}}}} for point in pair()]
    folder = fill(tmp_path / "c", "c_{}.pt", *contents)
    assert "give --key model.ema\n" in run(folder)[1]
    assert omega(run(folder, "--key", "model.ema")[0]) == pytest.approx(HALF)
    plain = fill(tmp_path / "p", "c_{}.pt", {f"layers.{i}.w": E[0] for i in range(300)})
    said = run(plain, "--key", "state_dict")[1]
    assert "leave --key out" in said and len(said) < 200


def deflated(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def big_endian(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, b"big" if name.endswith("byteorder") else content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (deflated, "its tensors are compressed; load it with torch and save it again"),
        (big_endian, "saved on a big-endian machine"),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid"),
            "a pointer of Git LFS",
        ),
        (lambda path: path.write_text("<!DOCTYPE html><html>login</html>"), "a page (HTML)"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n..."), "HDF5, as Keras writes it"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"\x80\x04K\x01."), "nothing else is read, for it could run code"),
        (lambda path: path.write_bytes(path.read_bytes()[:-300]), "cut, or not a torch checkpoint"),
        (lambda path: torch.jit.script(torch.nn.Linear(1, 1)).save(path), "TorchScript"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_files_that_are_refused_rightly(tmp_path, run, change, said):
    folder = fill(tmp_path / "c", "c_{}.pt", *pair())
    change(folder / "c_1.pt")
    told = run(folder)[1]
    assert said in told and "c_1.pt" in told


@pytest.fixture
def without_checksums():
    """What torch saves meanwhile has none."""
    torch.serialization.set_crc32_options(False)
    yield
    torch.serialization.set_crc32_options(True)


def test_torch_files_without_checksums_are_read(tmp_path, run, without_checksums):
    """And what their pickle says of each storage's size is compared in place of them."""
    assert omega(run(fill(tmp_path / "c", "c_{}.pt", *pair()))[0]) == pytest.approx(HALF)
    path = tmp_path / "c/c_1.pt"
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
    assert {entry.CRC for entry in entries.values()} == {0}
    content = path.read_bytes()
    (name,) = (name for name in entries if name.endswith("data.pkl"))
    begin = content.index(b"\x80\x02", entries[name].header_offset)
    pickled = content[begin : begin + entries[name].file_size]
    assert pickled.count(b"K\x03t") == 1  # how many numbers the storage has, which ends the tuple
    other = pickled.replace(b"K\x03t", b"K\x01t")
    path.write_bytes(content[:begin] + other + content[begin + len(pickled) :])
    assert "not a torch checkpoint (c_1/data/0 has 12 bytes, not the 4 that" in run(tmp_path / "c")[1]


def test_the_local_header_says_where_bytes_begin(tmp_path, run):
    """An extra field of another length than the directory's shifts them, silently."""
    torch.manual_seed(0)
    points = [{"w": torch.randn(50)} for _ in range(2)]
    folder = fill(tmp_path / "c", "c_{}.pt", *points)
    path = folder / "c_1.pt"
    with zipfile.ZipFile(path) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HH", 0xCAFE, 12) + b"x" * 12
            archive.writestr(info, content)
    rows = torch.stack([point["w"] for point in points]).double().numpy()
    assert points_gram(run(folder)[0].gram()) == pytest.approx(rows @ rows.T, abs=1e-4)


@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_files(tmp_path, run, order):
    rows = np.random.default_rng(0).standard_normal((2, 3, 4))
    folder = fill(tmp_path / "c", "c_{}.npz", *({"w": np.asarray(row, order=order)} for row in rows))
    flat = rows.reshape(2, -1)
    assert points_gram(run(folder)[0].gram()) == pytest.approx(flat @ flat.T)
    np.savez_compressed(folder / "c_1.npz", w=rows[1])
    assert "c_1.npz: w is compressed; write it by numpy.savez" in run(folder)[1]


# --- harm


def test_only_a_kernel_is_replaced(tmp_path, capsys):
    folder = fill(tmp_path / "c", "ckpt_{}.pt", *pair())
    files = [str(folder / f"ckpt_{t}.pt") for t in range(2)]
    before = (folder / "ckpt_0.pt").read_bytes()
    assert main(["kernel", "-o", *files]) == 2
    assert (
        folder / "ckpt_0.pt"
    ).read_bytes() == before and "a kernel is written as .npz" in capsys.readouterr().err
    np.savez(tmp_path / "run.npz", mine=np.arange(3))
    assert main(["map", *files, "-o", str(tmp_path / "run.png")]) == 2
    assert "run.npz: is there, and is no kernel" in capsys.readouterr().err
    assert np.load(tmp_path / "run.npz").files == ["mine"] and not (tmp_path / "run.png").exists()
    for _ in range(2):
        assert main(["map", *files, "-o", str(tmp_path / "new.png")]) == 0
    assert main(["kernel", *files, "-o", "."]) == 2


def test_an_unreadable_folder_is_named(tmp_path, run, monkeypatch):
    folder = fill(tmp_path / "c", "ckpt_{}.pt", *pair())

    def refuse(path):  # root, as whom CI runs, may read every folder
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "c: cannot be read (Permission denied)" in run(folder)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--key", "model"], "step0.safetensors: --key model: tensors in safetensors have no key"),
        (["--weights", "ema.pt"], "--weights ema.pt: no folder of "),
    ],
)
def test_an_option_that_does_nothing_is_refused(tmp_path, run, words, said):
    folder = fill(tmp_path / "a", "step{}.safetensors", *pair())
    assert said in run(folder, *words)[1]
    if words[0] == "--weights":
        assert "these are files" in run(*sorted(folder.iterdir()), *words)[1]


def test_a_checkpoint_listed_twice_and_a_folder_of_kernels_are_named(tmp_path, run):
    folder = fill(tmp_path / "a", "step{}.safetensors", *pair())
    first = folder / "step0.safetensors"
    assert f"{first}: is listed twice" in run(first, folder / "step1.safetensors", first)[1]
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    assert main(["kernel", str(folder), "-o", str(kernels / "a.npz")]) == 0
    assert "it holds kernels, which hallmarks measure takes" in run(kernels)[1]


def test_an_optimizers_state_is_no_model(tmp_path, run):
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(E).sum().backward()
    optimizer.step()
    folder = fill(tmp_path / "a", "step{}.pt", optimizer.state_dict(), optimizer.state_dict())
    assert "step0.pt: holds an optimizer's state, not a model's" in run(folder)[1]


def test_steps_that_are_not_known_are_missing_in_the_measures(tmp_path, run):
    for name, steps in {"{}.pt": [0, 1], "epoch{}.pt": [None, None], "step{}.pt": [0, 1]}.items():
        folder = fill(tmp_path / name.strip("{}.pt"), name, *pair())
        output = tmp_path / "m.parquet"
        kernel, _ = run(folder)
        assert kernel.unit == {"{}.pt": "number", "epoch{}.pt": "epoch", "step{}.pt": "step"}[name]
        assert main(["measure", str(tmp_path / "out/k.npz"), "-o", str(output)]) == 0
        table = pd.read_parquet(output).query("group == 'all' and measure == 'norm'")
        assert table["step"].astype(object).where(table["step"].notna(), None).tolist() == steps

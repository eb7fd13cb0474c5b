"""The kernel of trajectories and of other people's checkpoints, against a dense float64 reference."""

import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from hallmarks.cli import main
from hallmarks.errors import UserError
from hallmarks.kernel.gram import increments_gram
from hallmarks.kernel.groups import groups
from hallmarks.measures import Kernel, angles, points_gram
from hallmarks.trajectory import digests
from hallmarks.trajectory.checkpoints import find_checkpoints
from hallmarks.trajectory.digests import Digests
from hallmarks.trajectory.store import TrajectoryWriter

SHAPES = {"conv": (7, 5), "scale": (1,), "long": (2**17 + 3,), "empty": (0, 4), "scalar": ()}


def walk(n, update=0.1, shapes=SHAPES, seed=0, dtype=np.float32):
    """The points of a random walk, by tensor."""
    generator = np.random.default_rng(seed)
    point = {name: np.asarray(generator.standard_normal(shape), dtype) for name, shape in shapes.items()}
    points = [point]
    for _ in range(n - 1):
        point = {
            name: np.asarray(array + update * generator.standard_normal(array.shape), dtype)
            for name, array in point.items()
        }
        points.append(point)
    return points


def trajectory(folder, points, **divergence):
    parameters = {name: {"shape": list(array.shape), "kind": "linear"} for name, array in points[0].items()}
    writer = TrajectoryWriter(folder, parameters)
    for t, point in enumerate(points):
        writer.write(point, step=t * 3, epoch=t, learning_rate=0.1)
    if divergence:
        writer.record_divergence(**divergence)
    return folder


def safetensors(folder, points, name="step{}.safetensors"):
    folder.mkdir()
    for t, point in enumerate(points):
        save_file(point, folder / name.format(t))
    return folder


def increments(points, name):
    """[θ_0; θ_1−θ_0; …] of one tensor, dense float64."""
    rows = np.stack([point[name].astype(np.float64).ravel() for point in points])
    return np.concatenate([rows[:1], np.diff(rows, axis=0)])


def kernel(tmp_path, *sources, options=()):
    path = tmp_path / "k.npz"
    assert main(["kernel", *map(str, sources), "-o", str(path), *options]) == 0
    return Kernel.load(path)


def assert_gram(got, rows, tolerance):
    """Equal within `tolerance` of the rows' norms."""
    norms = np.linalg.norm(rows, axis=1)
    np.testing.assert_array_less(np.abs(got - rows @ rows.T), tolerance * np.outer(norms, norms) + 1e-300)


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-6), ("float64", 1e-13)])
def test_kernel_is_the_gram_matrix_of_the_increments(tmp_path, n, precision, tolerance):
    points = walk(n)
    got = kernel(tmp_path, trajectory(tmp_path / "t", points), options=["--precision", precision])
    assert got.groups == list(SHAPES) and got.numel.tolist() == [35, 1, 2**17 + 3, 0, 1]
    assert got.step.tolist() == [t * 3 for t in range(n)] and got.epoch.tolist() == list(range(n))
    for group in SHAPES:
        assert_gram(got.gram(group), increments(points, group), tolerance)


@pytest.mark.parametrize("update", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
def test_angles_between_updates_keep_their_digits(tmp_path, update):
    points = walk(161, update, {"weight": (900,)})
    folder = trajectory(tmp_path / "t", points)
    updates = increments(points, "weight")[1:]
    unit = updates / np.linalg.norm(updates, axis=1, keepdims=True)
    expected = np.degrees(np.arccos((unit[1:] * unit[:-1]).sum(axis=1)))
    for precision, tolerance in [("float32", 1e-6), ("float64", 1e-10)]:
        _, got = angles(kernel(tmp_path, folder, options=["--precision", precision]))["angle_updates"]
        np.testing.assert_allclose(got, expected, rtol=tolerance)


def test_equal_points_give_zero_increments_and_no_angle(tmp_path):
    points = walk(4, shapes={"weight": (50,)})
    points[2] = points[1]
    got = kernel(tmp_path, trajectory(tmp_path / "t", points))
    assert not got.gram()[2].any()
    assert np.isnan(angles(got)["angle_updates"][1]).all()


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_values_whose_squares_leave_float32_are_multiplied_in_float64(tmp_path, scale):
    points = [
        {"weight": (point["weight"] * scale).astype(np.float32)} for point in walk(3, shapes={"weight": (9,)})
    ]
    got = kernel(tmp_path, trajectory(tmp_path / "t", points), options=["--precision", "float32"])
    assert_gram(got.gram(), increments(points, "weight"), 3e-7)


def test_segments_and_workers_do_not_change_the_kernel_and_runs_are_equal(tmp_path):
    found = find_checkpoints([trajectory(tmp_path / "t", walk(5))])
    parts = groups(found)
    whole = increments_gram(found, parts, "float64")
    for segment, workers in [(2**18, 1), (1000, 2), (997, 3)]:
        got = increments_gram(found, parts, "float64", segment, workers)
        np.testing.assert_allclose(got, whole, rtol=1e-11, atol=1e-11)
        assert (got == increments_gram(found, parts, "float64", segment, 2)).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("m", [0, 3])
def test_a_torch_device_gives_the_same(tmp_path, dtype, m):
    """The GPU's arithmetic, run by torch on whatever is here."""
    found = find_checkpoints([safetensors(tmp_path / "points", walk(5, 1e-3, dtype=dtype))])
    parts = groups(found)
    whole = increments_gram(found, parts, "float64")
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        got = increments_gram(found, parts, old=whole[:, :m, :m] if m else None, segment=5000, device=device)
        norms = np.sqrt(np.diagonal(whole, axis1=1, axis2=2)) + 1e-300
        assert (np.abs(got - whole) <= 1e-12 * norms[:, :, None] * norms[:, None]).all()


def test_a_torch_device_names_what_is_not_finite(tmp_path):
    points = walk(3, shapes={"weight": (4,)})
    points[1]["weight"][2] = np.inf
    found = find_checkpoints([safetensors(tmp_path / "points", points)])
    with pytest.raises(UserError, match="step1.safetensors: weight holds values that are not finite"):
        increments_gram(found, groups(found), device="cpu")


def test_a_kernel_follows_a_run(tmp_path, capsys):
    """Points appear while it watches; the last kernel is the whole one."""
    points = walk(4, shapes={"weight": (40,)})
    folder = trajectory(tmp_path / "t", points[:2])
    command = ["kernel", str(folder), "-o", str(tmp_path / "k.npz")]

    def train():
        writer = TrajectoryWriter(folder, {"weight": {"shape": [40], "kind": "linear"}})
        writer.resume(2)
        for t in (2, 3):
            time.sleep(0.1)
            writer.write(points[t], step=3 * t, epoch=t, learning_rate=0.1)

    training = threading.Thread(target=train)
    training.start()
    assert main([*command, "--follow", "0.02", "--until", "4"]) == 0
    training.join()
    assert "4 points" in capsys.readouterr().err
    rows = increments(points, "weight")
    assert_gram(Kernel.load(tmp_path / "k.npz").gram(), rows, 1e-13)


def test_memory_does_not_grow_with_the_model(tmp_path, monkeypatch):
    # Of each lane, whether they hash at once or not.
    monkeypatch.setattr(digests, "HASHED_AT_ONCE", 2**12)
    peaks = []
    for size in (2**15, 2**17):
        found = find_checkpoints([trajectory(tmp_path / str(size), walk(4, shapes={"weight": (size,)}))])
        parts = groups(found)
        tracemalloc.start()
        increments_gram(found, parts, segment=2**12, workers=2)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_divergence_and_storage_reach_the_kernel(tmp_path):
    folder = trajectory(tmp_path / "t", walk(2), epoch=1.5, step=17, learning_rate=0.1)
    kernel(tmp_path, folder)
    with np.load(tmp_path / "k.npz") as file:
        assert str(file["diverged"]) == "diverged at epoch 1.5, step 17, learning rate 0.1"
        assert str(file["storage"]) == "float32"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_multiplied_in_float64(tmp_path, dtype):
    points = [{"a": torch.from_numpy(p["a"]).to(dtype)} for p in walk(4, shapes={"a": (30, 7)})]
    for t, point in enumerate(points):
        save_torch_file(point, tmp_path / f"step{t}.safetensors")
    got = kernel(tmp_path, tmp_path)
    assert_gram(got.gram("a"), increments([{"a": p["a"].double().numpy()} for p in points], "a"), 1e-13)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["safetensors", "torch"])
def test_checkpoints_of_others_in_any_precision(tmp_path, dtype, kind):
    """Files in natural order, tensors in another order in each, buffers and integers left out."""
    points = [
        {name: torch.from_numpy(a).to(dtype) for name, a in p.items()}
        for p in walk(4, shapes={"a": (30, 7), "b": (5,)})
    ]
    steps = [0, 8, 10, 128]
    for t, point in zip(steps, points, strict=True):
        point |= {"bn.running_mean": torch.ones(3), "bn.num_batches_tracked": torch.tensor(t)}
        if kind == "safetensors":
            save_torch_file(point, tmp_path / f"step{t}.safetensors")
        else:
            point["b"] = torch.cat([point["a"].flatten(), point["b"]])[210:] if t == 8 else point["b"]
            torch.save(
                {"epoch": t, "state": {"model": dict(reversed(point.items()) if t else point)}},
                tmp_path / f"step{t}.pt",
            )
    options = ["--key", "state.model"] if kind == "torch" else []
    got = kernel(tmp_path, tmp_path, options=options)
    assert sorted(got.groups) == ["a", "b"] and got.step.tolist() == steps
    np.testing.assert_array_equal(got.epoch, steps if kind == "torch" else [np.nan] * 4)  # as the files say
    with np.load(tmp_path / "k.npz") as file:
        assert str(file["storage"]) == str(dtype).removeprefix("torch.")
    for group in "ab":
        rows = increments([{group: point[group].double().numpy()} for point in points], group)
        assert_gram(got.gram(group), rows, 1e-13)


def test_sharded_folders_are_points(tmp_path):
    points = walk(3, shapes={"a": (30, 7), "b": (5,)})
    for t, point in enumerate(points):
        folder = tmp_path / "all" / f"step{t * 10}"
        folder.mkdir(parents=True)
        shards = {name: f"model-{i}.safetensors" for i, name in enumerate(point)}
        for name, shard in shards.items():
            save_file({name: point[name]}, folder / shard)
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    got = kernel(tmp_path, tmp_path / "all")
    assert got.step.tolist() == [0, 10, 20]
    for group in "ab":
        assert_gram(got.gram(group), increments(points, group), 1e-6)
    (tmp_path / "all" / "step10" / "model-1.safetensors").unlink()
    with pytest.raises(UserError, match="model-1.safetensors"):
        find_checkpoints([tmp_path / "all"])


@pytest.mark.parametrize("told_by", ["config", "option"])
def test_queries_keys_and_values_are_split_head_by_head(tmp_path, told_by):
    heads, size, hidden = 3, 2, 6
    name = "gpt_neox.layers.0.attention.query_key_value"
    points = walk(
        4, shapes={f"{name}.weight": (3 * hidden, hidden), f"{name}.bias": (3 * hidden,), "out": (4,)}
    )
    folder = safetensors(tmp_path / "neox", points)
    options = ["--heads", "3"]
    if told_by == "config":
        (folder / "config.json").write_text(json.dumps({"num_attention_heads": heads}))
        options = []
    got = kernel(tmp_path, folder, options=options)
    for kind in ("weight", "bias"):
        for part, letter in enumerate(("query", "key", "value")):
            group = f"gpt_neox.layers.0.attention.{letter}.{kind}"
            by_head = [{"x": p[f"{name}.{kind}"].reshape(heads, 3, size, -1)[:, part]} for p in points]
            flat = [{"x": p[f"{name}.{kind}"].reshape(3, hidden, -1)[part]} for p in points]
            assert_gram(got.gram(group), increments(by_head, "x"), 1e-6)
            with pytest.raises(AssertionError):
                assert_gram(got.gram(group), increments(flat, "x"), 1e-6)
            assert got.numel[got.groups.index(group)] == hidden * (hidden if kind == "weight" else 1)


def test_pytorchs_queries_keys_and_values_are_split_into_thirds(tmp_path):
    """Told by what moves: from inputs that are 0, queries have no gradient, nor have keys, nor values."""
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(6, 3, batch_first=True)
    torch.nn.init.normal_(layer.in_proj_bias)
    names = dict(layer.named_parameters()).keys()
    for still, part in enumerate(["query", "key", "value"]):
        inputs = [torch.randn(2, 4, 6) for _ in range(3)]
        inputs[still] = torch.zeros(2, 4, 6)
        layer.zero_grad()
        layer(*inputs)[0].square().sum().backward()
        before = {f"0.self_attention.{name}": layer.get_parameter(name).detach().clone() for name in names}
        after = {
            f"0.self_attention.{n}": (layer.get_parameter(n) - layer.get_parameter(n).grad).detach()
            for n in names
        }
        for at, point in enumerate([before, after]):
            (tmp_path / part).mkdir(exist_ok=True)
            save_torch_file(point, tmp_path / part / f"step{at}.safetensors")
        got = kernel(tmp_path, tmp_path / part)
        moved = {
            other: got.gram(f"0.self_attention.{other}.weight")[1, 1] > 0
            for other in ["query", "key", "value"]
        }
        assert moved == {other: other != part for other in moved}
        rows = [
            point["0.self_attention.in_proj_bias"].view(3, 6)[still].double().numpy()
            for point in (before, after)
        ]
        assert_gram(got.gram(f"0.self_attention.{part}.bias"), np.stack([rows[0], rows[1] - rows[0]]), 1e-6)
        assert got.numel[got.groups.index(f"0.self_attention.{part}.weight")] == 36


def test_an_unknown_number_of_heads_is_asked_for(tmp_path, capsys):
    folder = safetensors(tmp_path / "neox", walk(2, shapes={"attention.query_key_value.bias": (18,)}))
    assert main(["kernel", str(folder), "-o", str(tmp_path / "k.npz")]) == 2
    assert "--heads N" in capsys.readouterr().err
    assert main(["kernel", str(folder), "-o", str(tmp_path / "k.npz"), "--heads", "4"]) == 2
    assert "18 rows, not a multiple of 3 × 4" in capsys.readouterr().err


def test_what_only_bears_the_name_of_an_in_projection_is_one_group(tmp_path):
    points = walk(2, shapes={"a.in_proj_weight": (6, 5), "b.in_proj_bias": (7,)})
    assert kernel(tmp_path, safetensors(tmp_path / "t", points)).groups == [
        "a.in_proj_weight",
        "b.in_proj_bias",
    ]


@pytest.mark.parametrize("m", [1, 3, 6])
def test_extending_is_the_same_as_computing_the_whole(tmp_path, m):
    points = walk(6)
    kernel(tmp_path, trajectory(tmp_path / "begun", points[:m]))
    (tmp_path / "k.npz").rename(tmp_path / "old.npz")
    folder = trajectory(tmp_path / "t", points)
    whole = kernel(tmp_path, folder).increments_gram
    got = kernel(tmp_path, folder, options=["--extend", str(tmp_path / "old.npz")])
    np.testing.assert_allclose(got.increments_gram, whole, rtol=1e-12, atol=1e-12)


def test_only_the_kernel_of_the_same_points_is_extended(tmp_path, capsys):
    def refused(points):
        folder = trajectory(tmp_path / f"t{len(points)}", points)
        command = [
            "kernel",
            str(folder),
            "-o",
            str(tmp_path / "new.npz"),
            "--extend",
            str(tmp_path / "k.npz"),
        ]
        assert main(command) == 2
        return capsys.readouterr().err

    kernel(tmp_path, trajectory(tmp_path / "begun", walk(3)))
    assert "groups" in refused(walk(5, shapes={"other": (3,)}))
    assert "steps" in refused(walk(2))
    assert "other points" in refused(walk(4, seed=1))
    (tmp_path / "k.npz").write_bytes(b"cut")
    assert "not a kernel" in refused(walk(6))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["step10", "step9", "step100"], ["step9", "step10", "step100"]),
        (["e1-s20", "e0-s9", "e1-s3"], ["e0-s9", "e1-s3", "e1-s20"]),
        (["lr0.1", "lr0.25", "lr0.3"], None),
        (["final", "step1"], None),
        (["step01", "step1"], None),
    ],
)
def test_natural_order(tmp_path, names, order):
    for name in names:
        save_file({"w": np.ones(2, np.float32)}, tmp_path / f"{name}.safetensors")
    if order:
        assert [
            point.path.name.removesuffix(".safetensors") for point in find_checkpoints([tmp_path]).points
        ] == order
    else:
        with pytest.raises(UserError, match="order cannot be told"):
            find_checkpoints([tmp_path])
    listed = [tmp_path / f"{name}.safetensors" for name in names]
    assert [point.path for point in find_checkpoints(listed, as_given=True).points] == listed


def refusal(tmp_path, capsys, *sources):
    """The one line that refuses `sources`; no kernel is left."""
    assert main(["kernel", *map(str, sources), "-o", str(tmp_path / "k.npz")]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and not list(tmp_path.glob("*k.npz*"))
    return message


def test_refusals_name_file_and_tensor(tmp_path, capsys):
    def others(name, second):
        first = {"a": np.ones((2, 3), np.float32), "b": np.ones(2, np.float32)}
        return refusal(tmp_path, capsys, safetensors(tmp_path / name, [first, first | second]))

    def missing():
        folder = tmp_path / "missing"
        safetensors(folder, [{"a": np.ones(2), "b": np.ones(2)}, {"a": np.ones(2)}])
        return refusal(tmp_path, capsys, folder)

    for message, said in [
        (others("shape", {"a": np.ones((3, 2), np.float32)}), "a has the shape [3, 2], not [2, 3]"),
        (others("more", {"c": np.ones(1, np.float32)}), "holds the tensor c"),
        (others("nan", {"b": np.array([1, np.nan], np.float32)}), "b holds values that are not finite"),
        (others("inf", {"a": np.full((2, 3), -np.inf, np.float32)}), "a holds values that are not finite"),
        (missing(), "lacks the tensor b"),
    ]:
        assert "step1.safetensors" in message and said in message
    assert "trajectory.json" in refusal(tmp_path, capsys, tmp_path / "nowhere")
    (tmp_path / "nothing").mkdir()
    assert "holds no checkpoint" in refusal(tmp_path, capsys, tmp_path / "nothing")


@pytest.mark.parametrize("kept", [0, 5, 40, -1])
@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_a_cut_file_is_named(tmp_path, capsys, kept, kind):
    for t in range(2):
        path = tmp_path / f"{t}.{kind}"
        state = {"weight": torch.full((50,), float(t))}
        save_torch_file(state, path) if kind == "safetensors" else torch.save(state, path)
    path.write_bytes(path.read_bytes()[:kept])
    assert f"1.{kind}" in refusal(tmp_path, capsys, tmp_path)


def test_a_trajectory_that_was_altered_is_refused(tmp_path, capsys):
    folder = trajectory(tmp_path / "t", walk(3, shapes={"weight": (4,)}))
    whole = (folder / "point-00001.safetensors").read_bytes()
    altered = whole[:-1] + bytes([whole[-1] ^ 1])
    for content, told in {whole[:-3]: "cut", altered: "SHA-256", whole + b" ": "SHA-256"}.items():
        (folder / "point-00001.safetensors").write_bytes(content)
        message = refusal(tmp_path, capsys, folder)
        assert "point-00001" in message and told in message


def test_of_several_altered_points_the_first_is_named(tmp_path):
    folder = trajectory(tmp_path / "t", walk(7, shapes={"weight": (9000,)}))
    for t in (5, 2, 3):
        path = folder / f"point-{t:05d}.safetensors"
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    found = find_checkpoints([folder])
    for workers in (1, 2, 3, 16):
        with pytest.raises(UserError, match="point-00002.*SHA-256"):
            increments_gram(found, groups(found), segment=1000, workers=workers)


def test_points_are_hashed_side_by_side(tmp_path, monkeypatch):
    found = find_checkpoints([trajectory(tmp_path / "t", walk(4, shapes={"weight": (9000,)}))])
    together, hash_one = threading.Barrier(2), Digests._hash

    def hash_with_another(*arguments):
        together.wait(timeout=60)
        hash_one(*arguments)

    monkeypatch.setattr(Digests, "_hash", hash_with_another)
    increments_gram(found, groups(found), segment=5000, workers=2)


def test_headers_that_lie_are_refused(tmp_path, capsys):
    def header(told):
        content = json.dumps(told).encode()
        (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(content)) + content + bytes(8))
        return refusal(tmp_path, capsys, tmp_path / "a.safetensors")

    assert "w has 8 bytes, not the 12" in header(
        {"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}
    )
    assert "F8_E4M3" in header({"w": {"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}})
    assert "not a safetensors file" in header({"w": {"dtype": "F32"}})
    assert "holds no parameter" in header({"w": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}})


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_code_is_refused_and_does_not(tmp_path, capsys, zipped):
    path = tmp_path / "0.pt"
    torch.save({"w": torch.ones(2), "x": Bomb(tmp_path / "ran")}, path, _use_new_zipfile_serialization=zipped)
    assert zipfile.is_zipfile(path) == zipped
    message = refusal(tmp_path, capsys, path)
    assert "0.pt" in message and "code" in message and not (tmp_path / "ran").exists()


def test_the_key_to_a_nested_state_dict_is_suggested(tmp_path, capsys):
    torch.save({"model": {"w": torch.ones(2)}, "epoch": 3}, tmp_path / "0.pt")
    assert "--key model" in refusal(tmp_path, capsys, tmp_path / "0.pt")


def test_torch_layouts(tmp_path, capsys):
    """Tied weights count once; channels-last is fine if all points are; views with gaps are refused."""
    weight = torch.randn(4, 3, 2, 2)
    for t in range(2):
        moved = (weight + t).to(memory_format=torch.channels_last)
        torch.save({"conv": moved, "tied": moved}, tmp_path / f"{t}.pt")
    got = kernel(tmp_path, tmp_path)
    assert got.groups == ["conv"] and got.gram()[1, 1] == pytest.approx(48)
    (tmp_path / "k.npz").unlink()
    torch.save({"conv": weight}, tmp_path / "1.pt")
    assert "another memory order" in refusal(tmp_path, capsys, tmp_path)
    torch.save({"conv": weight[:, 0]}, tmp_path / "0.pt")
    assert "view with gaps" in refusal(tmp_path, capsys, tmp_path)


def test_no_half_written_kernel_replaces_a_whole_one(tmp_path, capsys):
    folder = trajectory(tmp_path / "t", walk(2))
    before = kernel(tmp_path, folder).increments_gram
    (folder / "point-00001.safetensors").write_bytes(b"")
    assert main(["kernel", str(folder), "-o", str(tmp_path / "k.npz")]) == 2
    assert (Kernel.load(tmp_path / "k.npz").increments_gram == before).all()
    (tmp_path / "file").touch()
    assert main(["kernel", str(folder), "--no-verify", "-o", str(tmp_path / "file" / "k.npz")]) == 2
    capsys.readouterr()


@pytest.mark.parametrize("stopped", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("at", ["preadv", "fsync"])
def test_interrupted_while_reading_or_writing_leaves_the_kernel_before(tmp_path, stopped, at):
    before = kernel(tmp_path, trajectory(tmp_path / "t", walk(2, seed=1)))
    trajectory(tmp_path / "t", points := walk(3))
    program = f"""
import os, signal, sys
from hallmarks.cli import main

real, calls = os.{at}, []
def interrupted(*arguments):
    calls.append(1)
    if len(calls) == (11 if "{at}" == "preadv" else 1):  # six read the headers
        os.kill(os.getpid(), {int(stopped)})
    return real(*arguments)
os.{at} = interrupted
sys.exit(main(sys.argv[1:]))
"""
    command = ["kernel", str(tmp_path / "t"), "-o", str(tmp_path / "k.npz")]
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True)
    assert done.returncode == (130 if stopped == signal.SIGINT else -stopped)
    assert "Traceback" not in done.stderr
    assert (Kernel.load(tmp_path / "k.npz").increments_gram == before.increments_gram).all()
    assert_gram(kernel(tmp_path, tmp_path / "t").gram("long"), increments(points, "long"), 1e-6)


def test_points_gram_follows_from_the_increments(tmp_path):
    points = walk(7, shapes={"weight": (40,)})
    rows = np.stack([point["weight"] for point in points]).astype(np.float64)
    got = kernel(tmp_path, trajectory(tmp_path / "t", points))
    np.testing.assert_allclose(points_gram(got.gram()), rows @ rows.T, rtol=1e-12)


def test_map_is_a_picture_beside_its_kernel(tmp_path, capsys):
    trajectory(tmp_path / "t", walk(12, shapes={"weight": (50,)}))
    assert main(["map", str(tmp_path / "t"), "-o", str(tmp_path / "map.png")]) == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG") and (tmp_path / "map.npz").exists()
    assert main(["map", str(tmp_path / "t"), "-o", str(tmp_path / "map.txt")]) == 2
    assert "map.txt" in capsys.readouterr().err

"""Measures against their definitions, computed directly from the points in float64."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hallmarks.cli import main
from hallmarks.errors import UserError
from hallmarks.measures import (
    Kernel,
    angle_updates_noise,
    angles,
    mean_directional_similarity,
    measure,
    prefix_directional_similarity,
    relative_mean_directional_similarity,
    relative_prefix_directional_similarity,
    subsample,
    trajectory_map,
)


def kernel_of(points: np.ndarray) -> Kernel:
    increments = np.vstack([points[:1], np.diff(points, axis=0)])
    gram = (increments @ increments.T)[None]
    n = len(points)
    return Kernel(gram, ["weight"], np.array([points.shape[1]]), np.arange(n) * 10, np.arange(n))


def trajectory(n: int, update: float) -> np.ndarray:
    generator = np.random.default_rng(n)
    increments = generator.standard_normal((n, 300))
    increments[1:] *= update
    return increments.cumsum(axis=0)


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


def values(table: pd.DataFrame, name: str) -> pd.Series:
    rows = table[(table["measure"] == name) & (table["group"] == "all")]
    return rows.set_index("index")["value"]


@pytest.mark.parametrize("n", [2, 3, 40])
@pytest.mark.parametrize("update", [1e-1, 1e-3, 1e-5])
def test_angles_are_those_of_the_definitions(n: int, update: float):
    points = trajectory(n, update)
    table = measure(kernel_of(points), "run")
    last = n - 1
    updates, away = np.diff(points, axis=0), points - points[0]
    expected = {
        "angle_updates": {t: degrees(updates[t], updates[t - 1]) for t in range(1, last)},
        "angle_update_location": {t: degrees(updates[t], points[t]) for t in range(last)},
        "angle_update_net": {t: degrees(updates[t], away[-1]) for t in range(last)},
        "angle_displacement_net": {t: degrees(away[t], away[-1]) for t in range(1, last)},
        "apex_initialisation": {t: degrees(away[t], away[1]) for t in range(2, n)},
        "apex_origin": {t: degrees(points[t], points[0]) for t in range(1, n)},
    }
    for name, by_index in expected.items():
        got = values(table, name)
        assert got.index.tolist() == list(by_index), name
        np.testing.assert_allclose(got, list(by_index.values()), rtol=1e-6, atol=3e-6, err_msg=name)


def test_mds_norms_and_spectra():
    points = trajectory(12, 0.5)
    table = measure(kernel_of(points), "run")
    away = points[1:] - points[0]
    for rows, name, spectrum in [(points, "mds", "C"), (away, "mds_relative", "C0")]:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        assert values(table, name).item() == pytest.approx((unit @ unit.T).mean())
        eigenvalues = np.linalg.svd(unit, compute_uv=False) ** 2
        np.testing.assert_allclose(values(table, f"eigenvalue_{spectrum}"), eigenvalues, atol=1e-12)
    np.testing.assert_allclose(values(table, "norm"), np.linalg.norm(points, axis=1))
    np.testing.assert_allclose(values(table, "update_norm"), np.linalg.norm(np.diff(points, axis=0), axis=1))
    distance = values(table, "distance_from_initialisation")
    assert distance.index.tolist() == list(range(1, 12))
    np.testing.assert_allclose(distance, np.linalg.norm(away, axis=1))


def test_a_zero_update_gives_nan():
    points = trajectory(6, 0.1)
    points[3] = points[2]
    updates = values(measure(kernel_of(points), "run"), "angle_updates")
    assert updates.isna().tolist() == [False, True, True, False]


def test_a_return_to_the_start_has_no_direction():
    points = trajectory(5, 1e-2)
    points[4] = points[0]
    table = measure(kernel_of(points), "run")
    assert values(table, "angle_update_net").isna().all()
    assert values(table, "apex_initialisation").isna().tolist() == [False, False, True]


def test_a_tensor_at_zero_has_no_direction():
    points = trajectory(4, 1.0)
    points[0] = 0
    table = measure(kernel_of(points), "run")
    assert np.isnan(values(table, "mds").item()) and values(table, "apex_origin").isna().all()
    assert np.isfinite(values(table, "mds_relative").item())
    assert np.isfinite(values(table, "eigenvalue_K")).all() and values(table, "eigenvalue_C").isna().all()


@pytest.mark.parametrize("every", [1, 2, 5])
def test_subsample_is_the_kernel_of_fewer_points(every: int):
    points = trajectory(13, 1e-3)
    coarse, expected = subsample(kernel_of(points), every), kernel_of(points[::every])
    np.testing.assert_allclose(coarse.increments_gram, expected.increments_gram, rtol=1e-9, atol=1e-13)
    assert coarse.step.tolist() == list(range(0, 130, 10 * every))
    for name, (_, value) in angles(expected).items():
        np.testing.assert_allclose(angles(coarse)[name][1], value, rtol=1e-7, err_msg=name)


def test_prefixes_are_the_trajectory_so_far():
    points = trajectory(9, 0.3)
    absolute = prefix_directional_similarity(kernel_of(points))
    relative = relative_prefix_directional_similarity(kernel_of(points))
    assert len(absolute) == 9 and len(relative) == 8
    for t in range(9):
        prefix = kernel_of(points[: t + 1])
        assert absolute[t] == pytest.approx(mean_directional_similarity(prefix))
        if t:
            assert relative[t - 1] == pytest.approx(relative_mean_directional_similarity(prefix))


def test_groups_are_measured_apart_and_together():
    one, two = trajectory(6, 0.1)[:, :100], trajectory(6, 0.3)[:, 100:]
    grams = np.concatenate([kernel_of(part).increments_gram for part in (one, two)])
    kernel = Kernel(grams, ["a", "b"], np.array([100, 200]), np.arange(6), np.arange(6))
    whole = kernel_of(np.hstack([one, two]))
    np.testing.assert_allclose(trajectory_map(kernel), trajectory_map(whole))
    np.testing.assert_allclose(trajectory_map(kernel, "b"), trajectory_map(kernel_of(two)))
    with pytest.raises(UserError, match="'c'.*a, b"):
        trajectory_map(kernel, "c")


def test_rows_carry_their_points():
    table = measure(kernel_of(trajectory(4, 0.1)), "run").set_index("measure")
    assert table.loc["norm", "step"].tolist() == [0, 10, 20, 30] * 2
    assert table.loc["angle_updates", "epoch"].tolist() == [1, 2] * 2
    assert table.loc[["eigenvalue_K", "mds"], ["step", "epoch"]].isna().all(axis=None)
    assert table.loc["mds", "index"].isna().all()
    spectrum = table.loc["eigenvalue_K", "value"].to_numpy()[:4]
    assert (np.diff(spectrum) < 0).all()


def bfloat16(array: np.ndarray) -> np.ndarray:
    """Rounded to the nearest, ties to even."""
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


ROUNDED = {"float16": lambda array: array.astype(np.float16), "bfloat16": bfloat16}


@pytest.mark.parametrize("storage", list(ROUNDED))
@pytest.mark.parametrize("update", [1e-2, 1e-3, 3e-4])
@pytest.mark.parametrize("memory", [0.3, -0.9])
def test_noise_is_what_half_precision_adds(storage: str, update: float, memory: float):
    """A float32 trajectory of two tensors, and the same rounded: the estimate sees only the rounded one."""
    generator = np.random.default_rng(0)
    scales = np.repeat([0.04, 0.07], [40_000, 40_000])
    points, direction = [scales * generator.standard_normal(80_000)], generator.standard_normal(80_000)
    for _ in range(12):
        points.append(points[-1] + update * scales * direction)
        direction = memory * direction + np.sqrt(1 - memory**2) * generator.standard_normal(80_000)
    points = np.array(points, np.float32)

    def kernel(points: np.ndarray) -> Kernel:
        parts = np.split(points.astype(np.float64), [40_000], axis=1)
        grams = np.concatenate([kernel_of(part).increments_gram for part in parts])
        t = np.arange(len(points))
        return Kernel(grams, ["small", "large"], np.array([40_000, 40_000]), t, t, storage)

    half = kernel(ROUNDED[storage](points))
    for group in ["all", "small", "large"]:
        added = angles(half, group)["angle_updates"][1] - angles(kernel(points), group)["angle_updates"][1]
        index, noise = angle_updates_noise(half, group)
        assert index.tolist() == list(range(1, 12))
        assert np.mean(noise) == pytest.approx(np.mean(added), rel=0.1, abs=0.1), group
    table = measure(half, "run")
    np.testing.assert_array_equal(values(table, "angle_updates_noise"), angle_updates_noise(half)[1])


def test_noise_of_a_zero_update_is_nan_and_float32_has_none():
    points = np.ones((5, 4))
    points[3:, 0] = 1.25
    kernel = kernel_of(points)
    assert "angle_updates_noise" not in set(measure(kernel, "run")["measure"])
    assert np.isnan(angle_updates_noise(replace(kernel, storage="float16"))[1]).all()


def test_one_point():
    table = measure(kernel_of(trajectory(1, 1.0)), "run")
    assert set(table["measure"]) == {"mds", "norm", "eigenvalue_K", "eigenvalue_C"}
    assert values(table, "mds").item() == 1.0


def test_command(tmp_path, capsys):
    kernel = kernel_of(trajectory(5, 0.1))
    replace(kernel, diverged="diverged at epoch 4").save(tmp_path / "kernel.npz")
    output = tmp_path / "measures.parquet"
    assert main(["measure", str(tmp_path / "kernel.npz"), "--run", "a/default/seed0", "-o", str(output)]) == 0
    table = pd.read_parquet(output)
    assert list(table) == ["run", "group", "measure", "index", "step", "epoch", "value"]
    assert table.attrs == {"diverged": "diverged at epoch 4", "missing": []}
    assert set(table["group"]) == {"all", "weight"} and set(table["run"]) == {"a/default/seed0"}
    (tmp_path / "bad.npz").write_bytes(b"not a kernel")
    assert main(["measure", str(tmp_path / "bad.npz"), "--run", "r", "-o", str(tmp_path / "no.parquet")]) == 2
    assert "bad.npz" in capsys.readouterr().err and not (tmp_path / "no.parquet").exists()
    assert main(["measure", str(tmp_path / "kernel.npz"), "-o", str(tmp_path / "no.csv")]) == 2
    assert "no.csv: measures are written as Parquet" in capsys.readouterr().err
    assert not (tmp_path / "no.csv").exists()

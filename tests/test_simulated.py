"""Simulated runs: against a recursion written apart in float64, through command, kernel and measures."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from hallmarks.cli import main
from hallmarks.figures import hallmarks, sign_change, two_trajectories, weight_decay
from hallmarks.figures.panels import panels_of
from hallmarks.measures import angles, measure
from hallmarks.measures.points import kernel_of
from hallmarks.trajectory.heavy_ball import heavy_ball
from hallmarks.trajectory.reader import read_trajectory

TASK = {"origin": "simulated", "curvatures": [0.99, 0.09, 0], "learning_rate": 1.9, "momentum": 0.9}
TASK |= {"weight_decay": 0.01, "length": 12}


def make(folder, name="default", seed=0, **changes) -> int:
    """The run, its kernel and its measures, as the rules make them."""
    run, results = f"q/{name}/seed{seed}", folder / "results"
    settings = json.dumps(TASK | changes)
    words = [
        "train",
        run,
        "--settings",
        settings,
        "--scratch",
        str(folder / "scratch"),
        "--record-divergence",
    ]
    made = main([*words, "-o", str(results / "runs" / run)])
    if made == 0:
        kernel = results / f"kernels/{run}.npz"
        assert main(["kernel", str(results / "runs" / run / "trajectory"), "-o", str(kernel)]) == 0
        table = ["measure", str(kernel), "--run", run, "-o", str(results / f"measures/{run}.parquet")]
        assert main(table) == 0
    return made


def reference(start, length, **settings) -> np.ndarray:
    """Heavy ball as a recursion of points alone: θ_{t+1} = θ_t + μ(θ_t − θ_{t−1}) − η∇f(θ_t)."""
    told = TASK | settings
    shifted = np.diag(np.array(told["curvatures"]) + told["weight_decay"])
    points = [start, start - told["learning_rate"] * shifted @ start]
    for _ in range(length - 1):
        turn = told["momentum"] * (points[-1] - points[-2])
        points.append(points[-1] + turn - told["learning_rate"] * shifted @ points[-1])
    return np.array(points)


@pytest.mark.parametrize("seed", [0, 3])
def test_a_run_is_heavy_ball_from_a_normal_start(tmp_path, seed):
    assert make(tmp_path, seed=seed) == 0
    expected = reference(np.random.default_rng(seed).standard_normal(3), 12)
    folder = tmp_path / f"results/runs/q/default/seed{seed}"
    assert [point.step for point in read_trajectory(folder / "trajectory").points] == list(range(13))
    for t, point in enumerate(expected):
        stored = load_file(folder / f"trajectory/point-{t:05d}.safetensors")
        values = np.array([stored[f"direction-{number}"][0] for number in (1, 2, 3)])
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, point, rtol=2e-7, atol=1e-12)
    table = pd.read_parquet(tmp_path / f"results/measures/q/default/seed{seed}.parquet")
    groups = ["all", "direction-1", "direction-2", "direction-3"]
    assert list(dict.fromkeys(table["group"])) == groups
    got = table.query("measure == 'norm'").pivot(index="index", columns="group", values="value")
    np.testing.assert_allclose(got["all"], np.linalg.norm(expected, axis=1), atol=5e-6)
    np.testing.assert_allclose(got["direction-2"], np.abs(expected[:, 1]), atol=5e-6)
    log = pd.read_csv(folder / "log.csv")
    loss = 0.5 * (expected**2 @ (np.array(TASK["curvatures"]) + TASK["weight_decay"]))
    np.testing.assert_allclose(log["loss"], loss, rtol=1e-8)


def test_heavy_ball_about_a_minimum():
    minimum, start = np.array([2.0, -1.0]), np.array([0.5, 0.5])
    settings = {"learning_rate": 0.4, "momentum": 0.3, "length": 9}
    about = heavy_ball(np.array([1.0, 0.2]), start, minimum=minimum, **settings)
    zero = heavy_ball(np.array([1.0, 0.2]), start - minimum, **settings)
    np.testing.assert_allclose(about - minimum, zero, atol=1e-14)


def test_the_product_changes_its_sign_at_the_threshold(tmp_path):
    """η(λ₁+α) = 1+μ: 0.8 below, 1.9 at it, 2.9 above; without momentum 1.9 is above."""
    rates = {"below": (0.8, 0.9), "at": (1.9, 0.9), "above": (2.9, 0.9), "plain": (1.9, 0.0)}
    described = []
    for name, (rate, momentum) in rates.items():
        assert make(tmp_path, name, learning_rate=rate, momentum=momentum, length=30) == 0
        described.append({"label": name, "runs": [f"q/{name}/seed0"], "unit": "steps"})
    panels = panels_of({"results": tmp_path / "results", "panels": described})
    products = {panel.label: sign_change.top_product(panel.kernels[0]) for panel in panels}
    points = {
        name: reference(
            np.random.default_rng(0).standard_normal(3), 30, learning_rate=rate, momentum=momentum
        )
        for name, (rate, momentum) in rates.items()
    }
    for name in ("below", "above", "plain"):
        updates = np.diff(points[name][:, 0])
        expected = 2 * updates[1:] * updates[:-1] / (updates[1:] ** 2 + updates[:-1] ** 2)
        np.testing.assert_allclose(products[name], expected, atol=1e-4)
    assert products["below"][0] > 0 > products["above"][0] and (products["at"] == 0).all()
    assert (products["below"] < 0).mean() < 0.5 < (products["above"] < 0).mean()
    assert (products["plain"] < 0).all()
    picture = sign_change.draw(panels)
    told = sign_change.summary(picture).set_index("variation")
    assert told["η(λ₁+α)"].tolist() == pytest.approx([0.8, 1.9, 2.9, 1.9], abs=1e-3)
    assert told["first ratio"].tolist() == pytest.approx([1.1, 0.0, -1.0, -0.9], abs=1e-3)
    assert told["expected"].tolist() == pytest.approx(
        [np.arccos(1.1 / 2 / 0.9**0.5) / np.pi, 0.5, np.arccos(-1 / 2 / 0.9**0.5) / np.pi, 1.0], abs=1e-3
    )
    angle = picture.numbers.query("measure == 'angle_updates' and label == 'plain'")["value"].astype(float)
    updates = np.diff(points["plain"], axis=0)
    cosine = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(updates[1:], updates, strict=False)
    ]
    np.testing.assert_allclose(angle, np.degrees(np.arccos(cosine)), atol=1e-3)


def test_a_run_that_diverges_keeps_its_points_and_says_so(tmp_path):
    assert make(tmp_path, learning_rate=1e6, length=40) == 0
    table = pd.read_parquet(tmp_path / "results/measures/q/default/seed0.parquet")
    told = json.loads((tmp_path / "results/runs/q/default/seed0/trajectory/trajectory.json").read_text())
    points = len(told["points"])
    assert 2 < points < 40 and told["diverged"]["step"] == points
    assert "diverged" in table.attrs["diverged"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"learning_rate": -1}, "learning_rate: Input should be greater than 0, not -1"),
        ({"momentum": 1}, "momentum: Input should be less than 1, not 1"),
        ({"momentum": -0.1}, "momentum: Input should be greater than or equal to 0"),
        ({"curvatures": []}, "curvatures: List should have at least 1 item"),
        ({"curvatures": [1, -1]}, "curvatures.1: Input should be greater than or equal to 0, not -1"),
        ({"weight_decay": -1e-4}, "weight_decay: Input should be greater than or equal to 0"),
        ({"length": 0}, "length: Input should be greater than 0"),
        ({"curvature": [1]}, "curvature: unknown key; did you mean 'curvatures'?"),
    ],
)
def test_refused(tmp_path, capsys, changes, line):
    assert make(tmp_path, **changes) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1 and not (tmp_path / "results").exists()


def test_the_kernel_of_points():
    points = np.random.default_rng(0).standard_normal((7, 4))
    kernel = kernel_of(points)
    np.testing.assert_allclose(np.tri(7) @ kernel.gram() @ np.tri(7).T, points @ points.T, atol=1e-12)
    assert set(measure(kernel, "r")["group"]) == {"all", "theta"}


def degrees(one, other) -> float:
    return np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))


@pytest.mark.parametrize("kind", [two_trajectories, weight_decay])
def test_a_schematic_says_the_angles_of_its_points(kind, tmp_path):
    picture = kind.draw().with_footer("laptop")
    picture.save(tmp_path / "figure")
    texts = " ".join(text.get_text() for axes in picture.figure.axes for text in axes.texts)
    for _, rows in picture.numbers.groupby("trajectory", sort=False):
        points = rows[["x", "y"]].to_numpy()
        assert f"{degrees(points[-1], points[0]):.0f}°" in texts
        if kind is two_trajectories:
            assert f"{degrees(points[-1] - points[0], points[1] - points[0]):.0f}°" in texts
    page = picture.figure.bbox.padded(1)
    for box in [axes.get_tightbbox() for axes in picture.figure.axes]:
        assert page.containsx(box.x0) and page.containsx(box.x1) and page.containsy(box.y0), box


def test_the_schematics_show_what_the_paper_says():
    """Updates that add up against updates that turn back; a wider angle at O with more decay; oscillation."""
    straight, turning = two_trajectories.simulated().values()
    norms = np.linalg.norm(straight, axis=1)
    assert (np.diff(norms) > 0).all() and angles(kernel_of(straight))["angle_updates"][1].max() < 45
    assert angles(kernel_of(turning))["angle_updates"][1][:2].min() > 90
    ends = [weight_decay.simulated(strength) for strength in weight_decay.STRENGTHS]
    wide = [degrees(points[-1], points[0]) for points in ends]
    assert wide == sorted(wide) and wide[-1] > 1.3 * wide[0]
    edge = hallmarks.oscillating()
    assert angles(kernel_of(edge))["angle_updates"][1].min() > 90 and (np.diff(edge[:, 1]) < 0).all()
    assert abs(edge[-1, 1]) < 0.3 * edge[0, 1]

"""Lemma 1: its algebra against steps that are taken one by one, and its bounds counted the slow way."""

import json

import numpy as np
import pandas as pd
import pytest

from hallmarks.cli import main
from hallmarks.studies.lemma_1 import BOUNDS, RECURSIONS, SPECTRA, Settings, draw, row_of, wilson


def two_steps(matrix, theta, eta, mu, alpha, recursion, later):
    """⟨Δ_t, Δ_{t+1}⟩ as the recursion says it, with gradients of the loss itself; `later` is η_{t+1}."""

    def gradient(at):
        return matrix @ at + alpha * at

    first = theta - eta * gradient(theta)
    if recursion == "as printed":
        step = gradient(first) - mu * eta * gradient(theta)
    else:
        step = gradient(first) + mu * gradient(theta)
    second = first - later * step
    return (first - theta) @ (second - first)


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("recursion", RECURSIONS)
def test_counts_are_those_of_brute_force(name, recursion):
    random = np.random.default_rng(1)
    drawn = draw(name, 60, 6, random)
    printed = corrected = 0
    for index in range(60):
        curvatures, theta = drawn.curvatures[index], drawn.theta[index]
        eta, mu, alpha = (float(value[index, 0]) for value in (drawn.eta, drawn.mu, drawn.alpha))
        later = eta * random.uniform(0.1, 2)
        basis = np.linalg.qr(random.standard_normal((6, 6)))[0]
        matrix = basis @ np.diag(curvatures) @ basis.T
        product = two_steps(matrix, basis @ theta, eta, mu, alpha, recursion, later)
        c = 1 - mu * eta if recursion == "as printed" else 1 + mu
        z = [(c - eta * alpha - eta * each) * (each + alpha) ** 2 for each in curvatures]
        assert z == pytest.approx(drawn.spectrum(recursion)[index], rel=1e-9, abs=1e-14)
        scaled = product / (eta * later)
        assert scaled == pytest.approx(sum(np.array(z) * theta**2), rel=1e-8)
        square, slack = theta @ theta, 1e-9 * sum(np.abs(z) * theta**2)
        printed += not z[0] * square - slack <= scaled <= z[-1] * square + slack
        corrected += not min(z) * square - slack <= scaled <= max(z) * square + slack
    rows = [row_of(drawn, recursion, bounds) for bounds in BOUNDS]
    assert [row["violations"] for row in rows] == [printed, corrected]
    assert printed > 0 and corrected == 0


def test_the_heavy_ball_step_is_pytorchs():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    curvatures, theta = np.array([2.0, 0.5, 0.1]), random.standard_normal(3)
    point = torch.nn.Parameter(torch.tensor(theta))
    optimizer = torch.optim.SGD([point], lr=0.3, momentum=0.7, weight_decay=0.05)
    points = [theta]
    for _ in range(2):
        optimizer.zero_grad()
        (0.5 * (torch.tensor(curvatures) * point**2).sum()).backward()
        optimizer.step()
        points.append(point.detach().numpy().copy())
    product = (points[1] - points[0]) @ (points[2] - points[1])
    assert two_steps(np.diag(curvatures), theta, 0.3, 0.7, 0.05, "heavy ball", 0.3) == pytest.approx(product)


def test_the_corrected_bounds_in_closed_form():
    """The notebook: where M is not below −α, the smallest z is at an end, and none is above 4c³/27η²."""
    for name in set(SPECTRA) - {"symmetric"}:
        drawn = draw(name, 500, 5, np.random.default_rng(2))
        z = drawn.spectrum("heavy ball")
        ends = np.minimum(z[:, 0], z[:, -1])
        np.testing.assert_allclose(z.min(axis=1), ends, rtol=1e-9, atol=1e-15)
        assert (z <= 4 * (1 + drawn.mu) ** 3 / (27 * drawn.eta**2) * (1 + 1e-12)).all()
        beyond = (drawn.eta * (drawn.curvatures[:, :1] + drawn.alpha) > 1 + drawn.mu)[:, 0]
        assert beyond.any() and (z[beyond, 0] < 0).all() and (z[~beyond, 0] >= 0).all()
        assert (z[beyond, 0] <= z[beyond, -1] * (1 + 1e-9) + 1e-15).all()  # the printed lower bound is right


def test_the_spectra_are_what_they_say():
    random = np.random.default_rng(0)
    drawn = {name: draw(name, 4000, 10, random).curvatures for name in SPECTRA}
    assert all((np.diff(values, axis=1) <= 0).all() for values in drawn.values())
    assert ((drawn["degenerate"] > 0).sum(axis=1) == 2).all() and (drawn["wishart"] > 0).all()
    assert drawn["uniform"].mean() == pytest.approx(0.5, abs=0.01)
    assert np.log10(drawn["log-uniform"]).mean() == pytest.approx(-2, abs=0.03)
    assert drawn["wishart"].mean() == pytest.approx(1, abs=0.02)  # E tr XXᵀ/2d = d
    # The trace of the square of a symmetric one has the mean d(d+1)/4d.
    assert (drawn["symmetric"] ** 2).sum(axis=1).mean() == pytest.approx(11 / 4, rel=0.02)


def test_the_table_and_its_intervals():
    table = Settings(title="", section="", draws=200).table()
    assert len(table) == 5 * 2 * 2 and (table["draws"] == 200).all()
    assert (table["share"] == table["violations"] / 200).all()
    assert (table["violations"] <= table["above"] + table["below"]).all()
    assert table["share"].between(table["low"], table["high"]).all()
    assert (table.query("bounds == 'all eigenvalues'")["violations"] == 0).all()
    assert (table.query("bounds == 'λ₁ and λ_d'")["low"] > 0.05).all()
    pd.testing.assert_frame_equal(table, Settings(title="", section="", draws=200).table())
    # Wilson's interval of 15 in 50, and of none, from its textbook formula.
    assert wilson(15, 50) == pytest.approx((0.19099, 0.43752), abs=1e-4)
    assert wilson(0, 50) == pytest.approx((0, 0.07135), abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"draws": 0}, "draws: Input should be greater than 0, not 0"),
        ({"dimension": 1}, "dimension: Input should be greater than or equal to 2, not 1"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0, not -1"),
        ({"draw": 5}, "draw: unknown key; did you mean 'draws'?"),
    ],
)
def test_refused(tmp_path, capsys, changes, line):
    (tmp_path / "settings.json").write_text(json.dumps({"study": "lemma-1", "draws": 10} | changes))
    words = ["study", "--settings", str(tmp_path / "settings.json"), "-o", str(tmp_path / "table.csv")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1 and not (tmp_path / "table.csv").exists()

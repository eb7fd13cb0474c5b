"""Width: the scalings of both parametrisations, training against float64, the deviation, the fit."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import linregress, t
from torch.nn.functional import cross_entropy

from hallmarks.cli import main
from hallmarks.config.load import overlay, read_yaml
from hallmarks.data.draws import epoch_order
from hallmarks.figures.width import PowerLaw, draw, exponents
from hallmarks.studies.width import Settings, images, scales, train, turned
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.results import Result, Results
from smoke import ROOT

SMALL = {"study": "width", "widths": [16, 32], "seeds": [0], "learning_rate": 0.1, "batch_size": 32}
SMALL |= {"length": 3}


def test_scales_are_those_of_maximal_update():
    """Yang et al. 2022, Table 3, SGD: variance 1/fan_in, 1/fan_in, 1/fan_in²; rate fan_out, 1, 1/fan_in."""
    one, two = (scales("maximal-update", width, 64) for width in (128, 512))
    ratios = [(b / a) ** 2 for a, b in zip(one[0], two[0], strict=True)]
    assert ratios == pytest.approx([1, 1 / 4, 1 / 16])
    assert [b / a for a, b in zip(one[1], two[1], strict=True)] == pytest.approx([4, 1, 1 / 4])
    one, two = (scales("standard", width, 64) for width in (128, 512))
    ratios = [(b / a) ** 2 for a, b in zip(one[0], two[0], strict=True)]
    assert ratios == pytest.approx([1, 1 / 4, 1 / 4])
    assert [b / a for a, b in zip(one[1], two[1], strict=True)] == pytest.approx([1 / 4] * 3)
    for ours, theirs in zip(scales("standard", 64, 64), scales("maximal-update", 64, 64), strict=True):
        assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("parametrisation", ["standard", "maximal-update"])
def test_training_is_that_of_pytorch_in_float64(parametrisation):
    settings, data = Settings(title="", section="", **SMALL), images()
    inputs, labels = data["train"]
    assert float(inputs.mean()) == pytest.approx(0, abs=1e-5) and float(inputs.std()) == pytest.approx(
        1, abs=1e-5
    )
    deviations, rates = scales(parametrisation, 32, 16)
    random = torch.Generator().manual_seed(5)
    layers = [torch.nn.Linear(b, a, bias=False).double() for a, b in [(32, 64), (32, 32), (10, 32)]]
    for layer, sd in zip(layers, deviations, strict=True):
        layer.weight.data = (torch.randn(layer.weight.shape, generator=random) * sd).double()
    before = layers[1].weight.detach().clone()
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    groups = [{"params": [layer.weight], "lr": 0.1 * r} for layer, r in zip(layers, rates, strict=True)]
    optimizer = torch.optim.SGD(groups)
    order = epoch_order(5, 0, len(inputs))
    for step in range(3):
        batch = order[32 * step : 32 * step + 32]
        optimizer.zero_grad()
        cross_entropy(network(inputs[batch].double()), labels[batch]).backward()
        optimizer.step()
    after = layers[1].weight.detach()
    cosine = float((before * after).sum() / before.norm() / after.norm())
    got = train(settings, parametrisation, 32, 5, data)
    assert got["deviation"] == pytest.approx(1 - cosine, rel=1e-3) and got["deviation"] > 1e-6
    assert got["cosine"] == 1 - got["deviation"]
    with torch.no_grad():
        assert got["loss"] == pytest.approx(float(cross_entropy(network(inputs.double()), labels)), rel=1e-4)
        right = network(data["test"][0].double()).argmax(1) == data["test"][1]
    assert got["accuracy"] == pytest.approx(float(right.double().mean()), abs=1 / 360)


def test_a_small_turn_keeps_its_digits():
    before = torch.zeros(2, 2)
    before[0, 0] = 3.0
    after = before.clone()
    after[1, 1] = 3e-6
    assert turned(before, after) == pytest.approx(0.5e-12, rel=1e-6)


def test_the_table():
    table = Settings(title="", section="", **SMALL | {"seeds": [0, 1]}).table()
    assert list(table) == ["parametrisation", "width", "seed", "cosine", "deviation", "loss", "accuracy"]
    assert len(table) == 2 * 2 * 2 and table["cosine"].between(0, 1).all()
    base = table[table["width"] == 16].groupby("seed")["deviation"].nunique()
    assert (base == 1).all()  # at the first width both are one network


@pytest.fixture
def power_laws() -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        (name, width, seed, 0.3 * width**slope * np.exp(0.05 * random.standard_normal()))
        for name, slope in [("standard", -1.8), ("maximal-update", -1.0)]
        for width in (64, 128, 256, 512)
        for seed in range(3)
    ]
    return pd.DataFrame(rows, columns=["parametrisation", "width", "seed", "deviation"])


def test_the_exponents_are_those_of_scipy(power_laws):
    fits = exponents(power_laws).set_index("parametrisation")
    for name, rows in power_laws.groupby("parametrisation"):
        reference = linregress(np.log(rows["width"]), np.log(rows["deviation"]))
        half = t.ppf(0.975, 10) * reference.stderr
        assert fits.loc[name, "exponent"] == pytest.approx(reference.slope, rel=1e-10)
        assert fits.loc[name, "high"] - fits.loc[name, "low"] == pytest.approx(2 * half, rel=1e-10)
        means = np.log(rows.groupby("width")["deviation"].agg(lambda each: np.exp(np.log(each).mean())))
        assert fits.loc[name, "widest"] == pytest.approx((means[512] - means[256]) / np.log(2))
    assert fits["argued"].to_dict() == {"standard": -2, "maximal-update": -1}


def test_the_picture_shows_the_networks_and_says_the_fit(power_laws):
    picture = draw(power_laws).with_footer("laptop")
    (axes,) = picture.figure.axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), power_laws["deviation"][:12])
    fits = exponents(power_laws)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    for fit, text in zip(fits.itertuples(), texts, strict=True):
        assert f"{fit.exponent:.2f} [{fit.low:.2f}, {fit.high:.2f}]".replace("-", "−") in text


def test_the_band_is_that_of_the_regression(power_laws):
    rows = power_laws[power_laws["parametrisation"] == "standard"]
    law, x = PowerLaw.fit(rows), np.log(rows["width"].to_numpy(float))
    design = np.column_stack([np.ones_like(x), x])
    solution, (squares,), *_ = np.linalg.lstsq(design, np.log(rows["deviation"]), rcond=None)
    covariance = squares / (len(x) - 2) * np.linalg.inv(design.T @ design)
    at = np.array([1.0, np.log(200.0)])
    assert law.at(np.array([200.0])) == pytest.approx(np.exp(at @ solution))
    half = t.ppf(0.975, len(x) - 2) * np.sqrt(at @ covariance @ at)
    assert law.band(np.array([200.0])) == pytest.approx(np.exp(half))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"widths": [64, 32]}, "widths: must ascend, each width once, not [64, 32]"),
        ({"widths": [32, 32]}, "widths: must ascend, each width once"),
        ({"widths": [32]}, "widths: List should have at least 2 items"),
        ({"widths": [0, 32]}, "widths.0: Input should be greater than 0"),
        ({"learning_rate": -0.1}, "learning_rate: Input should be greater than 0"),
        (
            {"learning_rate": 1e6},
            "learning_rate: 1e+06 is too large, the standard network of width 16 diverges",
        ),
        ({"batch_size": 2000}, "batch_size: Input should be less than or equal to 1437"),
        ({"seeds": [1, 1]}, "seeds: a seed is listed twice"),
    ],
)
def test_refused(tmp_path, capsys, changes, line):
    (tmp_path / "settings.json").write_text(json.dumps(SMALL | changes))
    words = ["study", "--settings", str(tmp_path / "settings.json"), "-o", str(tmp_path / "table.csv")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1 and not (tmp_path / "table.csv").exists()


def test_a_figure_of_a_study_is_made_of_its_table(tmp_path):
    def results(*widths: int) -> Results:
        content = overlay(read_yaml(ROOT / "config.yaml"), {"studies": {"width": {"widths": list(widths)}}})
        return Results(open_paper(content, []), ROOT, tmp_path)

    one, other, figure = results(64, 128), results(64, 256), Result("figures", "width-exponents")
    assert one.parts(figure) == [Result("studies", "width")]
    assert one.settings(figure)["studies"] == ["width"] and "studies" not in one.settings(
        Result("figures", "fig10")
    )
    assert one.identity(figure).inputs.keys() == {"studies/width"}
    assert one.identity(figure).key != other.identity(figure).key
    every = one.all()
    assert every.index(Result("studies", "width")) < every.index(figure)

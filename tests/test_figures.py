"""Pictures: the numbers beside them, their labels, and that the same picture is the same bytes."""

import importlib
import pkgutil
import subprocess
import sys

import grimp
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from hallmarks import figures
from hallmarks.errors import UserError
from hallmarks.figures import angles, coarser, hallmarks, maps, norms, saturation, spectra
from hallmarks.figures.curves import summary
from hallmarks.figures.panels import COLUMNS, DrawnPanel, panels_of, table_of_runs
from hallmarks.figures.picture import Picture
from hallmarks.measures import Kernel, mean_directional_similarity, measure, subsample, trajectory_map

# What is shared, and what draws no panels, or more than panels: schematics and studies, in test_simulated.py,
# test_width.py and test_curvature.py, logs, in test_bn_only.py, layers, in test_layers.py, and a kernel of
# one's own, in test_map.py.
SHARED = {"picture", "panels", "curves", "schematic", "two_trajectories", "weight_decay", "width"}
SHARED |= {"by_window", "oscillations", "bn_only", "own_map", "layers", "depth", "scale"}
KINDS = {
    module.name: importlib.import_module(f"hallmarks.figures.{module.name}")
    for module in pkgutil.iter_modules(figures.__path__)
    if module.name not in SHARED
}


LONG = "learning rate 0.01, momentum 0.95, weight decay {}"


def described(results, panels: list[dict], **time) -> list[DrawnPanel]:
    """The panels of a figure's settings, all with this unit and these drops."""
    return panels_of({"results": results, "panels": [panel | time for panel in panels]})


def write_run(results, run: str, n: int, seed: int, diverged: str = "") -> None:
    increments = np.random.default_rng(seed).standard_normal((n, 50)) + 0.2
    kernel, table = results / f"kernels/{run}.npz", results / f"measures/{run}.parquet"
    for path in (kernel, table):
        path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        kernel,
        increments_gram=(increments @ increments.T)[None],
        groups=["weight"],
        numel=[50],
        step=np.arange(n) * 10,
        epoch=np.arange(n, dtype=float),
        storage="float32",
        diverged=diverged,
    )
    measure(Kernel.load(kernel), run).to_parquet(table, index=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for number, variation in enumerate(["default", "momentum=0"]):
        for seed in range(2):
            write_run(folder, f"task/{variation}/seed{seed}", 8, 10 * number + seed)
    write_run(folder, "task/diverged/seed0", 4, 1, diverged="epoch 3")
    write_run(folder, "task/start/seed0", 1, 1, diverged="epoch 0")
    return folder


TWO = [
    {"label": label, "experiment": "e", "runs": [f"task/{variation}/seed{seed}" for seed in range(2)]}
    for label, variation in [("default", "default"), ("momentum 0", "momentum=0")]
]


@pytest.fixture(scope="module")
def panels(results):
    return described(results, TWO)


def texts(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_maps(results):
    panels = described(results, TWO, drops=[4])
    picture = maps.draw(panels)
    shown = picture.numbers.pivot(index=["label", "s"], columns="t", values="cosine").loc["momentum 0"]
    np.testing.assert_allclose(shown, trajectory_map(panels[1].kernels[0]))
    limits = {axes.images[0].get_clim() for axes in picture.figure.axes if axes.images}
    assert limits == {(picture.numbers["cosine"].min(), 1.0)}
    mds = [mean_directional_similarity(kernel) for kernel in panels[0].kernels]
    assert f"ω = {np.mean(mds):.4f} ± {np.std(mds, ddof=1):.4f}" in texts(picture.figure)
    relative = maps.draw(panels, relative=True).numbers
    assert len(relative) == 2 * 7 * 7 and relative["t"].min() == 1


def test_maps_on_the_colour_scale_of_one_panel(panels):
    picture = maps.draw(panels, scale_of="default")
    cosines = picture.numbers.groupby("label")["cosine"].min()
    assert cosines["momentum 0"] < cosines["default"]
    limits = {axes.images[0].get_clim() for axes in picture.figure.axes if axes.images}
    assert limits == {(cosines["default"], 1.0)}
    assert picture.figure.axes[1].images[0].colorbar.extend == "min"
    assert maps.draw(panels, scale_of="momentum 0").figure.axes[1].images[0].colorbar.extend == "neither"
    with pytest.raises(UserError, match="scale_of: 'defualt' is none of the panels default, momentum 0"):
        maps.draw(panels, scale_of="defualt")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("count", "label"), [(1, LONG), (4, LONG), (2, "momentum {}")])
def test_nothing_is_cut_off(results, tmp_path, kind, count, label):
    run = (
        ["task/default/seed0"] * 2
        if label == "momentum {}"
        else ["task/default/seed0", "task/diverged/seed0"]
    )
    panels = described(results, [{"label": label.format(number), "runs": run} for number in range(count)])
    picture = KINDS[kind].draw(panels).with_footer("laptop")
    picture.save(tmp_path / "figure")
    figure = picture.figure
    page = figure.bbox.padded(1)
    shown = [*figure.axes, *figure.legends, figure._supxlabel]
    for box in [artist.get_tightbbox() for artist in shown]:
        assert page.containsx(box.x0) and page.containsx(box.x1), box
        assert page.containsy(box.y0) and page.containsy(box.y1), box


@pytest.mark.parametrize("kind", ["angles", "norms", "spectra", "hallmarks"])
def test_curves_show_what_they_tell(results, kind):
    panels = described(results, TWO, drops=[2, 4])
    picture = KINDS[kind].draw(panels)
    numbers = picture.numbers
    assert list(numbers) == COLUMNS and set(numbers["label"]) == {"default", "momentum 0"}
    name = numbers["measure"].iloc[-1]
    expected = pd.concat([panel.measures for panel in panels])
    expected = expected[expected["measure"] == name]["value"]
    np.testing.assert_array_equal(numbers[numbers["measure"] == name]["value"], expected)


def test_a_line_is_the_mean_over_seeds(results):
    panels = described(results, TWO, unit="steps")
    axes = norms.draw(panels).figure.axes[0]
    drawn = axes.lines[0].get_xydata()
    expected = np.array(
        [np.sqrt(np.diagonal(np.cumsum(np.cumsum(k.gram(), 0), 1))) for k in panels[0].kernels]
    )
    np.testing.assert_allclose(drawn, np.column_stack([np.arange(8) * 10, expected.mean(axis=0)]))


def test_saturation_and_coarser(panels):
    numbers = saturation.draw(panels).numbers.set_index(["run", "measure", "index"])["value"]
    kernel = panels[0].kernels[0]
    for t in range(8):
        prefix = trajectory_map(kernel)[: t + 1, : t + 1].mean()
        assert numbers["task/default/seed0", "prefix_mds", t] == pytest.approx(prefix)
    assert numbers.xs("prefix_mds_relative", level="measure").index.get_level_values("index").min() == 1
    numbers = coarser.draw(panels).numbers.set_index(["run", "measure", "index"])["value"]
    for every in (1, 2, 5):
        expected = mean_directional_similarity(subsample(kernel, every))
        assert numbers["task/default/seed0", "coarser_mds", every] == pytest.approx(expected)


def test_saved_whole_and_the_same_bytes(panels, tmp_path):
    for name in ("one", "two"):
        norms.draw(panels).with_footer("smoke").save(tmp_path / name / "fig13")
    for suffix in ("pdf", "png", "csv"):
        one, two = ((tmp_path / name / f"fig13.{suffix}").read_bytes() for name in ("one", "two"))
        assert one == two and len(one) > 500
    assert len(list(tmp_path.glob("*/*"))) == len(list(tmp_path.glob("*/.*"))) + 6 == 6


def test_footer_and_divergence(results, tmp_path):
    runs = [{"label": name, "runs": [f"task/{name}/seed0"]} for name in ("default", "diverged", "start")]
    picture = maps.draw(described(results, runs)).with_footer("laptop")
    picture.save(tmp_path / "figure")
    assert "laptop scale · seed 0 · n = 1–8 points" in texts(picture.figure)
    panels = described(results, runs, unit="steps", drops=[20])
    for kind in KINDS.values():
        assert "diverged (diverged at epoch 3)" in texts(kind.draw(panels).figure)


def test_which_seed_diverged(results):
    runs = ["task/default/seed1", "task/diverged/seed0"]
    assert DrawnPanel("both", runs, results).title == "both (seed 0 diverged at epoch 3)"


def test_labels_of_several_experiments_differ(results):
    run = ["task/default/seed0"]
    panels = described(results, [{"label": "momentum 0", "experiment": e, "runs": run} for e in ("a", "b")])
    assert [panel.label for panel in panels] == ["a: momentum 0", "b: momentum 0"]


def test_what_is_missing_is_named(results):
    absent = described(results, [{"label": "absent", "runs": ["task/absent/seed0"]}])
    with pytest.raises(UserError, match=r"absent/seed0"):
        maps.draw(absent)
    with pytest.raises(UserError, match=r"absent/seed0.parquet: no such measures"):
        norms.draw(absent)
    for wrong in ([{"label": "no runs", "runs": []}], [{"runs": ["task/default/seed0"]}]):
        with pytest.raises(UserError, match="panels"):
            described(results, wrong)
    for kind in KINDS.values():
        with pytest.raises(UserError, match="panels: there are none"):
            kind.draw([])
    with pytest.raises(UserError, match="hours"):
        described(results, TWO, unit="hours")


def test_a_figure_may_show_no_runs(tmp_path):
    figure = Figure()
    figure.subplots().plot([0, 1])
    picture = Picture(
        figure, pd.DataFrame({"x": [0, 1]}), panels_of({"results": tmp_path, "panels": []}), "drawn"
    )
    picture.with_footer("paper").save(tmp_path / "sketch")
    assert "paper scale · drawn" in texts(figure) and (tmp_path / "sketch.pdf").stat().st_size > 500


def lines_at(axes) -> list[float]:
    """Where an axis has vertical lines from end to end: the drops."""
    return sorted(line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1])


def test_each_panel_has_its_own_unit_and_drops(results):
    one, two = [TWO[0] | {"unit": "epochs", "drops": [3]}], [TWO[1] | {"unit": "steps", "drops": [20, 50]}]
    mixed = described(results, one + two)
    axes = maps.draw(mixed).figure.axes[:2]
    assert [axis.get_xlabel() for axis in axes] == ["epoch", "step"]
    assert [lines_at(axis) for axis in axes] == [[3.0], [2.0, 5.0]]
    assert axes[1].get_xticklabels()[-1].get_text() == "60"
    for kind in (norms, angles, hallmarks, saturation):
        with pytest.raises(UserError, match="'default' is in epochs, 'momentum 0' is in steps"):
            kind.draw(mixed)
    for kind in (spectra, coarser):  # against rank, and every how many points
        kind.draw(mixed)
    agree = described(results, [one[0] | {"drops": [2, 4]}, TWO[1] | {"drops": [4, 6]}])
    assert lines_at(norms.draw(agree).figure.axes[0]) == [4.0]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_text(results, tmp_path, kind):
    """No mathematics, no template, and a legend has them all."""
    labels = ["a $\\frac{1}$ {b}_{0}", "_hidden $", "100% \\alpha_{ }"]
    panels = described(results, [{"label": label, "runs": TWO[0]["runs"]} for label in labels])
    picture = KINDS[kind].draw(panels).with_footer("$scale_$")
    picture.save(tmp_path / "figure")
    shown = texts(picture.figure).replace(r"\$", "$").replace("\u200b", "")
    assert all(label in shown for label in [*labels, "$scale_$ scale"])
    assert set(picture.numbers["label"]) == set(labels)


def test_the_tables_beside_a_picture(panels):
    runs = table_of_runs(panels)
    assert runs["seeds"].tolist() == ["0, 1"] * 2 and runs["runs"].tolist() == [
        "task/default",
        "task/momentum=0",
    ]
    table = summary(norms.draw(panels))
    assert table.loc["norm"].index.tolist() == ["default", "momentum 0"]
    norm = [np.sqrt(k.gram().sum()) for k in panels[1].kernels]
    assert table.loc[("norm", "momentum 0"), "last"] == pytest.approx(np.mean(norm), abs=1e-4)
    mds = [mean_directional_similarity(kernel) for kernel in panels[1].kernels]
    shown = maps.summary(maps.draw(panels)).set_index("variation").loc["momentum 0"]
    assert shown["MDS"].startswith(f"ω = {np.mean(mds):.4f} ± ") and ", ω_0 = " in shown["MDS"]
    assert shown["lowest cosine"] == round(trajectory_map(panels[1].kernels[0]).min(), 4)


def test_an_edit_of_a_kind_concerns_no_other():
    graph = grimp.build_graph("hallmarks", cache_dir=None)
    for name, kind in KINDS.items():
        others = {other.__name__ for other in KINDS.values()} - {kind.__name__}
        assert not others & graph.find_upstream_modules(kind.__name__), name


def test_no_torch():
    code = "import sys; from hallmarks.figures import angles, maps; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

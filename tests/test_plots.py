"""Pictures: the numbers beside them, their labels, and that the same picture is the same bytes."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from hallmarks import plots
from hallmarks.errors import UserError
from hallmarks.measures import Kernel, mean_directional_similarity, measure, subsample, trajectory_map


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


@pytest.fixture(scope="module")
def panels(results):
    described = [
        {"label": label, "experiment": "e", "runs": [f"task/{variation}/seed{seed}" for seed in range(2)]}
        for label, variation in [("default", "default"), ("momentum 0", "momentum=0")]
    ]
    return plots.panels(described, results)


def texts(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_maps(panels):
    picture = plots.maps(panels, drops=[4])
    shown = picture.numbers.pivot(index=["label", "s"], columns="t", values="cosine").loc["momentum 0"]
    np.testing.assert_allclose(shown, trajectory_map(panels[1].kernels[0]))
    limits = {axes.images[0].get_clim() for axes in picture.figure.axes if axes.images}
    assert limits == {(picture.numbers["cosine"].min(), 1.0)}
    mds = [mean_directional_similarity(kernel) for kernel in panels[0].kernels]
    assert f"ω = {np.mean(mds):.4f} ± {np.std(mds, ddof=1):.4f}" in texts(picture.figure)
    relative = plots.maps(panels, relative=True).numbers
    assert len(relative) == 2 * 7 * 7 and relative["t"].min() == 1


def test_maps_on_the_colour_scale_of_one_panel(panels):
    picture = plots.maps(panels, scale_of="default")
    cosines = picture.numbers.groupby("label")["cosine"].min()
    assert cosines["momentum 0"] < cosines["default"]
    limits = {axes.images[0].get_clim() for axes in picture.figure.axes if axes.images}
    assert limits == {(cosines["default"], 1.0)}
    assert picture.figure.axes[1].images[0].colorbar.extend == "min"
    assert plots.maps(panels, scale_of="momentum 0").figure.axes[1].images[0].colorbar.extend == "neither"
    with pytest.raises(UserError, match="scale_of: 'defualt' is none of the panels default, momentum 0"):
        plots.maps(panels, scale_of="defualt")


@pytest.mark.parametrize("kind", ["maps", "angles", "norms", "spectra", "hallmarks", "saturation", "coarser"])
@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("label", ["learning rate 0.01, momentum 0.95, weight decay {}", "momentum {}"])
def test_nothing_is_cut_off(results, tmp_path, kind, count, label):
    run = (
        ["task/default/seed0"] * 2
        if label == "momentum {}"
        else ["task/default/seed0", "task/diverged/seed0"]
    )
    described = [{"label": label.format(number), "runs": run} for number in range(count)]
    picture = getattr(plots, kind)(plots.panels(described, results))
    picture.save(tmp_path / "figure", "laptop")
    figure = picture.figure
    page = figure.bbox.padded(1)
    shown = [*figure.axes, *figure.legends, figure._supxlabel]
    for box in [artist.get_tightbbox() for artist in shown]:
        assert page.containsx(box.x0) and page.containsx(box.x1), box
        assert page.containsy(box.y0) and page.containsy(box.y1), box


@pytest.mark.parametrize("kind", ["angles", "norms", "spectra", "hallmarks"])
def test_curves_show_what_they_tell(panels, kind):
    picture = getattr(plots, kind)(panels, drops=[2, 4])
    numbers = picture.numbers
    assert list(numbers) == plots.COLUMNS and set(numbers["label"]) == {"default", "momentum 0"}
    name = numbers["measure"].iloc[-1]
    expected = pd.concat([panel.measures for panel in panels])
    expected = expected[expected["measure"] == name]["value"]
    np.testing.assert_array_equal(numbers[numbers["measure"] == name]["value"], expected)


def test_a_line_is_the_mean_over_seeds(panels):
    axes = plots.norms(panels, unit="steps").figure.axes[0]
    drawn = axes.lines[0].get_xydata()
    norms = np.array([np.sqrt(np.diagonal(np.cumsum(np.cumsum(k.gram(), 0), 1))) for k in panels[0].kernels])
    np.testing.assert_allclose(drawn, np.column_stack([np.arange(8) * 10, norms.mean(axis=0)]))


def test_saturation_and_coarser(panels):
    numbers = plots.saturation(panels).numbers.set_index(["run", "measure", "index"])["value"]
    kernel = panels[0].kernels[0]
    for t in range(8):
        prefix = trajectory_map(kernel)[: t + 1, : t + 1].mean()
        assert numbers["task/default/seed0", "prefix_mds", t] == pytest.approx(prefix)
    assert numbers.xs("prefix_mds_relative", level="measure").index.get_level_values("index").min() == 1
    numbers = plots.coarser(panels).numbers.set_index(["run", "measure", "index"])["value"]
    for every in (1, 2, 5):
        expected = mean_directional_similarity(subsample(kernel, every))
        assert numbers["task/default/seed0", "coarser_mds", every] == pytest.approx(expected)


def test_saved_whole_and_the_same_bytes(panels, tmp_path):
    for name in ("one", "two"):
        plots.norms(panels).save(tmp_path / name / "fig13", "smoke")
    for suffix in ("pdf", "png", "csv"):
        one, two = ((tmp_path / name / f"fig13.{suffix}").read_bytes() for name in ("one", "two"))
        assert one == two and len(one) > 500
    assert len(list(tmp_path.glob("*/*"))) == len(list(tmp_path.glob("*/.*"))) + 6 == 6


def test_footer_and_divergence(results, tmp_path):
    described = [{"label": name, "runs": [f"task/{name}/seed0"]} for name in ("default", "diverged", "start")]
    panels = plots.panels(described, results)
    picture = plots.maps(panels)
    picture.save(tmp_path / "figure", "laptop")
    assert "laptop scale · seed 0 · n = 1–8 points" in texts(picture.figure)
    for kind in ("maps", "angles", "norms", "spectra", "hallmarks", "saturation", "coarser"):
        assert "diverged (diverged at epoch 3)" in texts(
            getattr(plots, kind)(panels, unit="steps", drops=[20]).figure
        )


def test_which_seed_diverged(results):
    runs = ["task/default/seed1", "task/diverged/seed0"]
    assert plots.Panel("both", runs, results).title == "both (seed 0 diverged at epoch 3)"


def test_labels_of_several_experiments_differ(results):
    run = ["task/default/seed0"]
    described = [{"label": "momentum 0", "experiment": name, "runs": run} for name in ("a", "b")]
    assert [panel.label for panel in plots.panels(described, results)] == ["a: momentum 0", "b: momentum 0"]


def test_what_is_missing_is_named(results, panels):
    absent = plots.panels([{"label": "absent", "runs": ["task/absent/seed0"]}], results)
    with pytest.raises(UserError, match=r"absent/seed0"):
        plots.maps(absent)
    with pytest.raises(UserError, match=r"absent/seed0.parquet: no such measures"):
        plots.norms(absent)
    for described in ([], [{"label": "no runs", "runs": []}], [{"runs": ["task/default/seed0"]}]):
        with pytest.raises(UserError, match="panels"):
            plots.panels(described, results)
    with pytest.raises(UserError, match="hours"):
        plots.norms(panels, unit="hours")


def test_no_torch():
    code = "import sys, hallmarks.plots; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

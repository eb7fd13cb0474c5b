"""Queries, keys and values by depth, models against size, points that are missing: numbers and pictures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from hallmarks.claims.judging import judge
from hallmarks.claims.readings import Readings
from hallmarks.errors import UserError
from hallmarks.figures import angles, depth, layers, maps, norms, scale
from hallmarks.figures.panels import DrawnPanel, panels_of
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.repeated import without
from hallmarks.measures.angles import angles as angles_of
from hallmarks.measures.derived import layers_differ, middle_settles_later
from hallmarks.measures.gram import subsample
from hallmarks.measures.layers import layer_of, merged, qkv_weights, role_of, settled_from
from hallmarks.measures.maps import mean_directional_similarity, trajectory_map
from hallmarks.measures.norms import norms as norms_of
from hallmarks.measures.phases import Phases
from hallmarks.measures.steps import at_steps
from hallmarks.measures.table import measure

NEOX = "gpt_neox.layers.{}.attention.{}.{}"
SETTLES = {0: 2, 1: 6, 2: 3}  # of each layer, the point at which it is where it ends


def model(seed: int, size: int = 40, n: int = 9, settles: dict[int, int] = SETTLES) -> dict[str, np.ndarray]:
    """Points [n, size] of each parameter: a layer turns from one direction to another, and then stays."""
    random = np.random.default_rng(seed)
    points = {"gpt_neox.embed_in.weight": random.standard_normal((n, size))}
    for layer, last in settles.items():
        for role in ("query", "key", "value"):
            one, other = random.standard_normal((2, size))
            share = np.minimum(np.arange(n) / last, 1)[:, None]
            points[NEOX.format(layer, role, "weight")] = (1 - share) * one + share * other
            points[NEOX.format(layer, role, "bias")] = np.arange(n)[:, None] * random.standard_normal(4)
    return points


def kernel_of(points: dict[str, np.ndarray], storage: str = "float32") -> Kernel:
    increments = [np.diff(each, axis=0, prepend=0) for each in points.values()]
    n = len(increments[0])
    return Kernel(
        np.stack([each @ each.T for each in increments]),
        list(points),
        np.array([each.shape[1] for each in points.values()]),
        np.arange(n) * 10,
        np.arange(n) / 2,
        storage,
    )


def write(results: Path, run: str, kernel: Kernel) -> None:
    path = results / f"measures/{run}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    kernel.save(results / f"kernels/{run}.npz")
    measure(kernel, run).to_parquet(path, index=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for seed in range(2):
        write(folder, f"lm/small/seed{seed}", kernel_of(model(seed)))
        write(
            folder, f"lm/large/seed{seed}", kernel_of(model(seed + 9, 80, settles=dict.fromkeys(range(4), 3)))
        )
    write(folder, "lm/few/seed0", at_steps(kernel_of(model(5, 60)), [0, 20, 30, 60, 80]))
    write(folder, "lm/lacking/seed0", without(kernel_of(model(5, 60)), [4, 7]))
    write(folder, "lm/late/seed0", without(kernel_of(model(5, 60)), [0, 2, 8]))
    write(folder, "lm/half/seed0", kernel_of(model(3), "float16"))
    return folder


def panels(results: Path, *names: str, seeds: int = 2, **more) -> list[DrawnPanel]:
    shown = [
        {
            "label": name,
            "experiment": "e",
            "runs": [f"lm/{name}/seed{seed}" for seed in range(seeds)],
            "unit": "steps",
        }
        for name in names
    ]
    return panels_of({"results": results, "panels": [panel | more for panel in shown]})


def words(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize(
    ("name", "layer", "role"),
    [
        ("gpt_neox.layers.11.attention.query.weight", 11, "query"),
        ("transformer.h.0.attn.c_attn.key.weight", 0, "key"),
        ("model.layers.3.self_attn.v_proj.weight", 3, "value"),
        ("transformer.h.7.attn.q_proj.weight", 7, "query"),
        ("bert.encoder.layer.2.attention.self.key.bias", 2, "key"),
        ("distilbert.transformer.layer.1.attention.q_lin.weight", 1, "query"),
        ("encoder.layers.encoder_layer_5.self_attention.value.weight", 5, "value"),
        ("transformer.blocks.4.attn.query.weight", 4, "query"),
        ("encoder.block.6.layer.0.SelfAttention.q.weight", 6, "query"),
        ("gpt_neox.layers.0.attention.dense.weight", 0, None),
        ("gpt_neox.embed_in.weight", None, None),
        ("layer1.0.conv1.weight", None, None),
    ],
)
def test_names_say_layer_and_role(name, layer, role):
    assert (layer_of(name), role_of(name)) == (layer, role)


def test_weights_are_in_order_and_two_of_one_are_refused():
    names = [
        NEOX.format(layer, role, of)
        for layer in (10, 2)
        for role in ("value", "query")
        for of in ("weight", "bias")
    ]
    assert list(qkv_weights(names)) == [("query", 2), ("query", 10), ("value", 2), ("value", 10)]
    with pytest.raises(UserError, match="are both of the query of layer 1"):
        qkv_weights(
            [
                "encoder.block.1.layer.0.SelfAttention.q.weight",
                "decoder.block.1.layer.0.SelfAttention.q.weight",
            ]
        )


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ([0.1, 0.9, 0.97, 1], 10 + 10 * 5 / 7),
        ([0.96, 0.97, 0.98, 1], 0),
        ([0.96, 0.97, 0.9, 1], 25),  # for good
        ([np.nan, 0.97, 0.98, 1], 10),
        ([np.nan, np.nan, np.nan, np.nan], np.nan),
    ],
)
def test_when_a_direction_has_settled(last, expected):
    matrix = np.tile(np.array(last)[:, None], 4)
    assert settled_from(matrix, np.arange(4) * 10.0) == pytest.approx(expected, nan_ok=True)


def test_the_kernel_at_some_steps_is_that_of_these_points():
    points = model(1)
    some = at_steps(kernel_of(points), [0, 30, 40, 80, 999])
    expected = kernel_of({name: each[[0, 3, 4, 8]] for name, each in points.items()})
    np.testing.assert_allclose(some.increments_gram, expected.increments_gram, atol=1e-9)
    assert list(some.step) == [0, 30, 40, 80] and list(some.epoch) == [0, 1.5, 2, 4]


def test_parameters_together_are_the_sum_of_their_slices():
    points, kernel = model(2), kernel_of(model(2))
    names = [NEOX.format(1, role, "weight") for role in ("query", "value")]
    both = np.concatenate([points[name] for name in names], axis=1)
    together = merged(kernel, names, "both")
    np.testing.assert_allclose(
        trajectory_map(together, "both"), trajectory_map(kernel_of({"b": both}), "b"), atol=1e-9
    )
    assert together.numel.tolist() == [80]


def test_the_middle_layer_settles_later_where_it_does():
    phases = Phases([])
    kernel = kernel_of(model(0))
    when = {
        layer: np.mean(
            [
                settled_from(trajectory_map(kernel, NEOX.format(layer, role, "weight")), kernel.step / 80)
                for role in ("query", "key", "value")
            ]
        )
        for layer in SETTLES
    }
    assert middle_settles_later.derive(kernel, phases) == pytest.approx(when[1] - (when[0] + when[2]) / 2)
    assert middle_settles_later.derive(kernel, phases) > 0.2
    early = kernel_of(model(0, settles={0: 6, 1: 2, 2: 6}))
    assert middle_settles_later.derive(early, phases) < -0.2
    assert np.isnan(middle_settles_later.derive(kernel_of(model(0, settles={0: 6, 1: 2})), phases))


def test_layers_differ_less_where_they_are_alike():
    different, alike = (
        kernel_of(model(0, 4000)),
        kernel_of(model(0, 4000, settles=dict.fromkeys(range(3), 4))),
    )
    omega = [
        [mean_directional_similarity(different, NEOX.format(at, role, "weight")) for at in range(3)]
        for role in ("query", "key", "value")
    ]
    found = layers_differ.derive(different, Phases([]))
    assert found == pytest.approx(np.std(omega, axis=1, ddof=1).mean())
    assert layers_differ.derive(alike, Phases([])) < found / 3


def test_maps_by_depth_show_each_layer_of_each(results):
    picture = layers.draw(panels(results, "small", seeds=1))
    kernel = Kernel.load(results / "kernels/lm/small/seed0.npz")
    shown = picture.numbers.set_index(["row", "layer"])
    assert list(dict.fromkeys(shown.index)) == [
        (role, at) for role in ("query", "key", "value") for at in range(3)
    ]
    for (role, at), rows in shown.groupby(level=[0, 1]):
        np.testing.assert_allclose(
            rows["cosine"], trajectory_map(kernel, NEOX.format(at, role, "weight")).ravel()
        )
    said = words(picture.figure)
    assert (
        f"layer 2\nω = {mean_directional_similarity(kernel, NEOX.format(1, 'query', 'weight')):.3f}" in said
    )
    limits = {axes.images[0].get_clim() for axes in picture.figure.axes if axes.images}
    assert limits == {(picture.numbers["cosine"].min(), 1.0)}
    assert layers.summary(picture).shape == (3, 3)


def test_maps_by_kind_take_parameters_together_and_leave_out_points_that_are_zero(results):
    rows = {"qkv, bias": ["*.attention.*.bias"], "embed-in, weight": ["*embed_in.weight"]}
    picture = layers.draw(panels(results, "small", seeds=1), rows=rows)
    kernel = Kernel.load(results / "kernels/lm/small/seed0.npz")
    matrix = trajectory_map(
        merged(kernel, [NEOX.format(0, r, "bias") for r in ("query", "key", "value")], "b"), "b"
    )
    assert np.isnan(matrix[0]).all()
    found = picture.numbers[(picture.numbers["row"] == "qkv, bias") & (picture.numbers["layer"] == 0)]
    np.testing.assert_allclose(found["cosine"], matrix.ravel())
    said = words(picture.with_footer("laptop").figure)
    assert f"ω* = {np.nanmean(matrix):.3f}" in said and "* without points that are zero" in picture.note
    assert set(layers.summary(picture).columns) == {"all", 1, 2, 3}
    some = layers.draw(panels(results, "small", seeds=1), rows=rows | {"x": ["*.nothing"]})
    assert set(some.numbers["row"]) == set(rows) and "counted with another that is the same: x" in some.note
    with pytest.raises(UserError, match=r"options.rows: no parameter is called so; .* gpt_neox.embed_in"):
        layers.draw(panels(results, "small", seeds=1), rows={"x": ["*.nothing"]})


def test_maps_by_depth_are_of_one_model_that_has_layers(results, tmp_path):
    with pytest.raises(UserError, match="maps by depth are of one model, and there are 2"):
        layers.draw(panels(results, "small", "large"))
    write(tmp_path, "lm/flat/seed0", kernel_of({"weight": np.eye(4)}))
    for picture in (layers, depth):
        with pytest.raises(
            UserError, match="queries, keys and values in layers that are known by their names"
        ):
            picture.draw(panels(tmp_path, "flat", seeds=1))


def test_depth_draws_omega_and_when_it_settles(results):
    picture = depth.draw(panels(results, "small", "large"))
    found = picture.numbers.set_index(["run", "measure", "role", "layer"])["value"]
    kernel = Kernel.load(results / "kernels/lm/large/seed1.npz")
    name = NEOX.format(3, "key", "weight")
    assert found["lm/large/seed1", "mds", "key", 3] == pytest.approx(
        mean_directional_similarity(kernel, name)
    )
    assert found["lm/large/seed1", "settled", "key", 3] == pytest.approx(
        settled_from(trajectory_map(kernel, name), kernel.step)
    )
    axes = picture.figure.axes
    assert len(axes) == 6 and [line.get_xdata()[-1] for line in axes[0].lines[:2]] == [1, 1]
    assert list(axes[0].lines[1].get_xdata()) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert list(depth.summary(picture).columns) == ["mean", "sd over layers", "min", "max"]


def of_experiments(results: Path, **names: list[str]) -> list[DrawnPanel]:
    shown = [
        {
            "label": name,
            "experiment": experiment,
            "unit": "steps",
            "runs": [f"lm/{name}/seed{s}" for s in range(1 if name in {"few", "half"} else 2)],
        }
        for experiment, parts in names.items()
        for name in parts
    ]
    return panels_of({"results": results, "panels": shown})


def test_models_against_size_and_at_the_steps_of_all(results):
    picture = scale.draw(of_experiments(results, one=["small", "few", "large"], two=["small", "large"]))
    table = picture.numbers.query("measure == 'mds'").set_index(["experiment", "run"])
    assert list(dict.fromkeys(picture.numbers["experiment"])) == ["one", "one, the 5 steps of all", "two"]
    kernel = Kernel.load(results / "kernels/lm/large/seed0.npz")
    assert table.loc[("one", "lm/large/seed0"), "value"] == pytest.approx(mean_directional_similarity(kernel))
    assert table.loc[("one", "lm/large/seed0"), "parameters"] == kernel.numel.sum()
    common = mean_directional_similarity(at_steps(kernel, [0, 20, 30, 60, 80]))
    assert table.loc[("one, the 5 steps of all", "lm/large/seed0"), "value"] == pytest.approx(common)
    assert table.loc[("one", "lm/few/seed0"), "index"] == 5
    assert picture.figure.axes[0].get_xscale() == "log"
    assert [scale.short(number) for number in (100, 27904, 3e5, 14e6, 2.8e9)] == [
        "100",
        "27.904k",
        "300k",
        "14M",
        "2.8B",
    ]


def test_experiments_of_the_same_runs_are_drawn_once_and_others_ringed(results):
    shown = of_experiments(results, one=["small", "large"], two=["small", "large"])
    picture = scale.draw(shown, other=["large"], why="of another kind").with_footer("laptop")
    assert set(picture.numbers["experiment"]) == {"one"}
    assert "two has the runs of one that is shown" in words(picture.figure)
    assert "ringed: of another kind" in words(picture.figure)
    (ring,) = (each for each in picture.figure.axes[0].collections if each.get_zorder() == 3)
    large = picture.numbers.query(
        "measure == 'mds' and label == 'two: large' or measure == 'mds' and label == 'one: large'"
    )
    assert ring.get_offsets()[0].tolist() == pytest.approx(
        [large["parameters"].iloc[0], large["value"].mean()]
    )
    assert "ringed" not in scale.draw(shown, other=["model pythia-12b"], why="of another kind").note


def test_points_that_are_missing_are_grey_and_said(results):
    (panel,) = panels(results, "lacking", seeds=1)
    assert panel.missing == [40, 70] and panel.title == "lacking (2 of 9 points missing)"
    for relative, size in ((False, 9), (True, 8)):
        picture = maps.draw([panel], relative=relative).with_footer("laptop")
        matrix = picture.numbers.pivot(index="s", columns="t", values="cosine").to_numpy()
        assert matrix.shape == (size, size) and gone(matrix) == [4 - relative, 7 - relative]
        said = words(picture.figure).replace("\n", " ")
        assert "2 of 9 points missing" in said and "grey: missing" in said
        assert "since weights of another step were published: lacking: step 40, 70" in said
    (whole,) = panels(results, "few", seeds=1)
    assert whole.title == "few" and not maps.draw([whole]).numbers["cosine"].isna().any()


def gone(matrix: np.ndarray) -> list[int]:
    """The rows and columns that are not there; all else is."""
    rows = np.flatnonzero(np.isnan(matrix).all(axis=0))
    assert not np.isnan(np.delete(np.delete(matrix, rows, 0), rows, 1)).any()
    return rows.tolist()


def test_maps_by_depth_have_them_too(results):
    picture = layers.draw(panels(results, "lacking", seeds=1)).with_footer("laptop")
    for (row, layer), cosines in picture.numbers.groupby(["row", "layer"]):
        matrix = cosines.pivot(index="s", columns="t", values="cosine").to_numpy()
        assert matrix.shape == (9, 9) and gone(matrix) == [4, 7], (row, layer)
    said = words(picture.figure).replace("\n", " ")
    assert "grey: missing" in said and "lacking: step 40, 70" in said and "ω*" not in said
    shown = [axes.images[0].get_array() for axes in picture.figure.axes if axes.images]
    assert len(shown) == 9 and all(image.shape == (9, 9) for image in shown)


def test_a_first_and_a_last_point_that_are_missing(results):
    """What is relative to the initialisation is then relative to the first that is there, and says so."""
    (panel,) = panels(results, "late", seeds=1)
    for relative, rows in ((False, [0, 2, 8]), (True, [0, 1, 7])):
        picture = maps.draw([panel], relative=relative).with_footer("laptop")
        matrix = picture.numbers.pivot(index="s", columns="t", values="cosine").to_numpy()
        assert gone(matrix) == rows
    said = words(picture.figure).replace("\n", " ")
    assert "late: step 0, 20, 80, so that it begins at 10 and ends at 70" in said


def test_an_update_that_lacks_points_within_is_none(results):
    """Neither its length nor its angles are there, and the lines have gaps."""
    kernel = Kernel.load(results / "kernels/lm/lacking/seed0.npz")
    whole = kernel_of(model(5, 60))
    assert kernel.step.tolist() == [0, 10, 20, 30, 50, 60, 80]
    for name, undefined in {"update_norm": [30, 60], "angle_updates": [30, 50, 60]}.items():
        every = {**norms_of(kernel), **angles_of(kernel)}[name]
        index, values = every
        assert kernel.step[index][np.isnan(values)].tolist() == undefined
        there = ~np.isnan(values)
        known = dict(zip(*({**norms_of(whole), **angles_of(whole)}[name]), strict=True))
        expected = [known[step // 10] for step in kernel.step[index][there]]
        np.testing.assert_allclose(values[there], expected, rtol=1e-6)
    (panel,) = panels(results, "lacking", seeds=1)
    picture = norms.draw([panel]).with_footer("laptop")
    for axes, broken in zip(picture.figure.axes, ([40, 70], [40, 70], [40, 70]), strict=True):
        line = max(axes.lines, key=lambda each: len(each.get_xdata()))
        x, y = line.get_data()
        gaps = np.flatnonzero(np.isnan(y))
        assert len(gaps) == len(broken)
        for step, at in zip(broken, gaps, strict=True):
            assert np.nanmax(x[:at]) < step and not (x[at + 1 :] < step).any()
    assert "gaps where points are missing" in words(picture.figure).replace("\n", " ")
    # θ_1 is what the apex at the initialisation is measured against.
    first = without(whole, [1])
    assert np.isnan(angles_of(first)["apex_initialisation"][1]).all()
    mean = scale.draw([panel]).numbers.query("measure == 'angle_updates'")["value"].item()
    assert mean == pytest.approx(np.nanmean(angles_of(kernel)["angle_updates"][1]))


def test_every_second_point_keeps_its_place(results):
    kernel = Kernel.load(results / "kernels/lm/lacking/seed0.npz")
    half = subsample(kernel, 2)
    assert half.step.tolist() == [0, 20, 60, 80] and half.missing == (40,)
    whole = at_steps(kernel_of(model(5, 60)), half.step)
    np.testing.assert_allclose(half.increments_gram, whole.increments_gram, atol=1e-9)


def test_a_claim_says_which_points_are_missing(results):
    runs = {name: [f"lm/{name}/seed0"] for name in ("few", "lacking")}
    claim = {"id": "c", "kind": "order", "section": "", "statement": "", "ascending": [0, 1], "runs": runs}
    for measure_ in ("mds", "mds_every_2nd"):
        (judged,) = judge([claim | {"measure": measure_}], Readings(results), "paper")
        assert judged.verdict == "not comparable at this scale"
        assert judged.note.endswith("weights of another step were published: 2 of lacking"), judged.note


def test_the_noise_floor_of_half_precision_stands_beside_the_angles(results):
    half = angles.draw(panels(results, "half", seeds=1)).with_footer("laptop")
    noise = half.numbers.query("measure == 'angle_updates_noise'")
    (axes,) = (each for each in half.figure.axes if "θ$_t$, θ$_t$−θ$_{t−1}$" in each.get_title())
    (dotted,) = (line for line in axes.lines if line.get_linestyle() == ":")
    np.testing.assert_allclose(dotted.get_ydata(), noise["value"])
    assert "half-precision storage alone adds" in words(half.figure)
    plain = angles.draw(panels(results, "small"))
    assert "angle_updates_noise" not in set(plain.numbers["measure"]) and "half" not in plain.note


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_is_cut_off(results, count):
    long = "learning rate 0.00128, width {}"
    shown = [
        {
            "label": long.format(at),
            "experiment": "e",
            "unit": "steps",
            "runs": ["lm/small/seed0", "lm/large/seed0"][:2],
        }
        for at in range(count)
    ]
    every = panels_of({"results": results, "panels": shown})
    for picture in (layers.draw(every[:1]), depth.draw(every), scale.draw(every, other=[], why="")):
        figure = picture.with_footer("laptop").figure
        assert len(picture.png) > 1000
        page = figure.bbox.padded(1)
        for artist in [*figure.axes, *figure.legends, figure._supxlabel]:
            box = artist.get_tightbbox()
            assert page.containsx(box.x0) and page.containsx(box.x1) and page.containsy(box.y0), artist
    assert isinstance(scale.summary(scale.draw(every)), pd.DataFrame)

"""`hallmarks map` on what people have: trajectories of ours, folders and lists of checkpoints."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from safetensors.numpy import save_file

from hallmarks.cli import main
from hallmarks.figures import own_map
from hallmarks.measures import Kernel, mean_directional_similarity
from hallmarks.trajectory.store import TrajectoryWriter


def points(n: int) -> np.ndarray:
    return np.random.default_rng(n).standard_normal((n, 40)).cumsum(axis=0).astype(np.float32)


def checkpoints(folder, n=6):
    folder.mkdir()
    for t, point in enumerate(points(n)):
        save_file({"weight": point}, folder / f"step{t}.safetensors")
    return folder


def mds(rows: np.ndarray) -> float:
    unit = rows.astype(float) / np.linalg.norm(rows.astype(float), axis=1, keepdims=True)
    return (unit @ unit.T).mean()


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_a_folder_of_checkpoints(tmp_path, capsys, suffix):
    folder, picture = checkpoints(tmp_path / "mine", 12), tmp_path / "new" / f"map{suffix}"
    assert main(["map", str(folder), "-o", str(picture)]) == 0
    assert picture.read_bytes().startswith({".png": b"\x89PNG", ".pdf": b"%PDF"}[suffix])
    kernel = Kernel.load(picture.with_suffix(".npz"))
    assert mean_directional_similarity(kernel) == pytest.approx(mds(points(12)))
    assert f"ω = {mds(points(12)):.4f}" in capsys.readouterr().out
    assert {path.name for path in picture.parent.iterdir()} == {picture.name, "map.npz"}


def test_a_list_of_checkpoints_and_the_options_of_the_kernel(tmp_path, capsys):
    folder = checkpoints(tmp_path / "mine")
    files = [str(folder / f"step{t}.safetensors") for t in (4, 2, 0)]
    picture = tmp_path / "map.png"
    assert main(["map", *files, "-o", str(picture), "--as-given", "--title", "backwards"]) == 0
    expected = mds(points(6)[[4, 2, 0]])
    assert f"ω = {expected:.4f}" in capsys.readouterr().out


@pytest.mark.parametrize("n", [1, 2])
def test_the_shortest_trajectories_of_ours(tmp_path, capsys, n):
    writer = TrajectoryWriter(tmp_path / "t", {"weight": {"shape": [40], "kind": "linear"}})
    for t, point in enumerate(points(n)):
        writer.write({"weight": point}, step=t, epoch=t, learning_rate=0.1)
    assert main(["map", str(tmp_path / "t"), "-o", str(tmp_path / "map.png")]) == 0
    assert f"n = {n}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "label", "ticks"),
    [
        ("step_{}000", "step of point t", ["0", "4,000", "8,000"]),
        ("epoch={}", "epoch of point t", ["0", "4", "8"]),
        ("ckpt_{}", "number of point t", ["0", "4", "8"]),
    ],
)
def test_axes_say_steps_where_they_are_known_and_the_footer_what_was_understood(
    tmp_path, capsys, monkeypatch, name, label, ticks
):
    (tmp_path / "$a_{$").mkdir()
    for t, point in enumerate(points(9)):
        save_file({"weight": point}, tmp_path / "$a_{$" / f"{name.format(t)}.safetensors")
    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k)))
    assert main(["map", str(tmp_path / "$a_{$"), "-o", str(tmp_path / "map.png")]) == 0
    axes = drawn[0].axes[0]
    assert axes.get_xlabel() == label
    assert [text.get_text() for text in axes.get_xticklabels()][:: len(ticks) - 1] == ticks
    said = f"9 points, {name.format(0)} … {name.format(8)}, ordered by "
    assert said in capsys.readouterr().out and said[:30] in drawn[0].get_supxlabel()


def test_refusals_leave_nothing(tmp_path, capsys):
    folder = checkpoints(tmp_path / "mine")
    assert main(["map", str(folder), "-o", str(tmp_path / "map.txt")]) == 2
    assert "map.txt" in capsys.readouterr().err
    assert main(["map", str(tmp_path / "none"), "-o", str(tmp_path / "map.png")]) == 2
    assert "none" in capsys.readouterr().err
    (tmp_path / "map.png").mkdir()
    assert main(["map", str(folder), "-o", str(tmp_path / "map.png")]) == 2
    assert "map.png: cannot be written" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "map.png", "map.npz"}


def test_help_names_the_picture_once(capsys):
    with pytest.raises(SystemExit):
        main(["map", "--help"])
    text = capsys.readouterr().out
    assert "the .png or .pdf to draw" in text and "the .npz to write" not in text and "--precision" in text


def test_a_point_without_a_direction_is_named(tmp_path, capsys):
    for step, value in enumerate([0.0, 1.0, 2.0]):
        save_file({"w": np.full(3, value, np.float32)}, tmp_path / f"step{step}.safetensors")
    assert main(["map", str(tmp_path), "-o", str(tmp_path / "map.png")]) == 0
    assert "ω = nan, ω_0 = 1.0000, n = 3; ω: point 0 is zero" in capsys.readouterr().out
    for step, value in enumerate([1.0, 2.0, 1.0]):
        save_file({"w": np.full(3, value, np.float32)}, tmp_path / f"step{step}.safetensors")
    assert main(["map", str(tmp_path), "-o", str(tmp_path / "again.png")]) == 0
    assert "ω = 1.0000, ω_0 = nan, n = 3; ω_0: point 2 is equal to point 0" in capsys.readouterr().out


def test_a_point_much_shorter_than_the_way_to_it_keeps_its_cosines_or_is_said(tmp_path, capsys):
    start = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    for step, factor in enumerate([1.0, 0.3, 1e-4]):
        save_file({"w": start * np.float32(factor)}, tmp_path / f"step{step}.safetensors")
    command = ["map", str(tmp_path), "-o", str(tmp_path / "map.png")]
    assert main([*command, "--precision", "float32"]) == 0
    assert "far shorter than the way to it; float32 loses its cosines" in capsys.readouterr().out
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "ω = 1.0000, ω_0 = 1.0000" in said and "far shorter" not in said


def test_equal_points_are_said_in_the_footer_and_no_cosine_is_above_one(tmp_path, monkeypatch):
    drawn = []
    draw = own_map.draw_own
    monkeypatch.setattr(own_map, "draw_own", lambda *given: drawn.append(draw(*given)) or drawn[-1])
    for step in (0, 10):
        save_file({"w": np.ones(3, np.float32)}, tmp_path / f"step{step}.safetensors")
    assert main(["map", str(tmp_path), "-o", str(tmp_path / "map.png")]) == 0
    (figure,) = drawn
    assert "equal points: step0.safetensors" in figure.get_supxlabel().replace("\n", " ")
    assert figure.axes[0].images[0].get_clim() == (0, 1)

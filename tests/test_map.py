"""`hallmarks map` on what people have: trajectories of ours, folders and lists of checkpoints."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from hallmarks.cli import main
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

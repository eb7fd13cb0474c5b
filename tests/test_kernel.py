"""Trajectories on disk and their kernels, against a dense float64 reference."""

import numpy as np
import pytest

from hallmarks.cli import main
from hallmarks.kernel import BLOCK
from hallmarks.measures import Kernel, angles, points_gram
from hallmarks.trajectory.store import TrajectoryWriter

SHAPES = {"conv": (7, 5), "scale": (1,), "long": (BLOCK + 3,)}


def write(folder, n, update=0.1, shapes=SHAPES, seed=0):
    """A random trajectory on disk; its points as float64 rows by tensor."""
    generator = np.random.default_rng(seed)
    parameters = {name: {"shape": list(shape), "kind": "linear"} for name, shape in shapes.items()}
    writer = TrajectoryWriter(folder, parameters)
    point = {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    points = []
    for t in range(n):
        if t:
            point = {
                name: (array + update * generator.standard_normal(array.shape)).astype(np.float32)
                for name, array in point.items()
            }
        writer.write(point, step=t * 3, epoch=t, learning_rate=0.1)
        points.append({name: array.astype(np.float64).ravel() for name, array in point.items()})
    return points


@pytest.mark.parametrize("n", [1, 2, 9])
def test_kernel_is_the_gram_matrix(tmp_path, n):
    points = write(tmp_path / "trajectory", n)
    assert main(["kernel", str(tmp_path / "trajectory"), "-o", str(tmp_path / "k.npz")]) == 0
    kernel = Kernel.load(tmp_path / "k.npz")
    assert kernel.groups == list(SHAPES) and kernel.numel.tolist() == [35, 1, BLOCK + 3]
    assert kernel.step.tolist() == [t * 3 for t in range(n)]
    for group in SHAPES:
        rows = np.stack([point[group] for point in points])
        np.testing.assert_allclose(points_gram(kernel.gram(group)), rows @ rows.T, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("update", [1e-1, 1e-3, 1e-5])
def test_angles_between_updates_keep_their_digits(tmp_path, update):
    points = write(tmp_path / "trajectory", 161, update, {"weight": (400,)})
    main(["kernel", str(tmp_path / "trajectory"), "-o", str(tmp_path / "k.npz")])
    updates = np.diff(np.stack([point["weight"] for point in points]), axis=0)
    unit = updates / np.linalg.norm(updates, axis=1, keepdims=True)
    expected = np.degrees(np.arccos((unit[1:] * unit[:-1]).sum(axis=1)))
    _, got = angles(Kernel.load(tmp_path / "k.npz"))["angle_updates"]
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_refusals_name_the_file(tmp_path, capsys):
    folder = tmp_path / "trajectory"
    command = ["kernel", str(folder), "-o", str(tmp_path / "k.npz")]
    assert main(command) == 2
    assert "trajectory.json" in capsys.readouterr().err
    write(folder, 2, shapes={"weight": (4,)}, update=np.inf)
    assert main(command) == 2
    message = capsys.readouterr().err
    assert "point-00001" in message and "weight" in message and "not finite" in message
    write(folder, 3, shapes={"weight": (4,)})
    whole = (folder / "point-00001.safetensors").read_bytes()
    for content in [whole[:-3], whole[:-1] + bytes([whole[-1] ^ 1])]:
        (folder / "point-00001.safetensors").write_bytes(content)
        assert main(command) == 2
        message = capsys.readouterr().err
        assert "point-00001" in message and "SHA-256" in message
    assert not (tmp_path / "k.npz").exists()


def test_map_is_a_picture_beside_its_kernel(tmp_path, capsys):
    write(tmp_path / "trajectory", 12, shapes={"weight": (50,)})
    assert main(["map", str(tmp_path / "trajectory"), "-o", str(tmp_path / "map.png")]) == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG") and (tmp_path / "map.npz").exists()
    assert main(["map", str(tmp_path / "trajectory"), "-o", str(tmp_path / "map.txt")]) == 2
    assert "map.txt" in capsys.readouterr().err

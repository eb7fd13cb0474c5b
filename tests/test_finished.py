"""A finished run whose small files were deleted is not trained again."""

import numpy as np
import pytest

from hallmarks.training.finished import FILES, record, restored
from hallmarks.trajectory.store import TrajectoryWriter


@pytest.fixture
def output(tmp_path):
    writer = TrajectoryWriter(tmp_path / "run/trajectory", {"w": {"shape": [2], "kind": "linear"}})
    writer.write({"w": np.ones(2, np.float32)}, 0, 0.0, 0.1)
    writer.finish()
    for name in FILES[2:]:
        (tmp_path / "run" / name).write_text(name)
    record(tmp_path / "finished.json", "digest", tmp_path / "run")
    return tmp_path / "run"


def test_deleted_small_files_are_written_again(output):
    before = {name: (output / name).read_text() for name in FILES}
    for name in FILES:
        (output / name).unlink()
    assert restored(output.parent / "finished.json", "digest", output)
    assert {name: (output / name).read_text() for name in FILES} == before


def test_another_run_or_a_missing_point_is_not_taken_for_it(output):
    path = output.parent / "finished.json"
    assert not restored(path, "of other settings", output)
    assert not restored(output.parent / "none.json", "digest", output)
    for name in FILES:
        (output / name).unlink()
    point = output / "trajectory/point-00000.safetensors"
    content = point.read_bytes()
    point.write_bytes(content[:-1] + b"!")  # of another run, of the same size
    assert not restored(path, "digest", output)
    point.unlink()
    assert not restored(path, "digest", output)
    assert not any((output / name).exists() for name in FILES)

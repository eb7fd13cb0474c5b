"""A finished run whose small files were deleted is not trained again."""

import numpy as np
import pytest

from hallmarks.runs.acceptance import accept
from hallmarks.runs.identity import Identity
from hallmarks.training.finished import FILES, record, restored
from hallmarks.trajectory.store import TrajectoryWriter

WANTED = Identity({"momentum": 0.9}, {}, {})
OTHER = Identity({"momentum": 0.5}, {}, {})


@pytest.fixture
def output(tmp_path):
    writer = TrajectoryWriter(tmp_path / "run/trajectory", {"w": {"shape": [2], "kind": "linear"}})
    writer.write({"w": np.ones(2, np.float32)}, 0, 0.0, 0.1)
    writer.finish()
    for name in FILES[2:]:
        (tmp_path / "run" / name).write_text(name)
    WANTED.write(tmp_path / "run/identity.json")
    record(tmp_path / "run", "")
    return tmp_path / "run"


def test_deleted_small_files_are_written_again(output):
    before = {name: (output / name).read_text() for name in FILES}
    for name in FILES:
        (output / name).unlink()
    assert restored(output, WANTED, "")
    assert {name: (output / name).read_text() for name in FILES} == before


def test_another_run_or_a_missing_point_is_not_taken_for_it(output):
    assert not restored(output, OTHER, "") and not restored(output, WANTED, "forced")
    assert not restored(output.parent, WANTED, "")
    for name in FILES:
        (output / name).unlink()
    point = output / "trajectory/point-00000.safetensors"
    content = point.read_bytes()
    point.write_bytes(content[:-1] + b"!")  # of another run, of the same size
    assert not restored(output, WANTED, "")
    point.unlink()
    assert not restored(output, WANTED, "")
    assert not any((output / name).exists() for name in FILES)


def test_a_later_setting_at_its_default_and_an_acceptance_leave_it_the_run(output):
    later = {"momentum": 0.9, "nesterov": False}
    assert restored(output, Identity(later, {}, {}, given={"momentum": 0.9}), "")
    accept(output / "accepted.json", WANTED, OTHER, "a typing mistake")
    assert restored(output, OTHER, "")

"""A folder is moved into place, whatever an earlier attempt left."""

import pytest

from hallmarks.errors import UserError
from hallmarks.files import move_into_place


def test_what_a_kill_between_two_renames_left_comes_back(tmp_path):
    replaced = tmp_path / ".run.replaced"
    replaced.mkdir()
    (replaced / "point").write_text("paid for")
    with pytest.raises(UserError, match="run: cannot be written"):
        move_into_place(tmp_path / "none", tmp_path / "run")
    assert (tmp_path / "run/point").read_text() == "paid for" and not replaced.exists()

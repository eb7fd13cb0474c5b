"""Where nothing can be written or removed, a command says so in one line; cleaning up adds nothing."""

import builtins
import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest

from hallmarks.cli import main
from hallmarks.errors import UserError
from hallmarks.training.lease import Lease
from hallmarks.trajectory.store import TrajectoryWriter


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """A folder that holds a trajectory and its kernel, on a file system that then becomes read-only."""
    folder = tmp_path / "tree"
    writer = TrajectoryWriter(folder / "t", {"w": {"shape": [4], "kind": "linear"}})
    for t in range(3):
        writer.write({"w": np.arange(4, dtype=np.float32) ** t}, t, t, 0.1)
    writer.finish()
    assert main(["kernel", str(folder / "t"), "-o", str(folder / "k.npz")]) == 0

    def refusing(call, writes=lambda *_: True):
        def checked(path, *arguments, **options):
            inside = isinstance(path, str | os.PathLike) and Path(path).is_relative_to(folder)
            if inside and writes(*arguments, *options.values()):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            return call(path, *arguments, **options)

        return checked

    # The kernel refuses before it looks whether the file is there: so does removing one that is not.
    for name in "mkdir", "unlink", "rename", "replace", "rmdir":
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    for module in io, builtins:
        monkeypatch.setattr(module, "open", refusing(open, lambda mode="r", *_: set(mode) & set("wax+")))
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "map {tree}/t -o {tree}/x.png",
        "map {tree}/t -o {tree}/new/x.png",
        "kernel {tree}/t -o {tree}/x.npz",
        "measure {tree}/k.npz -o {tree}/x.parquet",
        "discard {tree}/t --kernel {tree}/k.npz -o {tree}/x.json",
    ],
)
def test_it_is_said_in_one_line(tree, capsys, command):
    before = sorted(tree.rglob("*"))
    assert main(command.format(tree=tree).split()) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and str(tree) in told and "Read-only file system" in told
    assert sorted(tree.rglob("*")) == before


def test_a_picture_beside_a_kernel_that_could_be_written(tree, capsys, monkeypatch):
    """As when the disk fills up, or turns read-only, between the two."""
    monkeypatch.setattr("hallmarks.commands.kernel.run", lambda arguments: None)
    (tree / "x.npz").symlink_to(tree / "k.npz")
    assert main(["map", str(tree / "t"), "-o", str(tree / "x.png")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "x.png: cannot be written (Read-only file system)" in told


def test_a_lease_cannot_be_taken(tree):
    with pytest.raises(UserError, match="lease-00001.json: cannot be written"):
        Lease(tree / "t").take()


def test_a_kernel_is_made_of_what_cannot_be_written(tree, tmp_path):
    assert main(["kernel", str(tree / "t"), "-o", str(tmp_path / "k.npz")]) == 0
    assert (tmp_path / "k.npz").read_bytes() == (tree / "k.npz").read_bytes()

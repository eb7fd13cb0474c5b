"""A file format is one file, and points come from a transport that nobody else knows."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from hallmarks.cli import main
from hallmarks.kernel.file import Kernel
from hallmarks.runs.sources import closure
from hallmarks.trajectory import formats, transport

RAW = '''
"""Raw float32 values, one tensor a file."""

from hallmarks.trajectory.tensor import Tensor

SUFFIXES = (".raw",)
WHOLE = ("weights.raw",)
PRECEDENCE = 9


def recognises(name, beginning):
    return name.endswith(SUFFIXES)


def read_tensors(file, key=None):
    return {"w": Tensor(file, 0, "float32", (file.stat().st_size // 4,), (1,))}
'''


def rows(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 3001)).cumsum(axis=0).astype(np.float32)


def gram(tmp_path, folder) -> np.ndarray:
    assert main(["kernel", str(folder), "-o", str(tmp_path / "k.npz")]) == 0
    return Kernel.load(tmp_path / "k.npz").increments_gram


@pytest.fixture
def expected(tmp_path) -> np.ndarray:
    """The kernel of four points, as safetensors on a disk."""
    (tmp_path / "points").mkdir()
    for t, row in enumerate(rows(4)):
        save_file({"w": row}, tmp_path / "points" / f"step{t}.safetensors")
    return gram(tmp_path, tmp_path / "points")


@pytest.mark.parametrize("laid_out", ["files", "folders"])
def test_a_format_more_is_a_file_more(tmp_path, monkeypatch, expected, laid_out):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "raw.py").write_text(RAW)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path / "more")])
    formats.formats.cache_clear()
    try:
        for t, row in enumerate(rows(4)):
            path = tmp_path / "raw" / (f"step{t}.raw" if laid_out == "files" else f"step{t}/weights.raw")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(row.tobytes())
        assert (gram(tmp_path, tmp_path / "raw") == expected).all()
    finally:
        formats.formats.cache_clear()


def test_kernels_of_our_own_runs_depend_on_their_format_alone():
    used = [
        module.rpartition(".formats.")[2]
        for module in closure(("hallmarks.kernel.compute",))
        if ".formats." in module
    ]
    assert used == ["safetensors"]


@pytest.mark.parametrize(
    ("names", "whole"),
    [
        (["pytorch_model.bin", "model.safetensors"], "model.safetensors"),
        (["model.safetensors", "model.safetensors.index.json"], "model.safetensors"),
        (["model.safetensors", "pytorch_model.bin.index.json"], "model.safetensors"),
        (["pytorch_model.bin", "model.safetensors.index.json"], "model.safetensors.index.json"),
        (["pytorch_model.bin", "pytorch_model.bin.index.json"], "pytorch_model.bin"),
        (["weights.bin"], None),
    ],
)
def test_which_file_stands_for_a_folder(tmp_path, names, whole):
    for name in names:
        (tmp_path / name).touch()
    assert formats.whole_file(tmp_path) == (tmp_path / whole if whole else None)


class SlowFile:
    """A transport that hands out a few bytes at a time, of files that no disk holds under their names."""

    def __init__(self, path):
        if path.name == "step3.safetensors":
            raise OSError(5, "the line is dead")
        self.content = path.with_suffix(".hidden").read_bytes()

    def size(self):
        return len(self.content)

    def read(self, offset, view):
        part = self.content[offset : offset + min(len(view), 777)]
        view[: len(part)] = part
        return len(part)

    def prefetch(self, offset, count):
        assert 0 <= offset < offset + count <= len(self.content)

    def close(self):
        del self.content


def test_points_come_from_any_transport(tmp_path, monkeypatch, capsys, expected):
    paths = [tmp_path / "points" / f"step{t}.safetensors" for t in range(4)]
    for path in paths:
        path.rename(path.with_suffix(".hidden"))
        path.touch()
    monkeypatch.setattr(transport, "DiskFile", SlowFile)
    for path in paths[3:]:
        assert main(["kernel", str(path), "-o", str(tmp_path / "dead.npz")]) == 2
        assert "step3.safetensors: cannot be read (the line is dead)" in capsys.readouterr().err
        path.unlink()
    assert (gram(tmp_path, tmp_path / "points") == expected[:, :3, :3]).all()

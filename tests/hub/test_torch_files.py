"""Torch's zip files on a hub: two requests for their ends, each tensor's own header checked on the way."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hub.server import Hub, Lying
from torch.utils.serialization import config

from hallmarks.errors import UserError
from hallmarks.trajectory.formats import read_tensors
from hallmarks.trajectory.others.values import values
from hallmarks.trajectory.transport import http, open_file, ranges, read_bytes

STATE = {f"{layer}.weight": torch.randn(50, 40 + layer) for layer in range(40)}


@pytest.fixture
def published(monkeypatch):
    """A file on a hub of its own: the remote file, and the ranges that were asked for."""
    with Hub() as hub:
        monkeypatch.setattr(http, "BACK_OFF", 0.01)

        def published(path: Path, digest: str | None = None):
            hub.add("org/model", "commit", path.name, Lying(path), digest=digest)

            def asked() -> list:
                return [r.range for r in hub.requests if r.port == "store"]

            return hub.remote("org/model", "commit", path.name), asked

        yield published


def places(tensors) -> dict:
    return {name: (t.offset, t.dtype, t.shape, t.strides) for name, t in tensors.items()}


def test_two_requests_say_where_all_lies(tmp_path, published):
    path = tmp_path / "model.bin"
    torch.save(STATE, path)
    remote, asked = published(path)
    assert places(read_tensors(remote)) == places(read_tensors(path))
    assert asked() == [(0, ranges.EDGE), (remote.size - ranges.EDGE, remote.size)]
    for name, tensor in read_tensors(remote).items():
        np.testing.assert_array_equal(values(tensor), STATE[name].numpy())


def test_another_alignment_is_the_one_that_the_file_tells(tmp_path, published):
    with config.patch("save.storage_alignment", 4096):
        torch.save(STATE, tmp_path / "model.bin")
    remote, asked = published(tmp_path / "model.bin")
    assert places(read_tensors(remote)) == places(read_tensors(tmp_path / "model.bin"))
    assert len(asked()) == 2


def test_a_file_that_another_program_put_together_is_read_by_its_own_headers(tmp_path, published):
    torch.save(STATE, tmp_path / "torch.bin")
    path = tmp_path / "model.bin"
    with zipfile.ZipFile(tmp_path / "torch.bin") as before, zipfile.ZipFile(path, "w") as after:
        for entry in before.infolist():
            after.writestr(entry.filename, before.read(entry))
    remote, _ = published(path)
    assert places(read_tensors(remote)) == places(read_tensors(path))


@pytest.mark.parametrize("at", [0, 28, 35])  # its mark, the length of what fills it, its name
def test_a_header_that_says_otherwise_is_refused(tmp_path, published, at):
    path = tmp_path / "model.bin"
    torch.save(STATE, path)
    name, tensor = list(read_tensors(path).items())[20]
    with zipfile.ZipFile(path) as archive:
        entry = next(e for e in archive.infolist() if tensor.offset - 128 < e.header_offset < tensor.offset)
    content = bytearray(path.read_bytes())
    content[entry.header_offset + at] ^= 1
    path.write_bytes(content)
    remote, _ = published(path)
    found = read_tensors(remote)[name]
    for _ in range(2):  # not only the first time
        with pytest.raises(UserError, match="commit/model.bin: cut, or not a torch.*data/20 is not where it"):
            values(found)
    with pytest.raises(UserError, match="is not where it"):  # in the middle of the tensor too
        read_bytes(open_file(remote), found.offset + 100, 10)
    others = read_tensors(remote)
    np.testing.assert_array_equal(values(others["25.weight"]), STATE["25.weight"].numpy())


def test_over_four_gigabytes(tmp_path, published):
    """Sizes and offsets are then told in another field, before which the bytes begin later."""
    path, zeros = tmp_path / "model.bin", tmp_path / "zeros"
    with open(zeros, "wb") as file:
        file.truncate(2**32 + 2**20)

    class Sparse:
        """Writes the large tensor, which is zeros, as a hole."""

        def __init__(self, file):
            self.file = file

        def write(self, content) -> int:
            if len(content) < 2**16:
                return self.file.write(content)
            self.file.seek(len(content), 1)
            return len(content)

        def flush(self) -> None: ...

    large = torch.from_file(str(zeros), size=2**31 + 2**19, dtype=torch.float16)
    state = {
        "before": STATE["0.weight"],
        "large": large,
        "behind": STATE["1.weight"],
        "last": STATE["2.weight"],
    }
    with open(path, "wb") as file:
        torch.save(state, Sparse(file))
    remote, asked = published(path, "0" * 64)  # nobody hashes so much
    found = read_tensors(remote)
    assert places(found) == places(read_tensors(path)) and len(asked()) == 2
    assert found["behind"].offset > 2**32 and found["large"].offset < 2**32
    with zipfile.ZipFile(path) as archive:
        plain = {
            -(-(entry.header_offset + 34 + len(entry.filename)) // 64) * 64 for entry in archive.infolist()
        }
    assert found["large"].offset not in plain or found["behind"].offset not in plain  # zip64 counts
    for name in ("before", "behind", "last"):
        np.testing.assert_array_equal(values(found[name]), state[name].numpy())

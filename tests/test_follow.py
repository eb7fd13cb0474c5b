"""`hallmarks kernel --follow` on somebody's run: files half written, folders still empty, points removed."""

import io
import threading
import time

import numpy as np
import pytest
import torch

from hallmarks.cli import main
from hallmarks.measures import Kernel, points_gram

ROWS = np.random.default_rng(0).standard_normal((4, 50)).astype(np.float32)


def content(t: int) -> bytes:
    file = io.BytesIO()
    torch.save({"w": torch.from_numpy(ROWS[t])}, file)
    return file.getvalue()


@pytest.fixture
def follow(tmp_path, capsys):
    """Follow a folder until so many points while `write` works on it: the exit status and what was said."""

    def follow(write, until: int) -> tuple[int, str]:
        folder = tmp_path / "run"
        folder.mkdir()
        writer = threading.Thread(target=write, args=(folder,))
        writer.start()
        words = ["--follow", "0.05", "--until", str(until)]
        status = main(["kernel", str(folder), "-o", str(tmp_path / "k.npz"), *words])
        writer.join()
        return status, capsys.readouterr().err

    return follow


def assert_of(path, places):
    rows = ROWS[places].astype(np.float64)
    np.testing.assert_allclose(points_gram(Kernel.load(path).gram()), rows @ rows.T, rtol=1e-12, atol=1e-12)


def test_an_empty_folder_and_a_file_half_written_are_waited_for(tmp_path, follow):
    def write(folder):
        time.sleep(0.2)
        for t in range(3):
            whole, path = content(t), folder / f"step{t}.pt"
            for end in (0, len(whole) // 2, len(whole)):
                path.write_bytes(whole[:end])
                time.sleep(0.1)

    status, said = follow(write, until=3)
    assert status == 0 and "waiting: " in said and "holds no checkpoint" in said and "3 points" in said
    assert_of(tmp_path / "k.npz", [0, 1, 2])


def test_points_that_were_removed_are_said(tmp_path, follow):
    def write(folder):
        for t in range(4):  # as many points as before, but others
            (folder / f".step{t}.pt").write_bytes(content(t))
            if t == 2:
                (folder / "step0.pt").unlink()
            (folder / f".step{t}.pt").rename(folder / f"step{t}.pt")
            time.sleep(0.3)

    status, said = follow(write, until=3)
    assert status == 0 and "1 of those before were removed or changed, so it is of what is left" in said
    assert_of(tmp_path / "k.npz", [1, 2, 3])


def test_a_tensor_that_moves_later_is_a_parameter_from_then_on(tmp_path, follow):
    def write(folder):
        for t in range(3):
            rows = {"w": torch.from_numpy(ROWS[t]), "pe": torch.ones(2) * (t == 2)}
            torch.save(rows, folder / f".step{t}.pt")
            (folder / f".step{t}.pt").rename(folder / f"step{t}.pt")
            time.sleep(0.2)

    assert follow(write, until=3)[0] == 0
    assert sorted(Kernel.load(tmp_path / "k.npz").groups) == ["pe", "w"]


def test_what_stays_unreadable_ends_it(tmp_path, follow):
    status, said = follow(lambda folder: (folder / "step0.pt").write_bytes(content(0)[:300]), until=2)
    assert status == 2 and "waiting: " in said and "step0.pt: cut" in said.splitlines()[-1]

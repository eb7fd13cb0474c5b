"""What only Linux has is taken away, as on a Mac: commands go on, and a killed process holds no lease."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from test_lease import stopping_after

from hallmarks.cli import main
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.gram import increments_gram
from hallmarks.kernel.groups import groups
from hallmarks.machine import cores
from hallmarks.planning.plan import Plan
from hallmarks.planning.profile import open_profile
from hallmarks.training import lease
from hallmarks.training.lease import Lease, started
from hallmarks.trajectory.checkpoints import find_checkpoints

LINUX = ["sched_getaffinity", "posix_fadvise", "preadv", "POSIX_FADV_WILLNEED", "pidfd_open"]


def refuse(*_: object) -> None:
    raise ValueError("not allowed to raise maximum limit")


@pytest.fixture
def without_linux(monkeypatch):
    for name in LINUX:
        monkeypatch.delattr(os, name)
    monkeypatch.setattr(lease, "PROC", Path("/no/proc"))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, sys.maxsize))
    monkeypatch.setattr(resource, "setrlimit", refuse)


@pytest.fixture
def points(tmp_path) -> Path:
    folder = tmp_path / "points"
    folder.mkdir()
    rows = np.random.default_rng(0).standard_normal((5, 2**18 + 1)).cumsum(axis=0).astype(np.float32)
    for t, row in enumerate(rows):
        save_file({"w": row}, folder / f"step{t}.safetensors")
    return folder


def test_the_kernel_is_the_same(tmp_path, points, request):
    grams = []
    for name in "with", "without":
        if name == "without":
            request.getfixturevalue("without_linux")
        assert main(["kernel", str(points), "-o", str(tmp_path / f"{name}.npz")]) == 0
        grams.append(Kernel.load(tmp_path / f"{name}.npz").increments_gram)
    assert (grams[0] == grams[1]).all()


def test_segments_are_read_without_fetching_ahead(points, without_linux):
    found = find_checkpoints([points])
    parts = groups(found)
    got = increments_gram(found, parts, segment=2**13, workers=2)  # many more segments than are under way
    assert (got == increments_gram(found, parts, segment=2**13, workers=1)).all()


def test_a_map_is_drawn(tmp_path, points, without_linux):
    assert main(["map", str(points), "-o", str(tmp_path / "map.png")]) == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_cores_are_those_of_the_machine(without_linux):
    assert cores() == os.cpu_count()
    assert Plan([], open_profile("laptop"), gpus=1).workers >= 1


def test_a_process_that_was_killed_holds_nothing(tmp_path, without_linux):
    program = (
        "import os, sys; from pathlib import Path; from hallmarks.training import lease\n"
        "lease.PROC = Path('/no/proc'); lease.Lease(Path(sys.argv[1])).take(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)]).returncode == -9
    assert list(tmp_path.glob("lease-*"))
    assert Lease(tmp_path).take(stopping_after(20))
    assert not Lease(tmp_path).take(stopping_after(0.2))


def test_when_a_process_started_is_told_the_same_by_all_who_ask(monkeypatch, without_linux):
    here = started(os.getpid())
    assert here
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert started(os.getpid()) == here
    assert started(2**22 + 1) is None
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    ended.stdout.read()  # a zombie, until it is waited for
    try:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert started(ended.pid) is None
    finally:
        ended.wait()

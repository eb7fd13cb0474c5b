"""One process at a time trains a run."""

import json
import subprocess
import sys
import threading
import time

import pytest

from hallmarks.errors import UserError
from hallmarks.training.lease import Lease, started


def foreign(folder, **changed):
    """A lease that a process of another machine holds."""
    folder.mkdir(exist_ok=True)
    holder = {"machine": "another", "host": "n7", "process": 1, "started": "1", "job": None} | changed
    (folder / "lease-00004.json").write_text(json.dumps(holder))


def stopping_after(seconds: float):
    timer = threading.Event()
    threading.Timer(seconds, timer.set).start()
    return timer.is_set


def test_a_free_lease_is_taken_and_given_back(tmp_path):
    first, second = Lease(tmp_path / "run"), Lease(tmp_path / "run")
    assert first.take()
    assert not second.take(stopping_after(0.2))
    first.release()
    assert second.take()
    second.check()


def test_a_process_that_was_killed_holds_nothing(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from hallmarks.training.lease import Lease\n"
        "Lease(Path(sys.argv[1])).take(); os.kill(os.getpid(), 9)"
    )
    dying = subprocess.run([sys.executable, "-c", program, str(tmp_path)])
    assert dying.returncode == -9 and list(tmp_path.glob("lease-*"))
    assert Lease(tmp_path).take(stopping_after(5))
    assert started(2**22 + 1) is None


def test_a_silent_holder_elsewhere_is_waited_for_and_then_replaced(tmp_path):
    foreign(tmp_path)
    assert not Lease(tmp_path, beat=0.05, patience=60).take(stopping_after(0.2))
    assert Lease(tmp_path, beat=0.05, patience=0.2).take(stopping_after(20))
    assert [path.name for path in tmp_path.glob("lease-*")] == ["lease-00005.json"]


def test_a_holder_that_beats_is_left_alone(tmp_path):
    foreign(tmp_path)
    beats = iter(range(10**6))
    stop = stopping_after(0.6)

    def beating() -> bool:
        foreign(tmp_path, beats=next(beats))
        return stop()

    assert not Lease(tmp_path, beat=0.02, patience=0.2).take(beating)


def test_who_lost_the_lease_writes_no_more(tmp_path):
    lease = Lease(tmp_path)
    lease.take()
    lease.path(lease.number + 1).write_text("{}")
    with pytest.raises(UserError, match="taken this run over"):
        lease.check()


def test_who_lost_the_lease_to_one_that_ended_since_writes_no_more(tmp_path):
    lease = Lease(tmp_path)
    lease.take()
    lease.path(lease.number).unlink()  # by who took the next number, and gave it back
    with pytest.raises(UserError, match="taken this run over"):
        lease.check()


def test_who_finds_its_number_anothers_writes_no_more(tmp_path):
    """Numbers begin anew where nobody holds the lease."""
    lease = Lease(tmp_path, beat=0.02)
    lease.take()
    lease.path(lease.number).write_text(text := json.dumps(lease.me | {"host": "n7"}))
    lease.heart.join(20)
    with pytest.raises(UserError, match="taken this run over"):
        lease.check()
    lease.release()
    assert lease.path(lease.number).read_text() == text


def test_the_heartbeat_is_seen(tmp_path):
    lease = Lease(tmp_path, beat=0.02)
    lease.take()
    first = lease.newest()
    until = time.monotonic() + 20
    while lease.newest() == first and time.monotonic() < until:
        time.sleep(0.01)
    assert lease.newest() != first
    lease.release()
    assert lease.newest() == (0, "")

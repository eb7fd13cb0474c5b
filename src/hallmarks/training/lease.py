"""One process at a time trains a run, however many jobs were started for it: a lease in its scratch folder.

`lease-00001.json` names its holder and is written again with each heartbeat. Who finds a holder gone takes
the next number, which only one can create; a holder that finds the next number taken has lost the run.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hallmarks.cluster.slurm import runs
from hallmarks.errors import UserError
from hallmarks.files import make_folder, remove_file, write

PROC = Path("/proc")  # Linux's; elsewhere `ps` tells of processes, and the host's name of the machine
BEAT, PATIENCE = 15.0, 90.0  # seconds between heartbeats, and of silence after which a holder is gone


class Lease:
    """The right to write `folder`. Taken with `take`, confirmed with `check`, given back with `release`."""

    def __init__(self, folder: Path, beat: float = BEAT, patience: float = PATIENCE):
        self.folder, self.beat, self.patience = folder, beat, patience
        self.number, self.lost = 0, False
        self.seen: tuple[str, float] = ("", 0.0)
        self.ending = threading.Event()
        self.heart = threading.Thread(target=self.keep, daemon=True)
        self.me = {
            "machine": machine(),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "started": started(os.getpid()),
            "job": os.environ.get("SLURM_JOB_ID"),
        }

    def take(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Wait until nobody else holds the lease, and hold it; False where `stop()` came first."""
        told = False
        while not stop():
            make_folder(self.folder)
            number, text = self.newest()
            if (number == 0 or self.gone(text)) and self.create(number + 1):
                self.heart.start()
                return True
            if not told:
                print(
                    f"{self.folder}: another job trains this run; waiting for it", file=sys.stderr, flush=True
                )
                told = True
            time.sleep(min(1.0, self.beat))
        return False

    def check(self) -> None:
        """Raise UserError where the lease has passed to another process: this one must write no more."""
        # Who took it over may have ended since: then neither number is there, or this one is a third's.
        taken = self.path(self.number + 1).exists() or not self.path(self.number).exists()
        if taken or self.lost:
            raise UserError(f"{self.folder}: another job has taken this run over, since this one was silent")

    def release(self) -> None:
        """Let the next one have it."""
        self.ending.set()
        self.heart.join()
        with suppress(OSError):
            if self.holds():
                remove_file(self.path(self.number))

    def holds(self) -> bool:
        """Whether the number is still this process's: it may be gone, or another's by now. Raises OSError."""
        try:
            holder = json.loads(self.path(self.number).read_text())
        except (FileNotFoundError, ValueError):
            return False
        return {key: holder.get(key) for key in self.me} == self.me

    def path(self, number: int) -> Path:
        return self.folder / f"lease-{number:05d}.json"

    def newest(self) -> tuple[int, str]:
        """The highest number and what its file says; 0 where there is none."""
        for path in sorted(self.folder.glob("lease-*.json"), reverse=True):
            try:
                return int(path.stem.removeprefix("lease-")), path.read_text()
            except FileNotFoundError:
                continue
        return 0, ""

    def create(self, number: int) -> bool:
        """Hold this number, unless somebody was faster. Raises UserError where the disk is full."""
        try:
            with open(self.path(number), "x") as file:
                file.write(json.dumps(self.me))
        except FileExistsError:
            return False
        except OSError as error:
            remove_file(self.path(number))
            raise UserError(f"{self.path(number)}: cannot be written ({error.strerror})") from None
        self.number = number
        for path in self.folder.glob("lease-*.json"):
            if path < self.path(number):
                remove_file(path)
        return True

    def gone(self, text: str) -> bool:
        """Whether a holder has ended: known for a process of this machine, else judged by its silence."""
        try:
            holder = json.loads(text)
        except ValueError:  # being written
            holder = {}
        if holder.get("machine") == self.me["machine"]:
            return started(holder["process"]) != holder["started"]
        if text != self.seen[0]:
            self.seen = text, time.monotonic()
        silent = time.monotonic() - self.seen[1] > self.patience
        return silent and (holder.get("job") in {None, self.me["job"]} or not runs(holder["job"]))

    def keep(self) -> None:
        """The heartbeat."""
        beats = 0
        while not self.lost and not self.ending.wait(self.beat):
            beats += 1
            # A full disk is said by whoever writes the state; one that does not answer may again.
            with suppress(UserError, OSError):
                self.lost = not self.holds()
                if not self.lost:
                    write(self.path(self.number), json.dumps(self.me | {"beats": beats}))


def machine() -> str:
    """What tells the processes that this one can see from all others."""
    try:
        booted = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{booted} {os.readlink(PROC / 'self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def started(process: int) -> str | None:
    """When a process of this machine started, in the system's words; None where it has ended."""
    command = ["ps", "-o", "stat=,lstart=", "-p", str(process)]
    plain = os.environ | {"LC_ALL": "C", "TZ": "UTC"}
    try:
        if PROC.exists():
            state, *fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
            start = fields[18]
        else:
            told = subprocess.run(command, capture_output=True, text=True, env=plain).stdout
            state, _, start = told.strip().partition(" ")
    except OSError:
        return None
    return None if state[:1] in {"", "Z"} else start.strip()

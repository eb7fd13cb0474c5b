"""What faults cost on a real SLURM, and what going through it costs.

    PYTHONPATH=tests:tests/slurm:src python benchmarks/slurm.py [limits] [deaths] [workflow]

As root, with the packages that tests/slurm needs. Prints a Markdown table each:
`limits`: 20 time limits, and the steps lost at each. `deaths`: 20 times the driver is killed, unlocked and
started again, and who wrote meanwhile. `workflow`: the smoke workflow through SLURM and without it.
"""

import argparse
import contextlib
import ctypes
import itertools
import os
import random
import re
import shutil
import signal
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from cluster import Cluster, ask, read, until, why_not
from project import RUN, Project

RUNS = [f"resnet20-digits/default/seed{seed}" for seed in range(10)]
LIMITS = 2  # a run
FOLDERS, DEATHS = 4, 5  # workflows at once, and deaths of each one's driver


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hallmarks-benchmark-") as name:
        yield Path(name)


def project(where: Path, epochs: int, made: Project | None = None) -> Project:
    """A copy of the project with ten seeds of so many epochs; with the data of `made` where that is given."""
    new = Project(where)
    smoke = where / "config/smoke.yaml"
    text = smoke.read_text().replace("length: 6\n", f"length: {epochs}\n")
    smoke.write_text(text.replace("seeds: [0, 1]}", f"seeds: {list(range(10))}}}"))
    if made:
        shutil.copytree(made.results / "data", new.results / "data")
    return new


def lost_steps(run: str, disturbed: Project) -> list[int]:
    """What each time limit cost a run: the step it was stopped at, less the one it went on from.

    The driver tells what a failed command said; the last one's log is there.
    """
    said = disturbed.said() + disturbed.log(run)
    stopped, resumed = (
        {int(step) for step in re.findall(f"{run}: {told} (\\d+)", said)}
        for told in ("stopped after", "going on after step")
    )
    return [step - max(after for after in resumed if after <= step) for step in stopped]


def warned(process: int) -> bool:
    """Whether a SIGTERM waits for a process that stands still."""
    pending = re.search(r"ShdPnd:\s+(\w+)", read(f"{process}/status"))
    return bool(pending and int(pending[1], 16) >> (signal.SIGTERM - 1) & 1)


def limits() -> None:
    """Ten runs, four at a time, each warned of two time limits; until then it stands still (SIGSTOP)."""
    with folder() as one, folder() as two:
        undisturbed = project(one, 30)
        undisturbed.done("snakemake", "--profile", "smoke", *map(undisturbed.target, RUNS))
        disturbed = project(two, 30, undisturbed)
        asked = ["train:runtime=2", "train:slurm_extra='--signal=TERM@60'", "train:gpu=1"]
        driver = disturbed.start(
            *map(disturbed.target, RUNS),
            "--retries",
            "9",
            "--set-resources",
            *asked,
            "train:slurm_partition=gpu",
        )
        held: dict[str, set[int]] = {run: set() for run in RUNS}
        known: dict[int, list[str]] = {}  # the newest state when a process was first seen

        def look() -> bool:
            for run in RUNS:
                newest = disturbed.states(run)[-1:]
                for trainer in set(disturbed.trainers(run)) - held[run]:
                    if known.setdefault(trainer, newest) < newest and len(held[run]) < LIMITS:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(trainer, signal.SIGSTOP)
                            held[run].add(trainer)
                for trainer in held[run]:
                    if warned(trainer):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(trainer, signal.SIGCONT)
            return driver.poll() is not None

        try:
            until(look, "the ten runs", 1800)
            disturbed.finished(driver)
        finally:
            disturbed.close()
        lost = [steps for run in RUNS for steps in lost_steps(run, disturbed)]
        equal = sum(disturbed.points(run) == undisturbed.points(run) for run in RUNS)
    print("| time limits | without a lost step | runs that end with the same bits | jobs |")
    print("|---|---|---|---|")
    print(f"| {len(lost)} | {lost.count(0)} | {equal} of {len(RUNS)} | {len(disturbed.jobs())} |")


class Writers:
    """Which process closed which file after writing it, in order, as the kernel tells (fanotify)."""

    def __init__(self, where: Path):
        self.seen: list[tuple[int, Path]] = []
        libc = ctypes.CDLL(None, use_errno=True)
        self.watch = libc.fanotify_init(0x10, os.O_RDONLY)  # FAN_UNLIMITED_QUEUE
        # FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_CLOSE_WRITE, AT_FDCWD
        marked = libc.fanotify_mark(self.watch, 0x1 | 0x10, ctypes.c_uint64(0x8), -100, bytes(where))
        if self.watch < 0 or marked < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(where))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        while events := os.read(self.watch, 2**16):
            while events:
                length, _, _, _, _, file, pid = struct.unpack_from("=IBBHQii", events)
                self.seen.append((pid, Path(os.readlink(f"/proc/self/fd/{file}"))))
                os.close(file)
                events = events[length:]

    def turns(self, where: Path) -> list[int]:
        """The processes that wrote states or points below `where`, one entry each time another takes over."""
        # An identity's folder, and in it states/ or output/.
        pids = [
            pid
            for pid, path in self.seen
            if path.is_relative_to(where) and path.relative_to(where).parts[1:2] in {("states",), ("output",)}
        ]
        return [pid for pid, _ in itertools.groupby(pids)]


def deaths() -> None:
    """Four workflows at once, each driver killed five times, 5 to 20 s after its start."""
    chance = random.Random(0)
    with contextlib.ExitStack() as stack:
        undisturbed = project(stack.enter_context(folder()), 200)
        undisturbed.done("snakemake", "--profile", "smoke", undisturbed.target())
        projects = [project(stack.enter_context(folder()), 200, undisturbed) for _ in range(FOLDERS)]
        for each in projects:
            stack.callback(each.close)
        writers = Writers(projects[0].folder)
        died = 0
        for _ in range(DEATHS):
            now = time.monotonic()
            due = {now + chance.uniform(5, 20): (each, each.start(each.target())) for each in projects}
            for moment, (_, driver) in sorted(due.items(), key=lambda item: item[0]):
                time.sleep(max(0.0, moment - time.monotonic()))
                died += driver.poll() is None
                driver.kill()
                driver.wait()
            for each in projects:
                each.done("snakemake", "--unlock", "--profile", "slurm", "--configfile", "config/smoke.yaml")
        for each, driver in [(each, each.start(each.target())) for each in projects]:
            each.finished(driver, 900)
        turns = [writers.turns(each.scratch / RUN) for each in projects]
        equal = sum(each.points() == undisturbed.points() for each in projects)
        jobs = sum(len(each.jobs()) for each in projects)
    mixed = sum(len(pids) - len(set(pids)) for pids in turns)
    print(
        "| deaths of a driver | jobs | processes that wrote a run | wrote again after another | same bits |"
    )
    print("|---|---|---|---|---|")
    print(f"| {died} | {jobs} | {sum(map(len, turns))} | {mixed} | {equal} of {FOLDERS} |")


def workflow(target: str) -> None:
    """A target of the smoke configuration from nothing: first without SLURM, then through it."""
    with folder() as one, folder() as two:
        local, through = Project(one), Project(two)
        began = time.monotonic()
        local.done("snakemake", "--profile", "smoke", target)
        without = time.monotonic() - began
        began = time.monotonic()
        through.finished(through.start(target, "--jobs", "4"), 1800)
        seconds = time.monotonic() - began
        jobs = through.jobs()
        steps = ask("sacct", "-n", "-P", "-D", "-o", "JobID", "-j", ",".join(jobs)).splitlines()
        executions = sum(step.endswith(".batch") for step in steps)
        names = sorted(path.name for path in (one / "results/smoke/figures").glob("*.csv"))
        same = sum(
            (one / "results/smoke/figures" / name).read_bytes()
            == (two / "results/smoke/figures" / name).read_bytes()
            for name in names
        )
    print(
        "| without SLURM, s | through SLURM, s | ratio | jobs | executions | s more a job | equal figures |"
    )
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {without:.0f} | {seconds:.0f} | {seconds / without:.2f} | {len(jobs)} | {executions} "
        f"| {(seconds - without) / len(jobs):.1f} | {same} of {len(names)} |"
    )


PARTS = ["limits", "deaths", "workflow"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=PARTS, help="by default all three")
    parser.add_argument("--target", default="all", help="what `workflow` makes; by default all")
    arguments = parser.parse_args()
    parts = {"limits": limits, "deaths": deaths, "workflow": lambda: workflow(arguments.target)}
    if reason := why_not():
        parser.error(reason)
    with Cluster():
        for part in arguments.parts or PARTS:
            parts[part]()
            print(flush=True)


if __name__ == "__main__":
    main()

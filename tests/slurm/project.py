"""A copy of the project, its driver on the test cluster, and a hand on the training processes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from cluster import ask, processes, read, until
from users import User

import smoke

TASK = "resnet20-digits"
RUNS = [
    f"{TASK}/default/seed0",
    f"{TASK}/default/seed1",
    f"{TASK}/momentum=0/seed0",
    f"{TASK}/momentum=0+weight_decay=0/seed0",
    f"{TASK}/weight_decay=0/seed0",
]
RUN = RUNS[0]
# What differs from a user's command: small runs, a look each second, no more cores than this machine has.
SMALL = [
    *["--configfile", "config/smoke.yaml", "--hallmarks-slurm-init-seconds-before-status-checks", "1"],
    *["--max-jobs-per-timespan", "1000/1s", "--latency-wait", "10", "--set-threads", "train=1", "kernel=1"],
]


class Project(smoke.Project):
    """The project's tracked files in `folder`, with its drivers; every command computes on one thread."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.environment |= {"OMP_NUM_THREADS": "1"}
        self.bin, self.as_user = smoke.BIN, {}
        self.results, self.scratch = folder / "results/smoke", folder / "scratch/smoke"
        self.targets = "results/smoke"
        self.drivers: list[subprocess.Popen] = []
        self.user: User | None = None

    def share(self, folder: Path) -> None:
        """Keep results and scratch in another folder, that others may share."""
        smoke = self.folder / "config/smoke.yaml"
        text = smoke.read_text()
        for name in ("results", "scratch"):
            text = text.replace(f"{name}: {name}", f"{name}: {folder}/{name}")
        smoke.write_text(text)
        self.results, self.scratch = folder / "results/smoke", folder / "scratch/smoke"
        self.targets = str(self.results)

    def take_data(self, other: "Project") -> None:
        """The data of another project, and their records."""
        shutil.copytree(other.results / "data", self.results / "data")
        for room in ("begun", "records"):
            (self.results / "provenance" / room).mkdir(parents=True)
            for path in (other.results / "provenance" / room).glob("*.json"):
                if json.loads(path.read_text())["target"].startswith("data/"):
                    shutil.copy(path, self.results / "provenance" / room / path.name)
        shutil.copytree(other.results / "provenance/sources", self.results / "provenance/sources")

    def belong_to(self, user: str) -> None:
        """Let the folder and its drivers be another user's, who may have no right to enter root's folders."""
        self.user = User(user, self.folder / "src", self.folder)
        self.as_user = self.user.options
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for name, module in {"snakemake": "snakemake", "hallmarks": "hallmarks.cli"}.items():
            (self.bin / name).write_text(f'#!/bin/sh\nexec {self.user.python} -m {module} "$@"\n')
            (self.bin / name).chmod(0o755)
        self.environment |= self.user.environment | {"PATH": f"{self.bin}:{os.environ['PATH']}"}
        ask("chown", "-R", f"{user}:", str(self.folder))

    def start(self, *arguments: str) -> subprocess.Popen:
        """A driver in the background: `snakemake --profile slurm …`, what it says in `driver.log`."""
        command = ["snakemake", *arguments, "--profile", "slurm", *SMALL]
        with (self.folder / "driver.log").open("a") as log:
            driver = subprocess.Popen(
                [str(self.bin / command[0]), *command[1:]],
                **{"cwd": self.folder, "env": self.environment, "stdout": log, "stderr": log} | self.as_user,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        self.drivers.append(driver)
        return driver

    def done(self, program: str, *arguments: str) -> str:
        """A command to its end: what it printed. AssertionError with what it said where it fails."""
        done = self.run(program, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def said(self) -> str:
        """What the drivers have said."""
        return (self.folder / "driver.log").read_text()

    def ended(self, driver: subprocess.Popen, seconds: float = 600) -> int:
        """Wait for a driver to end: its exit status."""
        until(lambda: driver.poll() is not None, f"the driver\n{self.said()[-4000:]}", seconds)
        return driver.returncode

    def finished(self, driver: subprocess.Popen, seconds: float = 600) -> None:
        """Wait for a driver to end well."""
        assert self.ended(driver, seconds) == 0, self.said()[-8000:]

    def target(self, run: str = RUN) -> str:
        return f"{self.targets}/runs/{run}/trajectory/trajectory.json"

    def points(self, run: str = RUN) -> list[str]:
        """The SHA-256 of each point of a finished run, which its file still has."""
        path = self.folder / self.target(run)
        points = json.loads(path.read_text())["points"]
        sizes = [(path.parent / point["file"]).stat().st_size for point in points]
        assert sizes == [point["bytes"] for point in points]
        return [point["sha256"] for point in points]

    def trainers(self, run: str = RUN) -> list[int]:
        """The processes that train a run of this project."""
        return [pid for pid in self.processes() if f"hallmarks\0train\0{run}\0" in read(f"{pid}/cmdline")]

    def processes(self) -> list[int]:
        """The processes whose working directory is the project's folder: drivers, and jobs on any node."""
        return [pid for pid in processes() if working_directory(pid) == self.folder]

    def jobs(self, states: str = "all", run: str | None = None) -> list[str]:
        """The ids of the project's jobs (that train a run) in these states, oldest first; ended ones too."""
        lines = ask("squeue", "-h", "-t", states, "-S", "V,i", "-o", "%i\t%Z\t%k").splitlines()
        wanted = f"rule_train_wildcards_{run.replace('/', '_')}" if run else ""
        jobs = [line.split("\t") for line in lines]
        return [job for job, where, name in jobs if Path(where) == self.folder and name.startswith(wanted)]

    def running(self, run: str = RUN) -> str:
        """The id of the one job that trains a run now."""
        (job,) = self.jobs("running", run)
        return job

    def log(self, run: str = RUN) -> str:
        """What the training command of the last attempt said."""
        path = self.results / f"logs/train/{run}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def states(self, run: str = RUN) -> list[str]:
        """The states that a run can go on from, oldest first."""
        return sorted(path.stem for path in (self.scratch / run).glob("*/states/state-*.sha256"))

    def frozen_after_a_state(self, run: str = RUN) -> int:
        """Stop the run's trainer (SIGSTOP) once a state newer than those now there is saved.

        Without this a run could end before a test lays hand on it. SLURM's own SIGTERM wakes it (SIGCONT).
        """
        before = self.states(run)[-1:]

        def caught() -> int | None:
            assert any(driver.poll() is None for driver in self.drivers), "the driver has ended"
            trainers = self.trainers(run)
            if trainers and self.states(run)[-1:] > before:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(trainers[0], signal.SIGSTOP)
                    return trainers[0]
            return None

        return until(caught, f"a saved state of {run}\n{self.said()[-2000:]}")

    def close(self) -> None:
        """End the drivers that are left, and whatever runs in the folder."""
        for driver in self.drivers:
            driver.kill()
            driver.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.user:
            self.user.close()


def working_directory(pid: int) -> Path | None:
    """Where a process works; None where it has ended."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None

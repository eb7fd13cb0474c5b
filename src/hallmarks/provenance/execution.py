"""All that varies between two makings of one result: when, on what, by which job, at what cost."""

import hashlib
import os
import platform
import re
import socket
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hallmarks.cluster.slurm import RESTARTS
from hallmarks.machine import cores

# SLURM's own words for a job, by what a record calls them.
SLURM = {
    "job": "SLURM_JOB_ID",
    "array_task": "SLURM_ARRAY_TASK_ID",
    "task": "SLURM_PROCID",
    "restarts": "SLURM_RESTART_COUNT",
    "partition": "SLURM_JOB_PARTITION",
}


def now() -> str:
    return datetime.now(UTC).isoformat("T", "milliseconds")


def begin() -> dict[str, Any]:
    """What is known before anything is done."""
    slurm = {word: value for word, name in SLURM.items() if (value := os.environ.get(name))}
    if restarts := os.environ.get(RESTARTS):
        slurm["restarts"] = restarts
    return {"begun": now(), "node": node()} | ({"slurm": slurm} if slurm else {})


def node() -> str:
    """The node's name as SLURM says it; of another machine, or of a name made of its address, a digest."""
    name = os.environ.get("SLURMD_NODENAME", "").partition(".")[0]
    if re.fullmatch(r"[A-Za-z]\w*(-\w+)*", name) and not re.search(r"\d+-\d+-\d+", name):
        return name
    return f"machine-{hashlib.sha256((name or socket.gethostname()).encode()).hexdigest()[:12]}"


class Meter:
    """What an attempt costs, from when it is made."""

    def __init__(self):
        self.began, self.cpu = time.perf_counter(), cpu_seconds()

    def read(self) -> dict[str, Any]:
        """Seconds, CPU and GPU seconds, peak memory, and on what."""
        seconds = time.perf_counter() - self.began
        found = {"ended": now(), "seconds": round(seconds, 3), "cores": cores(), "cpu": processor()}
        found |= {"threads": threads()}
        found |= {"cpu_seconds": round(cpu_seconds() - self.cpu, 3), "peak_memory_bytes": peak_memory()}
        return found | gpu(seconds)


def threads() -> int:
    """How many threads computed: as torch was told, else as the environment says, else one a core."""
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "get_num_threads"):
        return torch.get_num_threads()
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() else cores()


def cpu_seconds() -> float:
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


def peak_memory() -> int | None:
    """The most that this process, or one of its children, held."""
    with suppress(ImportError):
        import resource

        most = max(
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return most if sys.platform == "darwin" else most * 1024
    return None


def processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu(seconds: float) -> dict[str, Any]:
    """The GPU that this process used, if it did, and for how long it held it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {"gpu_seconds": 0.0}
    found = {"gpu_seconds": round(seconds, 3), "gpu": torch.cuda.get_device_name()}
    found["gpu_peak_memory_bytes"] = torch.cuda.max_memory_allocated()
    with suppress(OSError):
        found["driver"] = Path("/sys/module/nvidia/version").read_text().strip()
    return found

"""Sends `hallmarks.checks.node` to where jobs run, and judges what it finds."""

import json
import subprocess
import sys
from typing import Any

from hallmarks.checks import Check
from hallmarks.checks.node import MARK
from hallmarks.planning.jobs import Job
from hallmarks.planning.text import size

MINUTES = 5


def launcher(job: Job) -> list[str]:
    """`srun` with what the job asks for of the site, for a few minutes."""
    asks = job.resources
    kind = f"{asks['gpu_model']}:" if asks.get("gpu_model") else ""
    options = {
        "--account": asks.get("slurm_account"),
        "--partition": asks.get("slurm_partition"),
        "--gpus": f"{kind}{asks['gpu']}" if asks.get("gpu") else None,
    }
    given = [f"{option}={value}" for option, value in options.items() if value]
    return ["srun", "--ntasks=1", "--mem=4000", f"--time={MINUTES}", "--job-name=doctor", *given]


def check_node(job: Job | None, asked: dict[str, Any], needed: int, seconds: float) -> list[Check]:
    """The findings of one job (or, without one, of this machine): GPU, data, scratch with `needed` bytes."""
    command = [*(launcher(job) if job else []), sys.executable, "-m", "hallmarks.checks.node"]
    name = "a job" if job else "this machine"
    try:
        done = subprocess.run([*command, json.dumps(asked)], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        remedy = "see `squeue --me` and `sinfo`; wait longer with --wait SECONDS"
        return [Check(name, f"did not start and end within {seconds:g} s", remedy)]
    found = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
    if found is None:
        said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        remedy = "the clone with its .venv must lie where nodes see it; see also the checks above"
        return [Check(name, said, remedy if job else "run `make install`")]
    return judge(name, asked, json.loads(found.removeprefix(MARK)), needed)


def judge(name: str, asked: dict[str, Any], found: dict[str, Any], needed: int) -> list[Check]:
    """A check for each thing asked."""
    checks = [Check(name, f"ran on {found['host']} with PyTorch {found['torch']}")]
    if asked["gpu"]:
        seen = found["devices"] != ""
        checks.append(
            Check(
                "GPU given",
                f"devices {found['devices']}" if seen else "the job was given none",
                "" if seen else "ask your site how GPUs are asked for; see `gpu` in the profile",
            )
        )
        remedy = "the node's driver must fit this PyTorch's CUDA (`nvidia-smi` in a job), else another wheel"
        checks.append(
            Check("PyTorch on the GPU", found["gpu"] or "computes rightly", remedy if found["gpu"] else "")
        )
    for dataset, wrong in found["data"].items():
        path = asked["data"][dataset]
        remedy = f"set data: {{{dataset}: FOLDER}} to a path that every node sees, and check its permissions"
        checks.append(Check(f"data {dataset}", wrong or f"{path} is readable", remedy if wrong else ""))
    folder = asked["scratch"]
    if found["scratch"]:
        remedy = "set scratch: in the configuration to a folder that every node can write"
        checks.append(Check("scratch", f"{folder}: {found['scratch']}", remedy))
    else:
        checks.append(space("scratch", folder, found["free"], needed))
    return checks


def space(name: str, folder: str, free: int, needed: int) -> Check:
    """Whether a folder's file system has room for what is still to come; quotas are not seen."""
    found = f"{folder} has {size(free)} free, the plan needs {size(needed)}"
    remedy = f"make space, or set {name}: in the configuration to a larger file system"
    return Check(name, found, remedy if free < needed else "")

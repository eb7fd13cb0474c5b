"""Sends `hallmarks.checks.node` to where jobs run."""

import json
import subprocess
import sys
from typing import Any

from hallmarks.checks import Check
from hallmarks.checks.node import MARK
from hallmarks.planning.jobs import Job


def launcher(job: Job) -> list[str]:
    """`srun` with what the job asks for of the site, for five minutes."""
    asks = job.resources
    kind = f"{asks['gpu_model']}:" if asks.get("gpu_model") else ""
    options = {
        "--account": asks.get("slurm_account"),
        "--partition": asks.get("slurm_partition"),
        "--gpus": f"{kind}{asks['gpu']}" if asks.get("gpu") else None,
    }
    given = [f"{option}={value}" for option, value in options.items() if value]
    return ["srun", "--ntasks=1", "--mem=4000", "--time=5", "--job-name=doctor", *given]


def check_node(job: Job | None, asked: dict[str, Any], seconds: float) -> list[Check]:
    """What one job (or, without one, this machine) finds of what is `asked` of `node.examine`."""
    name = "a job" if job else "this machine"
    command = [*(launcher(job) if job else []), sys.executable, "-m", "hallmarks.checks.node"]
    command.append(json.dumps({"name": name} | asked))
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        remedy = "see `squeue --me` and `sinfo`; wait longer with --wait SECONDS"
        return [Check(name, f"did not start and end within {seconds:g} s", remedy)]
    found = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
    if found:
        return [Check(*check) for check in json.loads(found.removeprefix(MARK))]
    said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    remedy = "the clone with its .venv must lie where nodes see it; see also the checks above"
    return [Check(name, said, remedy if job else "run `make install`")]

"""What a node finds: `check_node` sends this module to where jobs run, and it prints its checks as JSON."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from hallmarks.checks import Check
from hallmarks.errors import UserError
from hallmarks.files import remove_file, size, write
from hallmarks.planning.jobs import Job

MARK = "hallmarks-node:"


def examine(name: str, gpu: bool, data: dict[str, str], scratch: str, needed: int) -> list[Check]:
    """PyTorch, the GPU where one is asked for, the data sets' paths, and room for `needed` bytes."""
    import torch

    checks = [Check(name, f"ran on {socket.gethostname()} with PyTorch {torch.__version__}")]
    if gpu:
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        remedy = "the node's driver must fit this PyTorch's CUDA (`nvidia-smi` in a job), else another wheel"
        if not devices:
            remedy = "ask your site how GPUs are asked for; see `gpu` in the profile"
        wrong = wrong_on_gpu() if devices else "the job was given none"
        checks.append(Check("GPU", wrong or f"devices {devices}, PyTorch computes rightly", wrong and remedy))
    for dataset, path in data.items():
        wrong = unreadable(Path(path))
        remedy = f"set data: {{{dataset}: FOLDER}} to a path that every node sees, and check its permissions"
        checks.append(Check(f"data {dataset}", wrong or f"{path} is readable", wrong and remedy))
    return [*checks, check_room("scratch", Path(scratch), needed)]


def wrong_on_gpu() -> str:
    """Nothing, if a convolution on the GPU gives what the CPU gives; else what went wrong."""
    import torch

    try:
        images, weights = torch.ones(2, 3, 8, 8), torch.ones(4, 3, 3, 3)
        on_gpu = torch.nn.functional.conv2d(images.cuda(), weights.cuda()).cpu()
    except (AssertionError, RuntimeError) as error:  # the first, of a PyTorch without CUDA
        return f"PyTorch {torch.__version__} fails on the GPU: {str(error).splitlines()[0]}"
    return "" if torch.allclose(on_gpu, torch.full_like(on_gpu, 27.0)) else "the GPU computes wrongly"


def unreadable(path: Path) -> str:
    """Nothing, if the file, or the first file in the folder, can be read."""
    try:
        while path.is_dir():
            if not (inside := sorted(path.iterdir())):
                return "holds no files"
            path = inside[0]
        path.open("rb").close()
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""


def check_room(name: str, folder: Path, needed: int) -> Check:
    """Whether a file can be written and synced in a folder, which is made, and the disk has room."""
    try:
        write(folder / ".doctor", bytes(2**20))
    except UserError as error:
        remedy = f"set {name}: in the configuration to a folder that every node can write"
        return Check(name, str(error), remedy)
    remove_file(folder / ".doctor")
    free = shutil.disk_usage(folder).free  # quotas are not seen
    found = f"{folder} has {size(free)} free, the plan needs {size(needed)}"
    remedy = f"make space, or set {name}: in the configuration to a larger file system"
    return Check(name, found, remedy if free < needed else "")


def launcher(job: Job) -> list[str]:
    """`srun` with what the job asks for of the site, for five minutes."""
    asks = job.resources.get
    gpus = ":".join(str(each) for each in (asks("gpu_model"), asks("gpu")) if each)
    options = {"account": asks("slurm_account"), "partition": asks("slurm_partition"), "gpus": gpus}
    given = [f"--{option}={value}" for option, value in options.items() if value]
    return ["srun", "--ntasks=1", "--mem=4000", "--time=5", "--job-name=doctor", *given]


def check_node(
    job: Job | None, seconds: float, data: dict[str, str], scratch: str, needed: int
) -> list[Check]:
    """What one job (or, without one, this machine) finds, by `examine`."""
    name = "a job" if job else "this machine"
    asked = name, bool(job and job.resources.get("gpu")), data, scratch, needed
    command = [*(launcher(job) if job else []), sys.executable, "-m", __name__, json.dumps(asked)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        remedy = "see `squeue --me` and `sinfo`; wait longer with --wait SECONDS"
        return [Check(name, f"did not start and end within {seconds:g} s", remedy)]
    _, found, said = done.stdout.partition(MARK)
    if found:
        return [Check(*check) for check in json.loads(said.splitlines()[0])]
    if done.returncode < 0:
        return [Check(name, f"its check was ended by signal {-done.returncode}", "run it again")]
    said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    remedy = "the clone with its .venv must lie where nodes see it; see also the checks above"
    return [Check(name, said, remedy if job else "run `make install`")]


if __name__ == "__main__":
    print(MARK + json.dumps(examine(*json.loads(sys.argv[1]))))

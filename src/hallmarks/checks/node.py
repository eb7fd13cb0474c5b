"""What a node finds: `python -m hallmarks.checks.node JSON` prints its checks as JSON, for the doctor."""

import json
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from hallmarks.checks import Check
from hallmarks.planning.text import size

MARK = "hallmarks-node:"


def examine(name: str, gpu: bool, data: dict[str, str], scratch: str, needed: int) -> list[Check]:
    """PyTorch, the GPU where one is asked for, the data sets' paths, and room for `needed` bytes."""
    import torch

    checks = [Check(name, f"ran on {socket.gethostname()} with PyTorch {torch.__version__}")]
    if gpu:
        devices, wrong = os.environ.get("CUDA_VISIBLE_DEVICES"), wrong_on_gpu()
        remedy = "" if devices else "ask your site how GPUs are asked for; see `gpu` in the profile"
        checks.append(
            Check("GPU given", f"devices {devices}" if devices else "the job was given none", remedy)
        )
        remedy = "the node's driver must fit this PyTorch's CUDA (`nvidia-smi` in a job), else another wheel"
        checks.append(Check("PyTorch on the GPU", wrong or "computes rightly", remedy if wrong else ""))
    for dataset, path in data.items():
        remedy = f"set data: {{{dataset}: FOLDER}} to a path that every node sees, and check its permissions"
        wrong = unreadable(Path(path))
        checks.append(Check(f"data {dataset}", wrong or f"{path} is readable", remedy if wrong else ""))
    return [*checks, check_room("scratch", Path(scratch), needed)]


def wrong_on_gpu() -> str:
    """Nothing, if a convolution on the GPU gives what the CPU gives; else what went wrong."""
    import torch

    if not torch.cuda.is_available():
        return f"PyTorch {torch.__version__} sees no GPU"
    try:
        images, weights = torch.ones(2, 3, 8, 8), torch.ones(4, 3, 3, 3)
        on_gpu = torch.nn.functional.conv2d(images.cuda(), weights.cuda()).cpu()
    except RuntimeError as error:
        return f"PyTorch {torch.__version__} fails on the GPU: {str(error).splitlines()[0]}"
    return "" if torch.allclose(on_gpu, torch.full_like(on_gpu, 27.0)) else "the GPU computes wrongly"


def unreadable(path: Path) -> str:
    """Nothing, if the file, or the first file in the folder, can be read."""
    try:
        while path.is_dir():
            path = min(path.iterdir(), default=None)
            if path is None:
                return "holds no files"
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""


def check_room(name: str, folder: Path, needed: int) -> Check:
    """Whether a file can be written and synced in a folder, which is made, and the disk has room."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"0" * 2**20)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        remedy = f"set {name}: in the configuration to a folder that every node can write"
        return Check(name, f"{folder}: {error.strerror}", remedy)
    free = shutil.disk_usage(folder).free  # quotas are not seen
    found = f"{folder} has {size(free)} free, the plan needs {size(needed)}"
    remedy = f"make space, or set {name}: in the configuration to a larger file system"
    return Check(name, found, remedy if free < needed else "")


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(MARK + json.dumps([[check.name, check.found, check.remedy] for check in examine(**asked)]))

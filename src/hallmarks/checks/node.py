"""What a node finds: `python -m hallmarks.checks.node JSON` prints it as JSON, for the doctor who sent it.

Asked with `gpu` (whether one is wanted), `data` (paths to read) and `scratch` (a folder to write).
"""

import json
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

MARK = "hallmarks-node:"


def examine(asked: dict[str, Any]) -> dict[str, Any]:
    """Host, versions, what PyTorch computes on, and for each path an empty text or what is wrong."""
    import torch

    return {
        "host": socket.gethostname(),
        "torch": torch.__version__,
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "gpu": gpu() if asked["gpu"] else "",
        "data": {name: unreadable(Path(path)) for name, path in asked["data"].items()},
        "scratch": unwritable(Path(asked["scratch"])),
        "free": shutil.disk_usage(nearest(Path(asked["scratch"]))).free,
    }


def gpu() -> str:
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


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


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


def unwritable(folder: Path) -> str:
    """Nothing, if a file can be written and synced there; the folder is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"0" * 2**20)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


if __name__ == "__main__":
    print(MARK + json.dumps(examine(json.loads(sys.argv[1]))))

"""`hallmarks discard TRAJECTORY --kernel KERNEL.npz -o REMOVED.json`: remove points whose kernel exists.

`trajectory.json`, with every point's SHA-256, stays; the output names the kernel that was made of them.
"""

import argparse
import hashlib
import json
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.kernel.file import Kernel
from hallmarks.trajectory.store import POINTS, read


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trajectory", type=Path, help="the folder whose points are removed")
    parser.add_argument("--kernel", type=Path, required=True, help="the .npz made of all its points")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .json that says so")


def run(arguments: argparse.Namespace) -> None:
    trajectory, kernel = read(arguments.trajectory), Kernel.load(arguments.kernel)
    if kernel.step.tolist() != [point.step for point in trajectory.points]:
        raise UserError(
            f"{arguments.kernel}: not the kernel of {arguments.trajectory}, its steps are others; "
            "nothing is removed"
        )
    with open(arguments.kernel, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    # The list first: with it gone, a removal that is cut short leaves nothing that looks whole.
    for name in [POINTS, *(point.file for point in trajectory.points)]:
        (arguments.trajectory / name).unlink(missing_ok=True)
    told = {
        "points": len(trajectory.points),
        "bytes": sum(point.bytes for point in trajectory.points),
        "kernel": str(arguments.kernel),
        "kernel_sha256": digest,
    }
    write(arguments.output, json.dumps(told, indent=1).encode())

"""`hallmarks discard TRAJECTORY --kernel KERNEL.npz -o REMOVED.json`: remove points whose kernel exists.

`trajectory.json`, with every point's SHA-256, stays; the output names the kernel that was made of them.
"""

import argparse
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.files import sha256, write_json
from hallmarks.kernel.file import Kernel
from hallmarks.runs.acceptance import read_acceptances
from hallmarks.runs.identity import Identity
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.trajectory.store import POINTS


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trajectory", type=Path, help="the folder whose points are removed")
    parser.add_argument("--kernel", type=Path, required=True, help="the .npz made of all its points")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .json that says so")


def run(arguments: argparse.Namespace) -> None:
    trajectory, kernel = read_trajectory(arguments.trajectory), Kernel.load(arguments.kernel)
    if kernel.step.tolist() != [point.step for point in trajectory.points]:
        raise UserError(
            f"{arguments.kernel}: not the kernel of {arguments.trajectory}, its steps are others; "
            "nothing is removed"
        )
    if of_another_run(arguments.kernel, arguments.trajectory.parent):
        raise UserError(
            f"{arguments.kernel}: made of another run than {arguments.trajectory}, as its identity says; "
            "nothing is removed"
        )
    # The list first: with it gone, a removal that is cut short leaves nothing that looks whole.
    for name in [POINTS, *(point.file for point in trajectory.points)]:
        path = arguments.trajectory / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{path}: cannot be removed ({error.strerror})") from None
    removed = {
        "points": len(trajectory.points),
        "bytes": sum(point.bytes for point in trajectory.points),
        "kernel": str(arguments.kernel),
        "kernel_sha256": sha256(arguments.kernel),
    }
    write_json(arguments.output, removed)


def of_another_run(kernel: Path, run: Path) -> bool:
    """Whether a kernel says that it was made of another run than this, and nobody has accepted it so."""
    made, trained = Identity.read(kernel.with_suffix(".identity.json")), Identity.read(run / "identity.json")
    if made is None or trained is None or trained.key in made.inputs.values():
        return False
    return all(said.made != made.key for said in read_acceptances(kernel.with_suffix(".accepted.json")))

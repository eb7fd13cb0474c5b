"""`hallmarks map TRAJECTORY -o MAP.png`: kernel, MDS and the trajectory map in one command."""

import argparse
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.kernel import write_kernel
from hallmarks.measures import Kernel
from hallmarks.plots import draw_map


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trajectory", type=Path, help="the folder that holds trajectory.json and its points")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="the picture; the kernel lies beside"
    )


def run(arguments: argparse.Namespace) -> None:
    if arguments.output.suffix not in {".png", ".pdf"}:
        raise UserError(f"{arguments.output}: a map is a picture; name it .png or .pdf")
    kernel = arguments.output.with_suffix(".npz")
    write_kernel(arguments.trajectory, kernel)
    draw_map(Kernel.load(kernel), arguments.output, title=arguments.trajectory.resolve().name)

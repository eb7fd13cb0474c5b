"""`hallmarks kernel TRAJECTORY -o KERNEL.npz`."""

import argparse
from pathlib import Path

from hallmarks.kernel import write_kernel


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trajectory", type=Path, help="the folder that holds trajectory.json and its points")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")


def run(arguments: argparse.Namespace) -> None:
    write_kernel(arguments.trajectory, arguments.output)

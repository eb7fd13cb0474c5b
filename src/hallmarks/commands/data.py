"""`hallmarks data NAME -o FOLDER`."""

import argparse
from pathlib import Path

from hallmarks.data.datasets import NAMES, prepare
from hallmarks.data.imagenet import Expected


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=NAMES, help="the data set")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder to write")
    parser.add_argument("--source", type=Path, help="a folder that holds the data set already")
    parser.add_argument(
        "--expect",
        type=int,
        nargs=3,
        metavar=("CLASSES", "TRAIN", "TEST"),
        help="imagenet: the numbers of classes, training and test images (default: 1000 1281167 50000)",
    )


def run(arguments: argparse.Namespace) -> None:
    expected = Expected(*arguments.expect) if arguments.expect else None
    prepare(arguments.name, arguments.source, arguments.output, expected)

"""`hallmarks data NAME -o FOLDER`."""

import argparse
import sys
from pathlib import Path

from hallmarks.data.prepare import DATA_SETS, prepare
from hallmarks.errors import UserError
from hallmarks.runs.request import read_request


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help=f"the data set: {', '.join(DATA_SETS.names())}")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder to write")
    parser.add_argument("--source", type=Path, help="a folder that holds the data set already")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="a file that says name and source")
    parser.add_argument(
        "--expect",
        type=int,
        nargs=3,
        metavar=("CLASSES", "TRAIN", "TEST"),
        help="imagenet: the numbers of classes, training and test images (default: 1000 1281167 50000)",
    )


def run(arguments: argparse.Namespace) -> None:
    name, source = arguments.name, arguments.source
    if arguments.settings:
        settings = read_request(arguments.settings)
        name = settings.get("name")
        source = Path(settings["source"]).expanduser() if settings.get("source") else None
    if name is None:
        raise UserError(f"name a data set: {', '.join(DATA_SETS.names())}")
    expected = {}
    if arguments.expect:
        from hallmarks.data.sets.imagenet import Expected

        expected = {"expected": Expected(*arguments.expect)}
    if not prepare(name, source, arguments.output, **expected):
        print(f"{arguments.output}: holds {name} already, with its digests; taken as it is", file=sys.stderr)

"""`hallmarks measure KERNEL --run NAME -o MEASURES.parquet`."""

import argparse
from pathlib import Path

from hallmarks.kernel.file import Kernel
from hallmarks.measures.file import write_measures
from hallmarks.measures.table import measure


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernel", type=Path, help="the .npz that holds the Gram matrices")
    parser.add_argument("--run", required=True, help="the run's name, written in every row")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the Parquet file to write")


def run(arguments: argparse.Namespace) -> None:
    write_measures(arguments.output, measure(Kernel.load(arguments.kernel), arguments.run))

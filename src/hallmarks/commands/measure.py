"""`hallmarks measure KERNEL --run NAME -o MEASURES.parquet`."""

import argparse
import io
from pathlib import Path

from hallmarks.files import write
from hallmarks.kernel.file import Kernel
from hallmarks.measures.table import measure


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernel", type=Path, help="the .npz that holds the Gram matrices")
    parser.add_argument("--run", required=True, help="the run's name, written in every row")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the Parquet file to write")


def run(arguments: argparse.Namespace) -> None:
    content = io.BytesIO()
    measure(Kernel.load(arguments.kernel), arguments.run).to_parquet(content, index=False)
    write(arguments.output, content.getvalue())

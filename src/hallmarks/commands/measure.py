"""`hallmarks measure KERNEL --run NAME -o MEASURES.parquet`."""

import argparse
import io
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.measures import Kernel, measure
from hallmarks.trajectory.store import write_atomically


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernel", type=Path, help="the .npz that holds the Gram matrices")
    parser.add_argument("--run", required=True, help="the run's name, written in every row")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the Parquet file to write")


def run(arguments: argparse.Namespace) -> None:
    content = io.BytesIO()
    measure(Kernel.load(arguments.kernel), arguments.run).to_parquet(content, index=False)
    try:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{arguments.output.parent}: cannot be made ({error.strerror})") from None
    write_atomically(arguments.output, content.getvalue())

"""`hallmarks measure KERNEL --run NAME -o MEASURES.parquet`."""

import argparse
import os
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.measures import Kernel, measure


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernel", type=Path, help="the .npz that holds the Gram matrices")
    parser.add_argument("--run", required=True, help="the run's name, written in every row")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the Parquet file to write")


def run(arguments: argparse.Namespace) -> None:
    table = measure(Kernel.load(arguments.kernel), arguments.run)
    temporary = arguments.output.with_name(f".{arguments.output.name}.{os.getpid()}")
    try:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(temporary, index=False)
        temporary.replace(arguments.output)
    except OSError as error:
        raise UserError(f"{arguments.output}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)

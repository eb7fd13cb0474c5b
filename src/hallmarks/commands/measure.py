"""`hallmarks measure KERNEL -o MEASURES.parquet`: angles, norms and spectra as a table."""

import argparse
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel
from hallmarks.measures.file import write_measures
from hallmarks.measures.table import measure


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernel", type=Path, help="the .npz that holds the Gram matrices")
    parser.add_argument("--run", help="the run's name, written in every row; by default the kernel's name")
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="the workflow's: what decides the result, noted beside it",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the Parquet file to write")


def run(arguments: argparse.Namespace) -> None:
    if arguments.output.suffix != ".parquet":
        raise UserError(f"{arguments.output}: measures are written as Parquet; name it .parquet")
    table = measure(Kernel.load(arguments.kernel), arguments.run or run_of(arguments.kernel))
    write_measures(arguments.output, table)


def run_of(kernel: Path) -> str:
    """The run that a kernel's path names: what lies below the last folder `kernels`, else the file's name."""
    _, below, name = f"/{kernel.as_posix()}".removesuffix(".npz").rpartition("/kernels/")
    return name if below else name.rpartition("/")[2]

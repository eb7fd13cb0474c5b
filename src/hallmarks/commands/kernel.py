"""`hallmarks kernel CHECKPOINTS… -o KERNEL.npz`."""

import argparse
from pathlib import Path

from hallmarks.kernel.compute import follow, write_kernel


def configure(parser: argparse.ArgumentParser, output: str = "the .npz to write") -> None:
    parser.add_argument(
        "checkpoints",
        type=Path,
        nargs="+",
        help="a trajectory, a folder of checkpoints, or checkpoints: safetensors, torch files, sharded",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help=output)
    parser.add_argument(
        "--key", help="where in torch files the state dict lies, such as model or state.model"
    )
    parser.add_argument(
        "--heads", type=int, help="attention heads of GPT-NeoX, to split queries, keys, values"
    )
    parser.add_argument("--precision", choices=["float32", "float64"], help="force the arithmetic")
    parser.add_argument("--as-given", action="store_true", help="keep the order in which they are listed")
    parser.add_argument(
        "--no-verify", dest="verify", action="store_false", help="do not check a trajectory's SHA-256 first"
    )
    parser.add_argument("--extend", type=Path, metavar="OLD.npz", help="the kernel of the first points")
    parser.add_argument("--device", choices=["cuda"], help="compute on a GPU, in float64")
    parser.add_argument(
        "--follow",
        type=float,
        nargs="?",
        const=10.0,
        metavar="SECONDS",
        help="keep the kernel up to date while points are added, looking every so many seconds",
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="the workflow's: what decides the result, noted beside it",
    )
    parser.add_argument("--until", type=int, metavar="N", help="with --follow: stop at N points")


def run(arguments: argparse.Namespace) -> None:
    names = ("key", "heads", "precision", "as_given", "verify", "extend", "device")
    options = {name: getattr(arguments, name) for name in names}
    if arguments.follow is None:
        write_kernel(arguments.checkpoints, arguments.output, **options)
    else:
        follow(arguments.checkpoints, arguments.output, arguments.follow, arguments.until, **options)

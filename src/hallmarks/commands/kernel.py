"""`hallmarks kernel CHECKPOINTS… -o KERNEL.npz`."""

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.kernel.compute import follow, write_kernel
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.repeated import partly_repeated, repeated, without
from hallmarks.kernel.resolution import unresolved
from hallmarks.kernel.stillness import groups_said, noticed
from hallmarks.kernel.streamed import write_streamed
from hallmarks.trajectory.checkpoints import Checkpoints, Choice, Heads, find_checkpoints, is_fetched
from hallmarks.trajectory.hub.address import source_of
from hallmarks.trajectory.transport.remote import RemoteFile


def configure(parser: argparse.ArgumentParser, output: str = "the .npz to write") -> None:
    parser.add_argument(
        "checkpoints",
        type=source_of,
        nargs="+",
        help="a trajectory, a folder of checkpoints, or checkpoints: safetensors, torch files, sharded; or "
        "the hub's, hf://org/model@step0,step8 or @step*:4",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help=output)
    parser.add_argument(
        "--key", help="where in torch files the state dict lies, such as model or state.model"
    )
    parser.add_argument(
        "--heads",
        type=heads,
        metavar="N[,M]",
        help="attention heads, and, where they are fewer, those of keys and values, to split what holds all",
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "float64"],
        default="float64",
        help="the arithmetic: float32 is faster, and loses points far shorter than the way to them",
    )
    parser.add_argument("--as-given", action="store_true", help="keep the order in which they are listed")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="the tensors that count, by a pattern such as 'encoder.*'; may be given again",
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="PATTERN",
        help="tensors that do not count, such as '*.attn.bias'",
    )
    parser.add_argument(
        "--skip", action="append", default=[], metavar="PATTERN", help="files of a folder that are no points"
    )
    parser.add_argument(
        "--weights",
        metavar="NAME",
        help="of folders that hold more than one model: the file, or folder, that counts",
    )
    parser.add_argument(
        "--lock",
        type=Path,
        metavar="FILE",
        help="of the hub's: which bytes are read, written where it is not there (`hallmarks hub check`)",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="of the hub's: keep the files there, as its own client does"
    )
    parser.add_argument(
        "--allow-duplicates",
        action="store_true",
        help="of the hub's: equal weights under different steps are points too",
    )
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


def heads(text: str) -> Heads:
    """`32`, or `32,8`: 8 of keys and values. Raises ArgumentTypeError."""
    numbers = text.split(",")
    if len(numbers) > 2 or not all(number.isdecimal() and int(number) for number in numbers):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of heads, such as 32, or 32,8")
    return Heads(*map(int, numbers))


def run(arguments: argparse.Namespace) -> None:
    """Write the kernel and say what was understood: `arguments.said`, for whoever draws it."""
    check_output(arguments.output)
    if arguments.device:
        importlib.import_module("torch")  # where it is missing, that is said before anything is read
    patterns = (tuple(given) for given in (arguments.only, arguments.leave_out, arguments.skip))
    own = {name: getattr(arguments, name) for name in ("weights", "lock", "cache", "allow_duplicates")}
    choice = Choice(*patterns, **own)
    published = is_published(arguments)
    verify = arguments.verify and arguments.follow is None
    find = partial(find_checkpoints, arguments.checkpoints, arguments.key, arguments.as_given, verify, choice)
    options = {name: getattr(arguments, name) for name in ("heads", "precision", "extend", "device")}
    if arguments.follow is not None:
        found = follow(
            find, arguments.checkpoints, arguments.output, arguments.follow, arguments.until, **options
        )
        arguments.said = found.understood if found else ""
        return
    checkpoints = find()
    print(checkpoints.understood, flush=True)
    far = any(isinstance(tensor.file, RemoteFile) for tensor in checkpoints.points[0].tensors.values())
    if far and arguments.extend:
        raise UserError(
            "--extend: products of new points with old ones need the old ones' weights again, so it spares "
            "no byte of the hub's; leave it out, or keep files by --cache DIR: then only new ones are fetched"
        )
    if far:
        del options["extend"]
    kernel = (write_streamed if far else write_kernel)(checkpoints, arguments.output, **options)
    if published and not checkpoints.duplicates_allowed:
        checkpoints, kernel = without_repeated(checkpoints, kernel, arguments.output)
    lines = noticed(kernel, [point.path.name for point in checkpoints.points])
    if arguments.precision == "float32" and (line := unresolved(kernel)):
        lines.append(line)
    for line in lines:
        print(line)
    arguments.said = "; ".join([checkpoints.understood, *lines])


def is_published(arguments: argparse.Namespace) -> bool:
    """Whether points are the hub's. Raises UserError for an option that goes with others."""
    given = arguments.checkpoints
    address = next((source for source in given if not isinstance(source, Path)), None)
    if address and arguments.follow is not None:
        raise UserError(f"{address}: what is published does not grow; leave out --follow")
    if arguments.until is not None and arguments.follow is None:
        raise UserError("--until: goes with --follow, which is not given")
    options = {"--lock": arguments.lock, "--allow-duplicates": arguments.allow_duplicates}
    fetched = address is None and is_fetched(given[0])
    options |= {} if fetched else {"--cache": arguments.cache}
    if not address and (option := next((option for option, told in options.items() if told), None)):
        raise UserError(f"{option}: goes with an address of the hub, hf://…, and {given[0]} is none")
    return address is not None or fetched


def without_repeated(checkpoints: Checkpoints, kernel: Kernel, output: Path) -> tuple[Checkpoints, Kernel]:
    """Points at the same place under different steps are missing, as those whose digests say so before."""
    whole = repeated(kernel)
    parts, _ = partly_repeated(kernel)
    parts[:, whole] = False
    places = sorted({*whole, *np.flatnonzero(parts.any(axis=0)).tolist()})
    if not places:
        return checkpoints, kernel

    def names(of: Sequence[int]) -> str:
        return ", ".join(checkpoints.points[place].path.name for place in of)

    if len(places) == len(kernel.step):
        raise UserError(
            f"{names(places)}: are all equal, or in a part; --allow-duplicates takes them all the same"
        )
    lines = [f"missing, equal to another though their files differ: {names(whole)}"] if whole else []
    if parts.any():
        some = names([place for place in places if place not in whole])
        groups = groups_said(kernel, np.flatnonzero(parts.any(axis=1)))
        lines.append(f"missing, in a part equal to another: {some}, in {groups}")
    said = "; ".join(lines)
    print(said)
    kernel = without(kernel, places)
    kernel.save(output)
    points = [point for place, point in enumerate(checkpoints.points) if place not in places]
    understood = f"{checkpoints.understood}; {said}"
    return replace(checkpoints, points=points, understood=understood, missing=kernel.missing), kernel


def check_output(path: Path) -> None:
    """Raise UserError unless a kernel can be written there, and replaces nothing but a kernel."""
    from hallmarks.trajectory.others.folder import is_kernel

    if path.suffix != ".npz":
        raise UserError(f"{path}: a kernel is written as .npz; name it so")
    if path.exists() and not is_kernel(path):
        raise UserError(f"{path}: is there, and is no kernel; it is not replaced: choose another name")

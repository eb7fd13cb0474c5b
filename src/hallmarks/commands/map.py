"""`hallmarks map CHECKPOINTS… -o MAP.png`: kernel, MDS and the trajectory map in one command."""

import argparse
from pathlib import Path

from hallmarks.commands import kernel as kernel_command
from hallmarks.errors import UserError
from hallmarks.files import replacing
from hallmarks.kernel.file import Kernel
from hallmarks.measures.maps import (
    mean_directional_similarity,
    relative_mean_directional_similarity,
)


def configure(parser: argparse.ArgumentParser) -> None:
    kernel_command.configure(parser, output="the .png or .pdf to draw; its kernel lies beside")
    parser.add_argument("--title", help="the picture's title; by default the folder's name")


def run(arguments: argparse.Namespace) -> None:
    picture = arguments.output
    if picture.suffix not in {".png", ".pdf"}:
        raise UserError(f"{picture}: a map is a picture; name it .png or .pdf")
    path = picture.with_suffix(".npz")
    kernel_command.run(argparse.Namespace(**vars(arguments) | {"output": path}))
    from hallmarks.figures.maps import draw_one  # seaborn takes a second to import: an error comes before

    kernel = Kernel.load(path)
    figure = draw_one(kernel, arguments.title or folder_of(arguments.checkpoints[0]).name)
    with replacing(picture) as temporary:
        figure.savefig(temporary, dpi=120)
    mds = f"ω = {mean_directional_similarity(kernel):.4f}"
    if len(kernel.step) > 1:
        mds += f", ω_0 = {relative_mean_directional_similarity(kernel):.4f}"
    print(f"{picture}: {mds}, n = {len(kernel.step)}")


def folder_of(checkpoints: Path) -> Path:
    """The folder that was given, or that of the first file."""
    return checkpoints.resolve() if checkpoints.is_dir() else checkpoints.resolve().parent

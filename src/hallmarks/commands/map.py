"""`hallmarks map CHECKPOINTS… -o MAP.png`: kernel, MDS and the trajectory map in one command."""

import argparse
from pathlib import Path

import numpy as np

from hallmarks.commands import kernel as kernel_command
from hallmarks.errors import UserError
from hallmarks.files import replacing
from hallmarks.kernel.file import Kernel
from hallmarks.measures.maps import (
    mean_directional_similarity,
    relative_mean_directional_similarity,
    relative_trajectory_map,
    trajectory_map,
)
from hallmarks.trajectory.hub.address import Address


def configure(parser: argparse.ArgumentParser) -> None:
    kernel_command.configure(parser, output="the .png or .pdf to draw; its kernel lies beside")
    parser.add_argument("--title", help="the picture's title; by default the folder's name")
    parser.add_argument(
        "--by-depth",
        action="store_true",
        help="draw the maps of the weights of queries, keys and values, layer by layer",
    )


def run(arguments: argparse.Namespace) -> None:
    picture = arguments.output
    if picture.suffix not in {".png", ".pdf"}:
        raise UserError(f"{picture}: a map is a picture; name it .png or .pdf")
    path = picture.with_suffix(".npz")
    given = argparse.Namespace(**vars(arguments) | {"output": path, "said": ""})
    kernel_command.run(given)
    from hallmarks.figures import own_map  # seaborn takes a second to import: an error comes before

    kernel = Kernel.load(path)
    title = arguments.title or name_of(arguments.checkpoints[0])
    draw = own_map.draw_by_depth if arguments.by_depth else own_map.draw_own
    figure = draw(kernel, title, given.said)
    with replacing(picture) as temporary:
        figure.savefig(temporary, dpi=120)
    mds = f"ω = {mean_directional_similarity(kernel):.4f}"
    if len(kernel.step) > 1:
        mds += f", ω_0 = {relative_mean_directional_similarity(kernel):.4f}"
    print(f"{picture}: {mds}, n = {len(kernel.step)}{undefined(kernel)}")


def undefined(kernel: Kernel) -> str:
    """Which points have no direction, so that a mean of cosines is no number."""
    maps = {"ω: point {} is zero": trajectory_map(kernel)}
    if len(kernel.step) > 1:
        maps["ω_0: point {} is equal to point 0"] = relative_trajectory_map(kernel)
    said = ""
    for number, (words, shown) in enumerate(maps.items()):
        without = np.flatnonzero(np.isnan(np.diagonal(shown)))
        said += f"; {words.format(without[0] + number)}" if len(without) else ""
    return said


def name_of(checkpoints: Path | Address) -> str:
    """The folder that was given, or that of the first file; of the hub's, the model."""
    if isinstance(checkpoints, Address):
        return checkpoints.name
    return (checkpoints.resolve() if checkpoints.is_dir() else checkpoints.resolve().parent).name

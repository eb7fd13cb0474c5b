"""Other people's checkpoints as a trajectory: found, ordered, chosen, and said what was understood."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.checkpoints import Checkpoint, Checkpoints, Choice, Heads, read_heads
from hallmarks.trajectory.compare import compare_points
from hallmarks.trajectory.formats import read_progress, read_tensors
from hallmarks.trajectory.layout import SIZES
from hallmarks.trajectory.others.by_names import Order
from hallmarks.trajectory.others.folder import Source, find_points
from hallmarks.trajectory.others.model import Point, choose
from hallmarks.trajectory.others.names import parse, stem
from hallmarks.trajectory.others.order import order
from hallmarks.trajectory.others.report import understood
from hallmarks.trajectory.others.tied import tied_in_some, untie
from hallmarks.trajectory.others.values import equal
from hallmarks.trajectory.tensor import Tensor

SECOND_NAME = re.compile(r"(^|[._-])(last|latest|best)([._-]|$)", re.IGNORECASE)


def find(sources: Sequence[Path], key: str | None, as_given: bool, choice: Choice) -> Checkpoints:
    """The points of folders and files, in order. Raises UserError naming file and tensor."""
    try:
        points, left = find_points(sources, choice.skip, choice.weights, as_given)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from None
    passed = dict.fromkeys(
        (name, point.weights.file.name) for point in points for name in point.weights.passed
    )
    left += [f"{name} (beside {file})" for name, file in passed]
    read = [
        (read_tensors(point.weights.file, key or point.weights.key), read_progress(point.weights.file))
        for point in points
    ]
    kept, again = ([*range(len(points))], []) if as_given else once(points, [tensors for tensors, _ in read])
    points, left = [points[place] for place in kept], left + again
    tensors, progress = zip(*(read[place] for place in kept), strict=True)
    ordered = order([point.path for point in points], progress, as_given)
    heads = read_heads(points[ordered.places[0]].weights.file)
    named = [(points[place].path, tensors[place]) for place in ordered.places]
    return as_checkpoints(named, ordered, choice, left, heads)


def as_checkpoints(
    points: Sequence[Point], ordered: Order, choice: Choice, left: Sequence[str], heads: Heads | None
) -> Checkpoints:
    """Points in order, each with all its tensors, as the trajectory of a model. Raises UserError."""
    paths = [path for path, _ in points]
    model = choose(points, choice.only, choice.leave_out)
    everywhere, sometimes = tied_in_some(model.parameters)
    compare_points(list(zip(paths, everywhere, strict=True)))
    parameters, tied = untie(everywhere)
    found = [
        Checkpoint(path, step, epoch, kept)
        for path, step, epoch, kept in zip(paths, ordered.steps, ordered.epochs, parameters, strict=True)
    ]
    says_epochs = all(a < b for a, b in itertools.pairwise(ordered.epochs)) and len(paths) > 1
    unit = "epoch" if ordered.unit == "point" and says_epochs else ordered.unit
    said = understood(paths, ordered.why, parameters[0], model, sometimes | tied, left)
    return Checkpoints(found, "", heads, said, unit)


def once(points: Sequence[Source], tensors: Sequence[dict[str, Tensor]]) -> tuple[list[int], list[str]]:
    """The places of points that are not another's second name, as last.ckpt is; and the others, in words."""
    second = [bool(SECOND_NAME.search(point.path.name)) for point in points]
    numbered = [n for n, point in enumerate(points) if parse(stem(point.path)).numbers and not second[n]]
    kept, said = [], []
    for place, point in enumerate(points):
        others = numbered if second[place] else []
        twin = next((other for other in others if alike(tensors[other], tensors[place])), None)
        if twin is None:
            kept.append(place)
        else:
            said.append(f"{point.path.name} (equal to {points[twin].path.name})")
    return kept, said


def alike(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two points hold the same tensors of the same values."""
    if one.keys() != other.keys():
        return False
    pairs = [(tensor, other[name]) for name, tensor in one.items()]
    if not all(a.shape == b.shape and {a.dtype, b.dtype} <= SIZES.keys() for a, b in pairs):
        return False
    return all(equal(a, b) for a, b in sorted(pairs, key=lambda pair: pair[0].numel))

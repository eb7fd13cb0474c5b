"""Where each parameter of each point lies, for our trajectories and for other people's checkpoints.

Only headers are read here.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.compare import compare_points, compare_with_description
from hallmarks.trajectory.formats import read_tensors, safetensors, suffixes, whole_file
from hallmarks.trajectory.order import natural_order, steps_of
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import read_whole

BUFFERS = re.compile(
    r"(^|\.)(running_mean|running_var|num_batches_tracked"
    r"|attention\.bias|attention\.masked_bias|rotary_emb\.inv_freq)$"
)


@dataclass(frozen=True)
class Checkpoint:
    """One point: the path to name it by, when it was taken, its parameters by name, in the file's order.

    `sha256` is what its file must hash to, where that is recorded and asked for.
    """

    path: Path
    step: int
    epoch: float
    tensors: dict[str, Tensor]
    sha256: str | None = None


@dataclass(frozen=True)
class Checkpoints:
    """The points in order; `diverged` is "" or how the run ended, `heads` the attention heads if known."""

    points: list[Checkpoint]
    diverged: str
    heads: int | None


def find_checkpoints(
    sources: Sequence[Path], key: str | None = None, as_given: bool = False, verify: bool = True
) -> Checkpoints:
    """The points of a trajectory, a folder of checkpoints, or listed checkpoints, put in natural order.

    `key` (a.b) leads to the state dict in torch files, `as_given` keeps the order listed, `verify` gives our
    own trajectories' recorded SHA-256 to whoever reads them. Raises UserError naming file and tensor.
    """
    if len(sources) == 1 and (sources[0] / "trajectory.json").exists():
        return open_trajectory(sources[0], verify)
    paths = list_checkpoints(sources)
    if not as_given:
        paths = natural_order(paths)
    found = [(path, read_parameters(path, key)) for path in paths]
    compare_points(found)
    points = [
        Checkpoint(path, step, math.nan, tensors)
        for step, (path, tensors) in zip(steps_of(paths), found, strict=True)
    ]
    return Checkpoints(points, "", read_heads(paths[0]))


def open_trajectory(folder: Path, verify: bool) -> Checkpoints:
    """The points of a trajectory of ours, compared with its description."""
    trajectory = read_trajectory(folder)
    if not trajectory.points:
        raise UserError(f"{folder}: the trajectory has no points")
    if not any((folder / point.file).exists() for point in trajectory.points):
        raise UserError(
            f"{folder}: its points were removed, trajectory.json alone is left; train the run again, "
            "with keep_trajectories: true to keep them"
        )
    points = []
    for point in trajectory.points:
        path = folder / point.file
        tensors = safetensors.read_tensors(path)
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        compare_with_description(path, shapes, trajectory.parameters)
        tensors = {name: tensors[name] for name in trajectory.parameters}
        points.append(Checkpoint(path, point.step, point.epoch, tensors, point.sha256 if verify else None))
    end = trajectory.diverged
    diverged = (
        f"diverged at epoch {end['epoch']:g}, step {end['step']}, learning rate {end['learning_rate']:g}"
        if end
        else ""
    )
    return Checkpoints(points, diverged, read_heads(points[0].path))


def list_checkpoints(sources: Sequence[Path]) -> list[Path]:
    """Files, or folders that are one checkpoint, as points; a folder of several is opened."""
    paths: list[Path] = []
    for source in sources:
        if not source.exists():
            raise UserError(f"{source}: no such trajectory.json, checkpoint or folder of checkpoints")
        if source.is_file() or whole_file(source):
            paths.append(source)
            continue
        inside = [
            path
            for path in source.iterdir()
            if not path.name.startswith(".")
            and ((path.is_file() and path.suffix in suffixes()) or (path.is_dir() and whole_file(path)))
        ]
        if not inside:
            raise UserError(f"{source}: holds no checkpoint ({', '.join(suffixes())}) and no trajectory.json")
        paths += sorted(inside)
    return paths


def read_parameters(path: Path, key: str | None) -> dict[str, Tensor]:
    """The parameters of one checkpoint, buffers left out, in the order of their files."""
    file = whole_file(path) if path.is_dir() else path
    if file is None:
        raise UserError(f"{path}: not a checkpoint")
    tensors = {name: tensor for name, tensor in read_tensors(file, key).items() if not BUFFERS.search(name)}
    if not tensors:
        raise UserError(f"{path}: holds no parameter")
    return dict(sorted(tensors.items(), key=lambda item: (str(item[1].file), item[1].offset)))


def read_heads(path: Path) -> int | None:
    """The number of attention heads that a config.json beside the weights gives, if one is there."""
    config = (path if path.is_dir() else path.parent) / "config.json"
    try:
        heads = json.loads(read_whole(config)).get("num_attention_heads")
    except (OSError, ValueError, AttributeError):
        return None
    return heads if isinstance(heads, int) else None

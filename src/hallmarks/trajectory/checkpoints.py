"""Where each parameter of each point lies, for our trajectories and for other people's checkpoints.

Only headers are read here.
"""

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hallmarks.errors import NothingYet, UserError
from hallmarks.trajectory.compare import compare_with_description
from hallmarks.trajectory.formats import safetensors
from hallmarks.trajectory.reader import read_trajectory
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import read_whole


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
class Heads:
    """The heads of attention, and how many of them keys and values have, None where that is not known."""

    all: int
    keys: int | None = None


@dataclass(frozen=True)
class Checkpoints:
    """The points in order; `diverged` is "" or how the run ended, `heads` the attention heads if known.

    `understood` says in words what was taken for points and parameters, `unit` what tells the points
    apart: step, epoch, the number in their names, or point, their place. `missing` are the steps of points
    for which other weights than theirs were published; none where `duplicates_allowed`.
    """

    points: list[Checkpoint]
    diverged: str
    heads: Heads | None
    understood: str = ""
    unit: str = "step"
    missing: tuple[int, ...] = ()
    duplicates_allowed: bool = False


@dataclass(frozen=True)
class Choice:
    """What a caller decides about other people's checkpoints.

    Patterns of tensors that alone count (`only`), or do not (`leave_out`), patterns of files that are no
    points (`skip`), and the file of weights in each folder. Of published ones: the file that locks their
    bytes, the folder that keeps them, and whether equal weights under different steps are points.
    """

    only: Sequence[str] = ()
    leave_out: Sequence[str] = ()
    skip: Sequence[str] = ()
    weights: str | None = None
    lock: Path | None = None
    cache: Path | None = None
    allow_duplicates: bool = False


def find_checkpoints(
    sources: Sequence[Path | Any],
    key: str | None = None,
    as_given: bool = False,
    verify: bool = True,
    choice: Choice | None = None,
) -> Checkpoints:
    """The points of a trajectory, a folder of checkpoints, listed ones, or an address of the hub, in order.

    `key` (a.b) leads to the state dict in torch files, `as_given` keeps the order listed, `verify` gives our
    own trajectories' recorded SHA-256 to whoever reads them. Raises UserError naming file and tensor.
    """
    # By its name: how what others published is read decides nothing of what is ours.
    if not all(isinstance(source, Path) for source in sources):
        hub = importlib.import_module("hallmarks.trajectory.hub.find")
        return hub.find(sources, key, as_given, choice or Choice())
    if len(sources) == 1 and is_trajectory(sources[0]):
        if is_fetched(sources[0]):
            hub = importlib.import_module("hallmarks.trajectory.hub.find")
            return hub.find_fetched(sources[0], key, choice or Choice())
        if choice not in (None, Choice()):
            raise UserError(f"{sources[0]}: a trajectory of ours, of which nothing is chosen or left out")
        if key is not None:
            raise UserError(f"{sources[0]}: a trajectory of ours, whose files have no key; leave --key out")
        return open_trajectory(sources[0], verify)
    # By its name: how others' checkpoints are read decides nothing of what is ours.
    others = importlib.import_module("hallmarks.trajectory.others.find")
    return others.find(sources, key, as_given, choice or Choice())


def is_trajectory(folder: Path) -> bool:
    """Whether a folder is a trajectory of ours. Raises UserError where it cannot be looked into."""
    try:
        return (folder / "trajectory.json").exists()
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None


def is_fetched(folder: Path) -> bool:
    """Whether a folder is a run that was fetched: a lock in place of points."""
    try:
        return (folder / "lock.json").exists() and is_trajectory(folder)
    except OSError:  # who opens it says so
        return False


def open_trajectory(folder: Path, verify: bool) -> Checkpoints:
    """The points of a trajectory of ours, compared with its description."""
    trajectory = read_trajectory(folder)
    if not trajectory.points:
        raise NothingYet(f"{folder}: the trajectory has no points")
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
    return Checkpoints(points, diverged, read_heads(points[0].path), said_of(points))


def said_of(points: Sequence[Checkpoint]) -> str:
    """What a trajectory of ours is, in words."""
    tensors = points[0].tensors.values()
    numbers = sum(tensor.numel for tensor in tensors)
    return (
        f"points as trajectory.json lists them: {len(points)}; tensors: {len(tensors)}; numbers: {numbers:,}"
    )


def read_heads(path: Path) -> Heads | None:
    """The heads of attention that a config.json beside the weights gives, if one is there."""
    config = (path if path.is_dir() else path.parent) / "config.json"
    try:
        return heads_in(json.loads(read_whole(config)))
    except (OSError, ValueError):
        return None


def heads_in(config: Any) -> Heads | None:
    """The heads that a model's configuration gives, under the names that the common architectures have."""
    if not isinstance(config, dict):
        return None

    def first(*names: str) -> int | None:
        found = (config.get(name) for name in names)
        return next((value for value in found if isinstance(value, int) and value > 0), None)

    every = first("num_attention_heads", "n_head", "n_heads")
    if every is None:
        return None
    keys = (
        1 if config.get("multi_query") is True else first("num_key_value_heads", "n_kv_heads", "num_kv_heads")
    )
    return Heads(every, keys)

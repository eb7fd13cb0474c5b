"""A trajectory of ours as it lies on disk: what `trajectory.json` says, and its points' values."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from hallmarks.errors import UserError
from hallmarks.files import sha256
from hallmarks.trajectory.compare import compare_with_description


@dataclass(frozen=True)
class Point:
    """One point: its file, when it was taken, and what the file must be."""

    file: str
    step: int
    epoch: float
    learning_rate: float
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Trajectory:
    """What `trajectory.json` says: the points, each parameter's `shape` and `kind`, and where a run diverged.

    `diverged` is None, or `epoch`, `step` and `learning_rate` of the loss that was not finite.
    """

    folder: Path
    points: list[Point]
    parameters: dict[str, dict]
    diverged: dict | None = None

    def check(self, index: int) -> None:
        """Raise UserError where a point's file is not the one recorded; reads it in small blocks."""
        path = self.folder / self.points[index].file
        try:
            digest = sha256(path)
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        if digest != self.points[index].sha256:
            raise altered(path)

    def load(self, index: int) -> dict[str, np.ndarray]:
        """The parameters of one point by name. Raises UserError where the file is not the one recorded."""
        path = self.folder / self.points[index].file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        if hashlib.sha256(content).hexdigest() != self.points[index].sha256:
            raise altered(path)
        try:
            tensors = load(content)
        except SafetensorError as error:
            raise UserError(f"{path}: not a point that can be read ({error})") from None
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        compare_with_description(path, shapes, self.parameters)
        return tensors


def altered(path: Path) -> UserError:
    """A point's file is not the one that trajectory.json records."""
    return UserError(f"{path}: its SHA-256 is not the one in trajectory.json; it was cut or altered")


def read_trajectory(folder: Path) -> Trajectory:
    """Read `trajectory.json`. Raises UserError where it is missing or damaged."""
    path = folder / "trajectory.json"
    try:
        content = json.loads(path.read_text())
        points = [Point(**point) for point in content["points"]]
        return Trajectory(folder, points, content["parameters"], content.get("diverged"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); is {folder} a trajectory?") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a trajectory's description ({error})") from None

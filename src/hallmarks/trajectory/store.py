"""A trajectory on disk: `point-00000.safetensors`, … and `trajectory.json`, written point by point."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hallmarks.errors import UserError


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
    """What `trajectory.json` says: the points, and each parameter's `shape` and `kind`."""

    folder: Path
    points: list[Point]
    parameters: dict[str, dict]

    def load(self, index: int) -> dict[str, np.ndarray]:
        """The parameters of one point by name. Raises UserError where the file is not the one recorded."""
        path = self.folder / self.points[index].file
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != self.points[index].sha256:
                raise UserError(
                    f"{path}: its SHA-256 is not the one in trajectory.json; it was cut or altered"
                )
            tensors = load(content)
        except (OSError, SafetensorError) as error:
            raise UserError(f"{path}: not a point that can be read ({error})") from None
        if tensors.keys() != self.parameters.keys():
            differing = sorted(tensors.keys() ^ self.parameters.keys())[0]
            raise UserError(f"{path}: its tensors differ from trajectory.json's, {differing} among them")
        for name, tensor in tensors.items():
            if list(tensor.shape) != self.parameters[name]["shape"]:
                raise UserError(
                    f"{path}: {name} has the shape {list(tensor.shape)}, not {self.parameters[name]['shape']}"
                )
        return tensors


def read(folder: Path) -> Trajectory:
    """Read `trajectory.json`. Raises UserError where it is missing or damaged."""
    path = folder / "trajectory.json"
    try:
        content = json.loads(path.read_text())
        points = [Point(**point) for point in content["points"]]
        return Trajectory(folder, points, content["parameters"])
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); is {folder} a trajectory?") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a trajectory's description ({error})") from None


class TrajectoryWriter:
    """Writes points in order; a point counts once `trajectory.json` names it."""

    def __init__(self, folder: Path, parameters: dict[str, dict]):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.parameters = parameters
        self.points: list[Point] = []

    def write(self, arrays: dict[str, np.ndarray], step: int, epoch: float, learning_rate: float) -> None:
        """Append one point: float32 arrays by parameter name."""
        content = save({name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()})
        file = f"point-{len(self.points):05d}.safetensors"
        write_atomically(self.folder / file, content)
        digest = hashlib.sha256(content).hexdigest()
        self.points.append(Point(file, step, epoch, learning_rate, len(content), digest))
        description = {"points": [asdict(point) for point in self.points], "parameters": self.parameters}
        write_atomically(self.folder / "trajectory.json", json.dumps(description, indent=1).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write under a temporary name, sync, rename: the file is whole or it is not there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)

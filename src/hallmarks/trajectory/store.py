"""Writes a trajectory, point by point: `point-00000.safetensors`, … and `trajectory.json` that names them."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from hallmarks.errors import UserError
from hallmarks.files import make_folder, remove_file, write
from hallmarks.trajectory.reader import Point, Trajectory, read_trajectory

# Lists a finished trajectory's points as sha256sum does, as long as they are there.
POINTS = "points.sha256"


class TrajectoryWriter:
    """Writes points in order; a point counts once `trajectory.json` names it.

    `parameters` gives each parameter's `shape` and `kind` by name.
    """

    def __init__(self, folder: Path, parameters: dict[str, dict]):
        self.folder = make_folder(folder)
        self.parameters = {name: {**told, "shape": list(told["shape"])} for name, told in parameters.items()}
        self.points: list[Point] = []
        self.diverged: dict | None = None

    def write(self, arrays: dict[str, np.ndarray], step: int, epoch: float, learning_rate: float) -> None:
        """Append one point: float32 arrays by parameter name. Raises UserError for a wrong name or shape."""
        if arrays.keys() != self.parameters.keys():
            differing = sorted(arrays.keys() ^ self.parameters.keys())[0]
            raise UserError(
                f"{self.folder}: a point's parameters differ from the others', {differing} among them"
            )
        for name, array in arrays.items():
            if list(array.shape) != self.parameters[name]["shape"]:
                raise UserError(
                    f"{self.folder}: {name} has the shape {list(array.shape)}, "
                    f"not {self.parameters[name]['shape']}"
                )
        content = save({name: np.asarray(array, np.float32, order="C") for name, array in arrays.items()})
        file = f"point-{len(self.points):05d}.safetensors"
        write(self.folder / file, content)
        digest = hashlib.sha256(content).hexdigest()
        self.points.append(Point(file, int(step), float(epoch), float(learning_rate), len(content), digest))
        self._describe()

    def resume(self, n: int) -> None:
        """Take up the first `n` points that the folder holds and forget later ones.

        Raises UserError where there are fewer, one is damaged, or the parameters are others.
        """
        found = read_trajectory(self.folder) if n else Trajectory(self.folder, [], self.parameters)
        if found.parameters != self.parameters:
            raise UserError(f"{self.folder}: holds a trajectory of other parameters; choose another folder")
        if len(found.points) < n:
            raise UserError(f"{self.folder}: holds {len(found.points)} points, not the {n} to go on from")
        for index in range(n):
            found.check(index)
        self.points, self.diverged = found.points[:n], None
        self._describe()
        kept = {point.file for point in self.points}
        for path in [*self.folder.glob("point-*.safetensors"), *self.folder.glob(".point-*")]:
            if path.name not in kept:
                remove_file(path)

    def finish(self) -> None:
        """Say that the trajectory is whole: list its points."""
        listed = "".join(f"{point.sha256}  {point.file}\n" for point in self.points)
        write(self.folder / POINTS, listed)

    def record_divergence(self, epoch: float, step: int, learning_rate: float) -> None:
        """Say that the run ended here with a loss that was not finite; its points stay."""
        self.diverged = {"epoch": epoch, "step": step, "learning_rate": learning_rate}
        self._describe()

    def _describe(self) -> None:
        description = {"points": [asdict(point) for point in self.points], "parameters": self.parameters}
        if self.diverged:
            description["diverged"] = self.diverged
        write(self.folder / "trajectory.json", json.dumps(description, indent=1).encode())

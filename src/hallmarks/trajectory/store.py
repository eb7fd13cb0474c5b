"""A trajectory on disk: `point-00000.safetensors`, … and `trajectory.json`, written point by point."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from hallmarks.errors import UserError
from hallmarks.files import make_folder, write

# Lists a finished trajectory's points as sha256sum does, as long as they are there.
POINTS = "points.sha256"


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
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        self._compare(path, digest, index)

    def _compare(self, path: Path, digest: str, index: int) -> None:
        if digest != self.points[index].sha256:
            raise altered(path)

    def content(self, index: int) -> bytes:
        """The bytes of one point's file. Raises UserError where they are not the ones recorded."""
        path = self.folder / self.points[index].file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        self._compare(path, hashlib.sha256(content).hexdigest(), index)
        return content

    def load(self, index: int) -> dict[str, np.ndarray]:
        """The parameters of one point by name. Raises UserError where the file is not the one recorded."""
        path = self.folder / self.points[index].file
        try:
            tensors = load(self.content(index))
        except SafetensorError as error:
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


def altered(path: Path) -> UserError:
    """A point's file is not the one that trajectory.json records."""
    return UserError(f"{path}: its SHA-256 is not the one in trajectory.json; it was cut or altered")


def read(folder: Path) -> Trajectory:
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
        found = read(self.folder) if n else Trajectory(self.folder, [], self.parameters)
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
                path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Say that the trajectory is whole: list its points."""
        listed = "".join(f"{point.sha256}  {point.file}\n" for point in self.points)
        write(self.folder / POINTS, listed.encode())

    def record_divergence(self, epoch: float, step: int, learning_rate: float) -> None:
        """Say that the run ended here with a loss that was not finite; its points stay."""
        self.diverged = {"epoch": epoch, "step": step, "learning_rate": learning_rate}
        self._describe()

    def _describe(self) -> None:
        description = {"points": [asdict(point) for point in self.points], "parameters": self.parameters}
        if self.diverged:
            description["diverged"] = self.diverged
        write(self.folder / "trajectory.json", json.dumps(description, indent=1).encode())

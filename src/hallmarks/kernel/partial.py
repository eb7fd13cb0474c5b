"""What is done of a kernel whose points are far away, kept beside it, so that a killed command goes on."""

import hashlib
import importlib.metadata
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.kernel.groups import Groups
from hallmarks.trajectory.checkpoints import Checkpoints
from hallmarks.trajectory.transport import version_of

SUFFIX = ".partial"


@dataclass
class Partial:
    """The sums over the first `done` segments: `gram` [groups, n, n], beside the kernel at `path`.

    `lock` is the digest of what is read, `segment` the elements of one, `arithmetic` the type and the device,
    `made_by` the versions: whoever goes on with these adds the same products in the same order.
    """

    path: Path
    lock: str
    segment: int
    arithmetic: str
    made_by: str
    done: int
    gram: np.ndarray

    def save(self) -> None:
        """Write it, whole or not at all. Raises UserError."""
        content = io.BytesIO()
        told = {name: value for name, value in vars(self).items() if name not in ("path", "gram")}
        np.savez(content, partial=np.array(json.dumps(told)), gram=self.gram)
        write(self.path, content.getbuffer())


def versions() -> str:
    """What adds the products."""
    return f"hallmarks {importlib.metadata.version('hallmarks')}, numpy {np.__version__}"


def beside(output: Path) -> Path:
    """Where what is done of a kernel lies: `kernel.npz.partial`."""
    return output.with_name(output.name + SUFFIX)


def begun(path: Path, lock: str, segment: int, arithmetic: str, shape: tuple[int, ...]) -> Partial:
    """What was done of this kernel before, or nothing yet. Raises UserError where it is of another."""
    advice = "remove it to begin anew, or write to another -o"
    try:
        with np.load(path, allow_pickle=False) as file:
            found = Partial(path, gram=file["gram"], **json.loads(str(file["partial"])))
    except FileNotFoundError:
        return Partial(path, lock, segment, arithmetic, versions(), 0, np.zeros(shape))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a kernel begun that can be read ({error}); {advice}") from None
    if found.lock != lock or found.gram.shape != shape:
        raise UserError(f"{path}: was begun of other checkpoints, or of other tensors of them; {advice}")
    if found.arithmetic != arithmetic:
        raise UserError(f"{path}: was begun in {found.arithmetic}, and this is in {arithmetic}; {advice}")
    if found.made_by != versions():
        raise UserError(f"{path}: was begun by {found.made_by}, and this is {versions()}; {advice}")
    return found


def lock_of(checkpoints: Checkpoints, parts: Groups) -> str:
    """The digest of what a kernel is computed of: files as they are locked, where tensors lie, and groups."""
    digest = hashlib.sha256()
    for group, numel in zip(parts.names, parts.numel, strict=True):
        digest.update(f"{group} {numel}\n".encode())
    for piece in parts.pieces:
        digest.update(f"{piece}\n".encode())
    for point in checkpoints.points:
        for file in sorted({tensor.file for tensor in point.tensors.values()}):
            digest.update(f"{point.step} {version_of(file)}\n".encode())
        for name, tensor in point.tensors.items():
            digest.update(f"{name} {tensor}\n".encode())
    return digest.hexdigest()

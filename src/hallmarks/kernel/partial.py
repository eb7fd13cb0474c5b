"""What is done of a kernel whose points are far away, kept beside it, so that a killed command goes on."""

import hashlib
import importlib.metadata
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.files import write
from hallmarks.kernel.groups import Groups
from hallmarks.kernel.products import Product
from hallmarks.trajectory.checkpoints import Checkpoints
from hallmarks.trajectory.segments import Piece
from hallmarks.trajectory.transport import version_of

SUFFIX = ".partial"
MIXING = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no digest is lost


@dataclass
class Partial:
    """The sums over the first `done` segments: `gram` [groups, n, n], beside the kernel at `path`.

    `digests` uint64 [groups, n] are of the bytes of these segments, those of the pieces in order: a number
    goes on, which a SHA-256 that is half done does not. `lock` is the digest of what is read, `segment` the
    elements of one, `arithmetic` the type and the device, `made_by` the versions: whoever goes on with these
    adds the same products in the same order.
    """

    path: Path
    lock: str
    segment: int
    arithmetic: str
    made_by: str
    done: int
    gram: np.ndarray
    digests: np.ndarray

    def add(self, segment: Sequence[Piece], products: Sequence[Product]) -> None:
        """Add the next segment."""
        for piece, product in zip(segment, products, strict=True):
            self.gram[piece.group] += product.gram
            self.digests[piece.group] *= MIXING
            self.digests[piece.group] += np.array(product.digests, np.uint64)
        self.done += 1

    def save(self) -> None:
        """Write it, whole or not at all, of symmetric sums the half. Raises UserError."""
        content = io.BytesIO()
        arrays = {"gram": halved(self.gram), "digests": self.digests}
        told = {name: value for name, value in vars(self).items() if name not in ("path", *arrays)}
        np.savez(content, partial=np.array(json.dumps(told)), **arrays)
        write(self.path, content.getbuffer())


def halved(gram: np.ndarray) -> np.ndarray:
    """The lower triangles [groups, n(n+1)/2]; all of it where a device's sums are not symmetric."""
    if not np.array_equal(gram, gram.transpose(0, 2, 1)):
        return gram
    rows, columns = np.tril_indices(gram.shape[1])
    return gram[:, rows, columns]


def whole(halves: np.ndarray, n: int) -> np.ndarray:
    """What `halved` was given."""
    if halves.ndim == 3:
        return halves
    rows, columns = np.tril_indices(n)
    gram = np.empty((len(halves), n, n))
    gram[:, rows, columns] = gram[:, columns, rows] = halves
    return gram


def versions() -> str:
    """What adds the products."""
    return f"hallmarks {importlib.metadata.version('hallmarks')}, numpy {np.__version__}"


def beside(output: Path) -> Path:
    """Where what is done of a kernel lies: `kernel.npz.partial`."""
    return output.with_name(output.name + SUFFIX)


def begun(path: Path, lock: str, segment: int, arithmetic: str, groups: int, n: int) -> Partial:
    """What was done of this kernel before, or nothing yet. Raises UserError where it is of another."""
    advice = "remove it to begin anew, or write to another -o"
    try:
        with np.load(path, allow_pickle=False) as file:
            told, digests = json.loads(str(file["partial"])), file["digests"]
            found = Partial(path, gram=whole(file["gram"], digests.shape[1]), digests=digests, **told)
    except FileNotFoundError:
        gram, digests = np.zeros((groups, n, n)), np.zeros((groups, n), np.uint64)
        return Partial(path, lock, segment, arithmetic, versions(), 0, gram, digests)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a kernel begun that can be read ({error}); {advice}") from None
    if found.lock != lock:
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

"""A kernel as a value and as a file: the one place that reads and writes the `.npz`."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.files import write


@dataclass(frozen=True)
class Kernel:
    """The Gram matrices of one trajectory's increments: `increments_gram` float64 [groups, n, n].

    `numel` int64 [groups], `step` int64 [n], `epoch` float64 [n]; `storage` is the type that the points were
    stored in; `diverged` says where a run ended early, else ""; `unit` is what `step` counts: step, number
    (of the points' names) or point, their place where nothing else is known. `missing` are the
    steps, ascending, of points that should be there, and for which other weights than theirs were published.
    `digests` uint64 [groups, n] are of the bytes that were streamed: equal ones of a group are equal tensors;
    None where none were taken.
    """

    increments_gram: np.ndarray
    groups: list[str]
    numel: np.ndarray
    step: np.ndarray
    epoch: np.ndarray
    storage: str = "float32"
    diverged: str = ""
    unit: str = "step"
    missing: tuple[int, ...] = ()
    digests: np.ndarray | None = None

    @classmethod
    def load(cls, path: Path | str) -> "Kernel":
        """Read an `.npz`. Raises UserError where it is not a kernel."""
        try:
            with np.load(path, allow_pickle=False) as file:
                kernel = cls(
                    np.asarray(file["increments_gram"], dtype=np.float64),
                    [str(group) for group in file["groups"]],
                    file["numel"],
                    file["step"],
                    file["epoch"],
                    *(str(file[key]) for key in ["storage", "diverged", "unit"] if key in file),
                    missing=tuple(file["missing"].tolist()) if "missing" in file else (),
                    digests=file.get("digests"),
                )
        except FileNotFoundError:
            raise UserError(f"{path}: no such kernel") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: not a kernel that can be read ({error})") from None
        groups, points = len(kernel.groups), len(kernel.step)
        if kernel.increments_gram.shape != (groups, points, points):
            raise UserError(
                f"{path}: increments_gram has the shape {kernel.increments_gram.shape}, "
                f"not {(groups, points, points)} as its groups and steps say"
            )
        return kernel

    def save(self, path: Path) -> None:
        """Write the `.npz`, whole or not at all. Raises UserError."""
        content = io.BytesIO()
        np.savez(
            content,
            increments_gram=self.increments_gram,
            groups=np.array(self.groups),
            numel=self.numel,
            step=self.step,
            epoch=self.epoch,
            storage=np.array(self.storage),
            diverged=np.array(self.diverged),
            unit=np.array(self.unit),
            **({"missing": np.array(self.missing)} if self.missing else {}),
            **({} if self.digests is None else {"digests": self.digests}),
        )
        write(path, content.getbuffer())

    def gram(self, group: str = "all") -> np.ndarray:
        """G [n, n] of one parameter tensor, or of the whole model: the sum over tensors."""
        if group == "all":
            return self.increments_gram.sum(axis=0)
        if group not in self.groups:
            raise UserError(f"group '{group}' is not in the kernel; it has all, {', '.join(self.groups)}")
        return self.increments_gram[self.groups.index(group)]

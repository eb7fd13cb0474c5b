"""The resumable state of a run: verified before it is used; the folder says what decides the run."""

import hashlib
import io
import shutil
import sys
from pathlib import Path

import torch

from hallmarks.files import remove_file, write
from hallmarks.runs.states import state_name

KEPT = 2


class States:
    """A folder of `state-<steps done>.pt`, each with a `.sha256` that is written last.

    `kept` are the newest so many; all where it is None.
    """

    def __init__(self, folder: Path, kept: int | None = KEPT):
        self.folder, self.kept = folder, kept

    def save(self, step: int, content: dict) -> None:
        """Write one state. Raises UserError where the disk is full; the ones before stay."""
        serialised = io.BytesIO()
        torch.save(content, serialised)
        path = self.path(step)
        write(path, serialised.getbuffer())
        write(path.with_suffix(".sha256"), hashlib.sha256(serialised.getbuffer()).hexdigest())
        for old in sorted(self.folder.glob("state-*.pt"))[: -self.kept] if self.kept else []:
            remove_file(old.with_suffix(".sha256"))
            remove_file(old)

    def path(self, step: int) -> Path:
        return self.folder / state_name(step)

    def at(self, step: int) -> dict | None:
        """The state after a step; None where there is none that is whole."""
        content = read_verified(self.path(step))
        return None if content is None else loaded(content)

    def latest(self) -> dict | None:
        """The newest whole state, or None. One that is cut or altered is set aside as `.bad`."""
        for unfinished in self.folder.glob(".state-*"):
            unfinished.unlink()
        for path in sorted(self.folder.glob("state-*.pt"), reverse=True):
            content = read_verified(path)
            if content is not None:
                return loaded(content)
            print(f"{path}: not whole; set aside, the state before it is used", file=sys.stderr)
            path.rename(path.with_suffix(".bad"))
        return None

    def clear(self) -> None:
        """Forget every state."""
        shutil.rmtree(self.folder, ignore_errors=True)


def loaded(content: bytes) -> dict:
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def read_verified(path: Path) -> bytes | None:
    """The bytes of a state, or None where its SHA-256 is missing or another."""
    try:
        content, digest = path.read_bytes(), path.with_suffix(".sha256").read_text()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None

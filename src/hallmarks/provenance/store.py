"""`results/provenance/`: begun attempts, records and sources; files are only added, named by what they hold.

No index and no lock: two drivers, two users, or jobs on many nodes write side by side, and a folder that is
moved or copied keeps all of it.
"""

import hashlib
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785

from hallmarks.errors import UserError
from hallmarks.files import make_folder, write

FOLDER = "provenance"
SCHEMA = 1


@dataclass(frozen=True)
class Store:
    """The provenance of the results in a folder."""

    results: Path

    @property
    def folder(self) -> Path:
        return self.results / FOLDER

    def prepare(self) -> None:
        """Make the folder, by which commands know a folder of results. Raises UserError."""
        self._room("")

    def begin(self, attempt: str, content: dict[str, Any]) -> None:
        """Say that an attempt has begun. Raises UserError."""
        write(self._room("begun") / f"{attempt}.json", text_of(content), lasting=False)

    def earlier(self, target: str) -> list[str]:
        """The attempts at a target that began before, by name."""
        with suppress(OSError):
            names = sorted(os.listdir(self.folder / "begun"))
            return [name.removesuffix(".json") for name in names if name.startswith(f"{prefix_of(target)}-")]
        return []

    def record(self, content: dict[str, Any]) -> str:
        """Add a record, named by the SHA-256 of its bytes; its name. Raises UserError."""
        data = text_of(content)
        name = hashlib.sha256(data).hexdigest()
        write(self._room("records") / f"{name}.json", data)
        return name

    def keep(self, source: bytes) -> str:
        """Keep a source, where it is not kept already; its SHA-256. Raises UserError."""
        name = hashlib.sha256(source).hexdigest()
        path = self._room("sources") / name
        if not path.exists():
            write(path, source, lasting=False)
        return name

    def source(self, name: str) -> bytes | None:
        """A source that was kept; None where it is not there, or is another."""
        with suppress(OSError):
            content = (self.folder / "sources" / name).read_bytes()
            return content if hashlib.sha256(content).hexdigest() == name else None
        return None

    def _room(self, name: str) -> Path:
        """A folder of it, which whoever may write the results may write."""
        folder = self.folder / name
        if not folder.is_dir():
            make_folder(folder)
            with suppress(OSError):  # another user made it, at the same moment
                mode = stat.S_IMODE(self.results.stat().st_mode)
                for made in {self.folder, folder}:
                    made.chmod(mode)
        return folder


def text_of(content: dict[str, Any]) -> bytes:
    """JSON that a person can read, one text for equal contents."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def key_of(derivation: dict[str, Any]) -> str:
    """The SHA-256 of a derivation's canonical JSON (RFC 8785). Raises UserError for what that cannot hold."""
    try:
        return hashlib.sha256(rfc8785.dumps(derivation)).hexdigest()
    except rfc8785.CanonicalizationError as error:
        raise UserError(
            f"settings hold what canonical JSON cannot: {error}; numbers are finite, integers below 2⁵³"
        ) from None


def prefix_of(target: str) -> str:
    """What the names of a target's attempts begin with."""
    return hashlib.sha256(target.encode()).hexdigest()[:16]


def results_of(path: Path) -> Path | None:
    """The folder of results in which a path lies: the nearest above that holds provenance, or None."""
    absolute = Path(os.path.abspath(path))
    return next((folder for folder in absolute.parents if (folder / FOLDER).is_dir()), None)

"""What lies in a folder of results: which files there are, whose they are, and their digests."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from hallmarks.files import sha256
from hallmarks.machine import cores
from hallmarks.provenance.store import FOLDER

ROOMS = ("data", "runs", "kernels", "measures", "studies", "figures", "notebooks", "tables")
# In a crate: what is not in it, and is referred to by its SHA-256.
REFERENCES = f"{FOLDER}/references.sha256"
RUN = re.compile(r"runs/[^/]+/[^/]+/seed\d+")
SUPERSEDED = re.compile(r"runs/[^/]+/[^/]+/superseded$")


class There:
    """The files below `results`; of each the SHA-256, or with `quick` nothing but the size."""

    def __init__(self, results: Path, quick: bool = False):
        self.results, self.quick = results, quick
        self.digests: dict[str, str | None] = {}
        self.told_by = cache(self.find_told_by)
        self.links: list[str] = []
        self.found = [path for room in ROOMS for path in self._look_into(self.results / room)]
        self.referenced = self.find_referenced()

    def files(self) -> list[str]:
        """Every file of a result, by its path below the results, and every link to a folder.

        Earlier runs that are kept are none.
        """
        return sorted(self.found)

    def follow(self, recorded: Iterable[str]) -> None:
        """Look behind each link to a folder where a `recorded` path lies: no other leads to results."""
        recorded = list(recorded)
        while self.links:
            link = self.links.pop()
            if any(path.startswith(f"{link}/") for path in recorded):
                self.found.remove(link)
                self.found += self._look_into(self.results / link)

    def find_referenced(self) -> dict[str, str]:
        """Of a crate, what it refers to: each file's SHA-256."""
        with suppress(OSError, ValueError):
            lines = (self.results / REFERENCES).read_text().splitlines()
            return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
        return {}

    def _look_into(self, folder: Path) -> Iterator[str]:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                below = Path(folder, entry.name).relative_to(self.results).as_posix()
                if entry.name[0] == "." or entry.name.endswith(".failed.ipynb") or SUPERSEDED.match(below):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._look_into(folder / entry.name)
                    continue
                if entry.is_dir():
                    self.links.append(below)
                yield below

    def size(self, path: str) -> int | None:
        """Its bytes; None where it is not there."""
        with suppress(OSError):
            return (self.results / path).stat().st_size
        return None

    def hash(self, paths: Iterable[str]) -> None:
        """Read these files, side by side."""
        wanted = [path for path in dict.fromkeys(paths) if path not in self.digests]
        with ThreadPoolExecutor(max(2, cores())) as pool:
            self.digests |= zip(wanted, pool.map(self._digest, wanted), strict=True)

    def _digest(self, path: str) -> str | None:
        file = self.results / path
        if self.quick or not file.is_file():  # a pipe would never end
            return None
        try:
            return sha256(file)
        except OSError:
            return None

    def find_told_by(self, path: str) -> dict[str, tuple[str, int | None]]:
        """The files whose SHA-256, and bytes, another one tells: points, arrays of data, states of a run."""
        folder = Path(path).parent.as_posix()
        try:
            if path.endswith("/trajectory/trajectory.json"):
                points = self.json(path)["points"]
                return {f"{folder}/{point['file']}": (point["sha256"], point["bytes"]) for point in points}
            if path.startswith("data/") and path.endswith("/data.json"):
                return {
                    f"{folder}/{name}": (digest, None) for name, digest in self.json(path)["sha256"].items()
                }
            if "/states/" in path and path.endswith(".sha256"):
                digest = (self.results / path).read_text().strip()
                return {path.removesuffix(".sha256") + ".pt": (digest, None)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # it is not as it was made, and is found so
        return {}

    def json(self, path: str) -> Any:
        return json.loads((self.results / path).read_bytes())


def result_of(path: str) -> str:
    """The result that a file is of, by where it lies: `runs/<run>`, `data/<set>`, `kernels/<run>`."""
    if run := RUN.match(path):
        return run[0]
    if path.startswith("data/"):
        return "/".join(path.split("/")[:2])
    return re.sub(r"(\.(identity|accepted))?\.\w+$", "", path)

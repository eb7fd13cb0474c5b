"""The files below one folder that a process reads and writes, each hashed while it does; a child's too.

Reads are told by Python's audit hook, since no reader of another library would tell; writes by
`hallmarks.files`. A process that a watched one starts, such as a notebook's, tells its parent through a file
that the environment names.
"""

import hashlib
import json
import os
import stat
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hallmarks.witness import sources

VARIABLE = "HALLMARKS_WITNESS"
LARGE = 2**24  # bytes, from which on a file is hashed beside the reading, by a thread of its own

# Below a results' folder: not results, or told otherwise. Points, states and arrays of data are verified, by
# whoever reads them, against the digests in `trajectory.json`, `.sha256` and `data.json`, which are inputs.
LEFT_OUT = ("provenance/", "settings/", "logs/", "benchmarks/")
VERIFIED = ("point-", "state-")


@dataclass(frozen=True)
class Seen:
    """A file's SHA-256 and bytes; of one that was read, `changed` tells whether it was written since."""

    sha256: str
    bytes: int
    changed: tuple[int, ...] = ()


@dataclass
class Journal:
    """What happened below `folder`: the files read, by path from there, those written, by
    whole path, and the folders moved into place."""

    folder: str
    file: str | None = None
    read: dict[str, Seen | Future] = field(default_factory=dict)
    wrote: dict[str, Seen] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    loaded: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self):
        self.roots = tuple({f"{os.path.abspath(self.folder)}/", f"{os.path.realpath(self.folder)}/"})
        self.busy = threading.local()
        self.pool = ThreadPoolExecutor(1)
        self.pool_owner = os.getpid()

    def name_of(self, path: Any) -> str | None:
        """The path from the folder; None where it lies elsewhere."""
        try:
            whole = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return None  # an open file's number; or the working directory is gone
        return next((whole.removeprefix(root) for root in self.roots if whole.startswith(root)), None)

    def opened(self, path: Any) -> None:
        """A file is about to be read for the first time."""
        name = self.name_of(path)
        if name is None or name in self.read or left_out(name) or getattr(self.busy, "now", False):
            return
        self.busy.now = True
        try:
            about = os.stat(path)
            if not stat.S_ISREG(about.st_mode):
                return
            # A pool does not outlive a fork.
            if about.st_size > LARGE and os.getpid() == self.pool_owner:
                self.read[name] = self.pool.submit(look, path)
            else:
                self.read[name] = look(path)
            if self.file:
                self.tell("read", name, vars(settled(self.read[name])))
        except OSError:
            return  # whoever opens it says so
        finally:
            self.busy.now = False

    def written(self, path: Path, seen: Seen) -> None:
        """A file has taken its place."""
        self.wrote[os.path.abspath(path)] = seen
        self.tell("wrote", os.path.abspath(path), vars(seen))

    def tell(self, *said: Any) -> None:
        """Tell the parent, where this is a child."""
        if self.file:
            with open(self.file, "a", encoding="utf-8") as file:
                file.write(json.dumps(said) + "\n")

    def hear(self, file: Path) -> None:
        """Take over what a child told."""
        for line in file.read_text(encoding="utf-8").splitlines():
            word, name, what = json.loads(line)
            if word == "loaded":
                self.loaded[name] = what.encode()
            else:
                seen = Seen(what["sha256"], what["bytes"], tuple(what["changed"]))
                (self.read if word == "read" else self.wrote).setdefault(name, seen)


def left_out(name: str) -> bool:
    base = name.rpartition("/")[2]
    if name.startswith("data/") and base != "data.json":
        return True
    return (
        name.startswith(LEFT_OUT)
        or base.startswith(".")
        or base.endswith("identity.json")
        or is_verified(base)
    )


def is_verified(name: str) -> bool:
    """Whether a file of this name is told by the digest that lies beside it, and not by its own."""
    return name.startswith(VERIFIED) and not name.endswith(".sha256")


def look(path: Any) -> Seen:
    """A file as it is now, read in blocks. Raises OSError."""
    with open(path, "rb") as file:
        before = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Seen(digest, before.st_size, signs(before))


def signs(about: os.stat_result) -> tuple[int, ...]:
    """What changes with a file's content; its time of change cannot be set back."""
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def settled(seen: Seen | Future) -> Seen:
    return seen.result() if isinstance(seen, Future) else seen


watching: Journal | None = None
_hooked = False


def counts(path: Path) -> bool:
    """Whether somebody wants to know that this file was written."""
    return watching is not None and not is_verified(path.name)


def moved(source: Path, target: Path) -> None:
    """A folder has been moved into place, with all that was written to it before."""
    if watching is None:
        return
    before, after = os.path.abspath(source), os.path.abspath(target)
    for path in [path for path in watching.wrote if path.startswith(f"{before}/")]:
        watching.wrote[after + path.removeprefix(before)] = watching.wrote.pop(path)
    watching.moved.append(after)


def watch(journal: Journal | None) -> None:
    """Keep this journal from now on, in place of any other; None keeps none."""
    global watching, _hooked
    watching = journal
    if journal is not None and not _hooked:
        sys.addaudithook(_hook)  # it cannot be taken out again, and does nothing while nobody watches
        _hooked = True


def _hook(event: str, arguments: tuple) -> None:
    if event != "open" or watching is None:
        return
    path, mode, flags = arguments
    reads = not set(mode) & set("wax+") if isinstance(mode, str) else not flags & (os.O_WRONLY | os.O_RDWR)
    if reads:
        watching.opened(path)


def follow_parent() -> None:
    """In a process that a watched one started: tell it what is loaded, read and written here."""
    if VARIABLE not in os.environ or watching is not None:
        return
    said = json.loads(os.environ[VARIABLE])
    journal = Journal(said["folder"], said["journal"])
    sources.told.append(lambda name, source: journal.tell("loaded", name, source.decode()))
    watch(journal)


def environment(folder: str, journal: Path) -> dict[str, str]:
    """What the environment of a child says, so that it tells this process."""
    return {VARIABLE: json.dumps({"folder": os.path.abspath(folder), "journal": str(journal)})}

"""Records what a command makes, around the command: no command knows of it.

An attempt begins with a file in `begun/`, and ends with a record, whatever its end; where the process is
killed there is none, and so it is found.
"""

import argparse
import os
import platform
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.files import remove_file, write
from hallmarks.provenance import checkout, execution
from hallmarks.provenance.derivation import Derivation
from hallmarks.provenance.outputs import is_of, outputs_of
from hallmarks.provenance.pictures import stamped
from hallmarks.provenance.scrub import clean
from hallmarks.provenance.store import SCHEMA, Store, prefix_of
from hallmarks.witness import journal
from hallmarks.witness.journal import LARGE, Journal, look, settled
from hallmarks.witness.sources import check_first

KINDS = {"discard": "removed", "accept": "accepted"}
# They look, or write beside the results; what they write is not a result.
UNRECORDED = {"audit", "seal", "crate", "plan", "status", "doctor"}
STOPPED = 75  # exit status of a run that was asked to stop, and goes on later


@contextmanager
def recording(name: str, arguments: argparse.Namespace, results: Path | None) -> Iterator["Attempt | None"]:
    """Around a command: its attempt, where it writes into the folder `results`, else None.

    Raises UserError where what was read changed meanwhile, or a record cannot be written.
    """
    if results is None or name in UNRECORDED:
        yield None
        return
    attempt = Attempt(name, arguments, results)
    try:
        yield attempt
    except BaseException as error:
        attempt.failed(error)
        raise
    finally:
        attempt.close()


class Attempt:
    """One command that writes into `results`, from its beginning to its record."""

    def __init__(self, name: str, arguments: argparse.Namespace, results: Path):
        if stale := check_first():
            raise UserError(
                f"{stale}: its bytecode is not of its source; delete {Path(stale).parent}/__pycache__"
            )
        self.name, self.store = name, Store(results)
        self.meter, self.commit = execution.Meter(), checkout.commit()
        self.target = target_of(arguments, results)
        self.derivation = Derivation(name, arguments, results)
        earlier = self.store.earlier(self.target)
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self.attempt = f"{prefix_of(self.target)}-{moment}-{uuid.uuid4().hex[:8]}"
        self.begun = {"schema": SCHEMA, "attempt": self.attempt, "rule": name, "target": self.target}
        self.begun |= {"supersedes": earlier}
        self.execution = execution.begin()
        self.store.begin(self.attempt, self.begun | {"execution": self.execution})
        descriptor, file = tempfile.mkstemp(prefix="hallmarks-witness-")
        os.close(descriptor)
        self.file = Path(file)
        self.journal = Journal(str(results))
        journal.watch(self.journal)
        os.environ.update(journal.environment(str(results), self.file))
        for name in self.derivation.unseen:
            self.journal.opened(results / name)

    def ended(self, status: int, stamp: Callable[[], None]) -> None:
        """The command has ended with a status; `stamp` writes beside its result what made it."""
        if status:
            stopped = "stopped; the same command goes on from its state"
            self._record("failed", {"error": stopped if status == STOPPED else f"exit status {status}"})
            return
        self._hear()
        self._check_inputs()
        stamp()
        self._record(KINDS.get(self.name, "made"), {})

    def failed(self, error: BaseException) -> None:
        """The command has ended with an error; where that cannot be recorded, a line says so."""
        said = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        try:
            self._hear()
            self._record("failed", {"error": clean(said)[:2000]})
        except UserError as unwritten:
            print(f"hallmarks {self.name}: not recorded: {unwritten}", file=sys.stderr)

    def close(self) -> None:
        """Watch no more."""
        journal.watch(None)
        self.journal.pool.shutdown()
        os.environ.pop(journal.VARIABLE, None)
        remove_file(self.file)

    def _hear(self) -> None:
        self.journal.hear(self.file)

    def _check_inputs(self) -> None:
        """Hash small inputs again, and large ones that were written since. Raises UserError."""
        for name, seen in self.journal.read.items():
            if is_of(name, self.target):
                continue
            path, seen = self.store.results / name, settled(seen)
            try:
                same = seen.changed == journal.signs(path.stat())
                if not same or seen.bytes <= LARGE:
                    same = look(path).sha256 == seen.sha256
            except OSError:
                same = False
            if not same:
                raise UserError(
                    f"{path}: changed while it was read; what was made of it is not recorded: run again"
                )

    def _record(self, kind: str, more: dict[str, Any]) -> None:
        made = outputs_of(self.journal, self.store.results, self.target)
        identity = self.store.results / next(
            (name for name in made if name.endswith("identity.json")), "none"
        )
        derivation = self.derivation.of(self.journal, self.target, identity, self.store)
        key = self.derivation.key(derivation)
        if kind != "failed":
            for name in made:
                if name.endswith((".png", ".pdf")):
                    made[name] = self._stamp(self.store.results / name, key)
        files = self.derivation.files(self.journal)
        ran = {"commit": self.commit, "dirty": checkout.differing(files, self.commit)}
        record = self.begun | {"kind": kind, "key": key, "derivation": derivation}
        record |= {
            "outputs": {name: {"sha256": seen.sha256, "bytes": seen.bytes} for name, seen in made.items()}
        }
        record["execution"] = self.execution | self.meter.read() | ran | more | self.derivation.workflow()
        record["execution"] |= {"platform": f"{platform.system()} {platform.machine()}"}
        self.store.record(record)

    def _stamp(self, path: Path, key: str) -> journal.Seen:
        """Write the key into a picture's metadata."""
        try:
            before = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        content = stamped(before, key)
        if content != before:
            write(path, content)
        return self.journal.wrote.get(os.path.abspath(path)) if content != before else look(path)


def target_of(arguments: argparse.Namespace, results: Path) -> str:
    """What is made, as a path below the results without its suffix: `kernels/<run>`, `runs/<run>`."""
    if stem := getattr(arguments, "stem", None):
        path = stem
    elif getattr(arguments, "output", None):
        path = arguments.output
        path = (
            path.with_suffix("")
            if path.suffix in {".npz", ".parquet", ".csv", ".json", ".png", ".pdf"}
            else path
        )
    else:
        return " ".join(["accept", *arguments.targets])
    return Path(os.path.relpath(path, results)).as_posix()

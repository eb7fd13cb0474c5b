"""All that is recorded of a folder of results, read at once, every record checked against its own name."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.machine import cores
from hallmarks.provenance.shape import Begun, Content
from hallmarks.provenance.store import FOLDER, key_of, prefix_of

MADE = {"made", "removed", "accepted"}


@dataclass(frozen=True)
class Record:
    """A record, by its name; `content` as it was written."""

    name: str
    content: dict[str, Any]

    @property
    def attempt(self) -> str:
        return self.content["attempt"]

    @property
    def kind(self) -> str:
        return self.content["kind"]

    @property
    def target(self) -> str:
        return self.content["target"]

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        return self.content["outputs"]

    @property
    def derivation(self) -> dict[str, Any]:
        return self.content["derivation"]

    @property
    def execution(self) -> dict[str, Any]:
        return self.content["execution"]

    @property
    def code(self) -> dict[str, str]:
        """The meaning of each module that decides what was made, where that is known."""
        return self.derivation.get("identity", {}).get("code", {})

    @cached_property
    def forged(self) -> str:
        """What in it contradicts itself; "" where nothing does. Raises UserError."""
        if key_of(self.derivation) != self.content["key"]:
            return "its key is not its derivation's"
        if not self.attempt.startswith(f"{prefix_of(self.target)}-"):
            return "its attempt is of another target"
        if foreign := next((path for path in self.outputs if not self._may_write(path)), None):
            return f"it says that {self.target} wrote {foreign}"
        return ""

    def _may_write(self, path: str) -> bool:
        """Whether a file can be of its target: beside it, or a notebook, or what accepting writes."""
        if self.kind == "accepted":
            return path.endswith("accepted.json")
        return path.startswith((f"{self.target}.", f"{self.target}/", "notebooks/"))

    def superseded_by(self, other: "Record") -> bool:
        """Whether another began after this one had ended, and knew of it."""
        later = other.execution["begun"] >= self.execution["ended"]
        return later and self.attempt in other.content["supersedes"]


@dataclass
class Ledger:
    """The records of `results` by name, and the attempts begun.

    Of both, `broken` says which cannot be relied on, by their path in the results, and why; `broken_targets`
    says it by what they tell of, a result's name or a file.
    """

    results: Path
    records: dict[str, Record] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    broken_targets: dict[str, str] = field(default_factory=dict)
    begun: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, results: Path) -> "Ledger":
        """Read it; what cannot be read is broken, and nothing stops."""
        ledger = cls(results)
        with ThreadPoolExecutor(cores()) as pool:
            for name, data in pool.map(read_file, files_in(results / FOLDER / "records")):
                ledger._add(name, data)
            for name, data in pool.map(read_file, files_in(results / FOLDER / "begun")):
                ledger._add_begun(name, data)
        ledger._compare_attempts()
        return ledger

    def _add(self, name: str, data: bytes | None) -> None:
        if data is None:
            self._break(f"records/{name}.json", "cannot be read")
            return
        said = "" if hashlib.sha256(data).hexdigest() == name else "its bytes are not those of its name"
        try:
            content = json.loads(data)
            Content.model_validate(content)
            record = Record(name, content)
            said = said or record.forged
        except (ValueError, RecursionError, UserError):
            self._break(f"records/{name}.json", said or "is no record")
            return
        if said:
            self._break(f"records/{name}.json", said, record)
        else:
            self.records[name] = record

    def _add_begun(self, name: str, data: bytes | None) -> None:
        try:
            content = json.loads(data or b"")
            Begun.model_validate(content)
        except (ValueError, RecursionError):
            self._break(f"begun/{name}.json", "says nothing that can be read")
            return
        if content["attempt"] != name or not name.startswith(f"{prefix_of(content['target'])}-"):
            self._break(f"begun/{name}.json", "is of another attempt than its name")
        else:
            self.begun[name] = content

    def _break(self, path: str, said: str, record: Record | None = None) -> None:
        self.broken[f"{FOLDER}/{path}"] = said
        if record:
            text = f"record {record.name[:12]}…: {said}"
            self.broken_targets |= dict.fromkeys([record.target, *record.outputs], text)

    def _compare_attempts(self) -> None:
        """Each record ends one attempt that was begun so, and those that it followed are there."""
        ends: dict[str, int] = {}
        for record in self.records.values():
            ends[record.attempt] = ends.get(record.attempt, 0) + 1
        named = {Path(path).stem for path in self.broken} | self.begun.keys()
        for record in self.records.values():
            path, begun = f"records/{record.name}.json", self.begun.get(record.attempt)
            if begun is None:
                self._break(path, "no such attempt was begun", record)
            elif any(begun[word] != record.content[word] for word in ("rule", "target", "supersedes")):
                self._break(path, "its attempt was begun otherwise", record)
            elif begun["execution"].get("begun") != record.execution["begun"]:
                self._break(path, "its attempt was begun at another time", record)
            elif ends[record.attempt] > 1:
                self._break(path, "its attempt has another end too", record)
            elif gone := sorted(set(record.content["supersedes"]) - named):
                self._break(path, f"the attempt {gone[0]} before it is not there", record)

    @cached_property
    def ended(self) -> set[str]:
        """The attempts that have a record."""
        return {record.attempt for record in self.records.values()}

    @cached_property
    def by_path(self) -> dict[str, list[Record]]:
        """The records that hold a path among their outputs, the latest last."""
        found: dict[str, list[Record]] = {}
        for record in sorted(self.records.values(), key=lambda each: each.execution["ended"]):
            if record.kind in MADE:
                for path in record.outputs:
                    found.setdefault(path, []).append(record)
        return found

    @cached_property
    def by_target(self) -> dict[str, list[Record]]:
        """The records of what is there, by what was made, the latest last."""
        found: dict[str, list[Record]] = {}
        for record in sorted(self.records.values(), key=lambda each: each.execution["ended"]):
            found.setdefault(record.target, []).append(record)
        return found

    @cached_property
    def paths_of(self) -> dict[str, list[str]]:
        """The paths that were ever recorded with some bytes, by their SHA-256."""
        found: dict[str, list[str]] = {}
        for path, records in self.by_path.items():
            for digest in {record.outputs[path]["sha256"] for record in records}:
                found.setdefault(digest, []).append(path)
        return found

    def current(self, path: str) -> list[Record]:
        """The records of a path that no other supersedes; several where two drivers made it side by side."""
        found = self.by_path.get(path, [])
        return [one for one in found if not any(one.superseded_by(other) for other in found)]

    def unended(self, target: str) -> list[str]:
        """When attempts at a target began that never ended, and that none which was made later knew of."""
        made = [record for record in self.by_target.get(target, []) if record.kind in MADE]
        known = {attempt for record in made for attempt in record.content["supersedes"]}
        return sorted(
            content["execution"]["begun"]
            for name, content in self.begun.items()
            if content["target"] == target and name not in self.ended | known
        )


def files_in(folder: Path) -> list[Path]:
    try:
        return [
            folder / name for name in sorted(os.listdir(folder)) if name.endswith(".json") and name[0] != "."
        ]
    except OSError:
        return []


def read_file(path: Path) -> tuple[str, bytes | None]:
    try:
        return path.stem, path.read_bytes()
    except OSError:
        return path.stem, None

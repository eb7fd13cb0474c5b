"""A lock: of each revision of a published trajectory its commit and files, with sizes and digests.

By it the same bytes are read next year, or none: it is what the hub's API says, written as JSON that is the
same for the same trajectory. No weight is read for it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.files import write

VERSION = 1


@dataclass(frozen=True)
class File:
    """A file as the hub tells it: its bytes, git's SHA-1 of what git holds, and, of a large file, SHA-256."""

    size: int
    blob: str
    sha256: str | None = None

    @property
    def digest(self) -> str:
        """What tells its content from another's."""
        return self.sha256 or self.blob


@dataclass(frozen=True)
class Revision:
    """One point's files by name, in a folder of a repository at a commit; `name` is what people call it."""

    name: str
    repository: str
    commit: str
    files: dict[str, File]
    folder: str = ""

    @property
    def label(self) -> str:
        """How messages name it: org/model@step1000; of a repository a step, by that."""
        return (
            self.repository if self.repository.endswith(f"/{self.name}") else f"{self.repository}@{self.name}"
        )


@dataclass(frozen=True)
class Lock:
    """The revisions in order, and beside them main, where they are others.

    `last` is the name of the last that the repository has, whether it is one of these or not.
    """

    address: str
    revisions: list[Revision]
    main: Revision | None = None
    last: str = ""

    @cached_property
    def text(self) -> str:
        """Its JSON: a line a file, the same for the same trajectory."""
        content = {
            "hallmarks": "lock of a published trajectory",
            "version": VERSION,
            "address": self.address,
            "last": self.last,
            "main": told(self.main) if self.main else None,
            "revisions": [told(revision) for revision in self.revisions],
        }
        return as_json(content) + "\n"

    @property
    def sha256(self) -> str:
        """Of its text: what a run that is fetched by it is known by."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def named(self, name: str) -> Revision | None:
        """The revision of a name."""
        return next((revision for revision in self.revisions if revision.name == name), None)

    def write(self, path: Path) -> None:
        """Raises UserError."""
        write(path, self.text)

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """Raises UserError where it is none."""
        try:
            content = json.loads(path.read_text())
            if content["hallmarks"] != "lock of a published trajectory" or content["version"] != VERSION:
                raise ValueError(f"version {content.get('version')}, not {VERSION}")
            main = content["main"]
            return cls(
                content["address"],
                [revision_of(each) for each in content["revisions"]],
                revision_of(main) if main else None,
                content["last"],
            )
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{path}: not a lock, which `hallmarks hub check` writes ({error})") from None


def told(revision: Revision) -> dict[str, Any]:
    """A revision as JSON has it; what is not said is left out."""
    files = {
        name: {key: value for key, value in asdict(file).items() if value is not None}
        for name, file in sorted(revision.files.items())
    }
    own = {"name": revision.name, "repository": revision.repository, "commit": revision.commit}
    return own | ({"folder": revision.folder} if revision.folder else {}) | {"files": files}


def revision_of(content: dict[str, Any]) -> Revision:
    files = {name: File(**file) for name, file in content["files"].items()}
    folder = content.get("folder", "")
    return Revision(content["name"], content["repository"], content["commit"], files, folder)


def as_json(value: Any, depth: int = 0) -> str:
    """JSON with a line for each mapping that holds no other."""
    pad, end = " " * (depth + 1), " " * depth
    if isinstance(value, dict) and any(isinstance(each, dict | list) for each in value.values()):
        lines = [f"{pad}{json.dumps(key)}: {as_json(each, depth + 1)}" for key, each in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{end}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{pad}{as_json(each, depth + 1)}" for each in value) + f"\n{end}]"
    return json.dumps(value, ensure_ascii=False)

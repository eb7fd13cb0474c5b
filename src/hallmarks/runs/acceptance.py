"""Results made by other code, settings or data that somebody said stand; the reason lies beside each."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hallmarks.files import sha256, write_json
from hallmarks.runs.identity import Identity, changes


@dataclass(frozen=True)
class Acceptance:
    """What has the key `made` stands for what is `wanted`: `why`, `when`, and what had changed."""

    made: str
    wanted: Identity
    why: str
    when: str
    changes: list[str]

    @property
    def record(self) -> dict[str, Any]:
        """As it lies beside a result."""
        return vars(self) | {"wanted": self.wanted.record}


def read_acceptances(path: Path) -> list[Acceptance]:
    """Every acceptance of a result, the oldest first; none where nothing can be read."""
    try:
        found = json.loads(path.read_text())
        return [Acceptance(**said | {"wanted": Identity(**said["wanted"])}) for said in found]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def accept(path: Path, made: Identity | None, wanted: Identity, why: str, file: Path | None = None) -> None:
    """Say beside a result, one of whose files is `file`, that it stands. Raises UserError."""
    now = datetime.now(UTC).isoformat("T", "seconds")
    said = Acceptance(key_of(made, file), wanted, why, now, changes(made, wanted))
    write_json(path, [each.record for each in [*read_acceptances(path), said]])


def accepted(path: Path, made: Identity | None, wanted: Identity, file: Path | None = None) -> bool:
    """Whether it was said that what was made stands for what is wanted.

    A setting that came after that, and stands at its default, changes nothing here either.
    """
    of_now = [said for said in read_acceptances(path) if not changes(said.wanted, wanted)]
    return bool(of_now) and key_of(made, file) in {said.made for said in of_now}


def key_of(made: Identity | None, file: Path | None) -> str | None:
    """What tells a result from another: its key, or, where it does not say, the SHA-256 of a file of it."""
    if made is not None:
        return made.key
    return sha256(file) if file is not None and file.exists() else None

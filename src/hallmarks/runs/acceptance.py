"""Results made by other code, settings or data that somebody said stand; the reason lies beside each."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hallmarks.files import write_json
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


def accept(path: Path, made: Identity | None, wanted: Identity, why: str) -> None:
    """Say beside a result that it stands. Raises UserError where it cannot be written."""
    now = datetime.now(UTC).isoformat("T", "seconds")
    said = Acceptance(made.key if made else "", wanted, why, now, changes(made, wanted))
    write_json(path, [each.record for each in [*read_acceptances(path), said]])


def accepted(path: Path, made: Identity | None, wanted: Identity) -> bool:
    """Whether it was said that what was made stands for what is wanted.

    A setting that came after that, and stands at its default, changes nothing here either.
    """
    key = made.key if made else ""
    return any(said.made == key and not changes(said.wanted, wanted) for said in read_acceptances(path))

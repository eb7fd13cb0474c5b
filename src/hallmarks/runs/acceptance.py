"""Results made by other code, settings or data that somebody said stand; the reason lies beside each."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from hallmarks.files import write_json
from hallmarks.runs.identity import Identity, changes


@dataclass(frozen=True)
class Acceptance:
    """The key of what was `made` stands for the key that is `wanted`: `why`, `when`, and what had changed."""

    made: str
    wanted: str
    why: str
    when: str
    changes: list[str]


def read_acceptances(path: Path) -> list[Acceptance]:
    """Every acceptance of a result, the oldest first; none where nothing can be read."""
    try:
        return [Acceptance(**said) for said in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def accept(path: Path, made: Identity | None, wanted: Identity, why: str) -> None:
    """Say beside a result that it stands. Raises UserError where it cannot be written."""
    key = made.key if made else ""
    said = Acceptance(
        key, wanted.key, why, datetime.now(UTC).isoformat("T", "seconds"), changes(made, wanted)
    )
    write_json(path, [asdict(each) for each in [*read_acceptances(path), said]])


def accepted(path: Path, made: Identity | None, wanted: Identity) -> bool:
    """Whether it was said that what was made stands for what is wanted."""
    key = made.key if made else ""
    return any((said.made, said.wanted) == (key, wanted.key) for said in read_acceptances(path))

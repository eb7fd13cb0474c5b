"""What goes into a crate: results that an audit walked, their records, and the sources that ran."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.provenance.audit import Audit
from hallmarks.provenance.checkout import LOCK
from hallmarks.provenance.ledger import Record
from hallmarks.provenance.scrub import clean_source
from hallmarks.provenance.store import FOLDER

# What is told by the digests in another file may be left out and referred to by them: it is what is large,
# and of a data set not ours to give away.
BY_VALUE = ("points", "data")
RESULTS, CODE = "results", "code"  # the folders of a crate
SOURCES, WORKFLOW, README = f"{RESULTS}/{FOLDER}/sources/", f"{CODE}/Snakefile", "README.md"
TEXTS = (".csv", ".html", ".ipynb", ".json", ".yaml")


@dataclass(frozen=True)
class Held:
    """A file: where it lies, its SHA-256 and its bytes."""

    source: Path
    sha256: str
    bytes: int


@dataclass
class Contents:
    """What a crate holds. `files` are by their paths in it, `referenced` by those that they would have."""

    audit: Audit
    names: set[str]
    records: list[Record]
    unended: list[dict[str, Any]]
    """Attempts that began and never ended."""
    files: dict[str, Held] = field(default_factory=dict)
    referenced: dict[str, Held] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    """By folder, the files that others there tell of, which are `telling`."""
    telling: set[str] = field(default_factory=set)
    called: dict[str, list[str]] = field(default_factory=dict)
    """The paths in the clone of each source, by its SHA-256."""
    absent: list[str] = field(default_factory=list)
    """Recorded, and not there to be packed."""

    @property
    def tops(self) -> list[str]:
        """The results that no other one in the crate was made of."""
        return sorted(self.names - {part for name in self.names for part in self.audit.nodes[name].parts})

    @property
    def what(self) -> str:
        """What is packed, in words."""
        more = f" and {len(self.tops) - 3} more" if len(self.tops) > 3 else ""
        return f"{', '.join(self.tops[:3])}{more}"


def kind(path: str) -> str:
    """Which of BY_VALUE a file is that another tells of."""
    return "data" if path.startswith(f"{RESULTS}/data/") else "points"


def parent(path: str) -> str:
    return path.rpartition("/")[0]


def contents_of(audit: Audit, by_value: Collection[str]) -> Contents:
    """All that was walked. Of BY_VALUE what is named is packed, the rest referred to. Raises UserError."""
    ledger = audit.ledger
    names = {node.name for node in audit.nodes.values() if node not in audit.extra}
    about = [record for record in ledger.records.values() if names & concerned(audit, record)]
    targets = names | {record.target for record in about}  # what removed or accepted a result too
    records = [record for record in ledger.records.values() if record.target in targets]
    begun = {attempt: said for attempt, said in ledger.begun.items() if said["target"] in targets}
    contents = Contents(
        audit,
        names,
        sorted(records, key=lambda record: record.execution["begun"]),
        [begun[attempt] for attempt in sorted(begun.keys() - ledger.ended)],
    )
    code: dict[str, str] = {}
    for record in sorted(records, key=lambda record: record.execution["ended"]):
        code |= said_sources(record)  # of two versions the last lies under its name, both under their digests
        for path, digest in said_sources(record).items():
            called = contents.called.setdefault(digest, [])
            called += [path] if path not in called else []
    wanted = {path for name in names for path in audit.nodes[name].files}
    wanted |= {f"{FOLDER}/records/{record.name}.json" for record in records}
    wanted |= {f"{FOLDER}/begun/{attempt}.json" for attempt in begun}
    wanted |= {f"{FOLDER}/sources/{digest}" for digest in contents.called}
    audit.there.hash(sorted(wanted))
    for path in sorted(wanted):
        if not is_there(audit, path):
            contents.absent.append(path)
            continue
        contents.files[f"{RESULTS}/{path}"] = held(audit, path)
        for each in audit.there.told_by(path):
            if each in wanted and is_there(audit, each):
                contents.telling.add(f"{RESULTS}/{path}")
                contents.told.setdefault(parent(f"{RESULTS}/{path}"), []).append(f"{RESULTS}/{each}")
    for path in sorted({path for told in contents.told.values() for path in told}):
        if kind(path) not in by_value:
            contents.referenced[path] = contents.files.pop(path)
    for path, digest in sorted(code.items()):
        if is_there(audit, f"{FOLDER}/sources/{digest}"):
            contents.files[f"{CODE}/{path}"] = held(audit, f"{FOLDER}/sources/{digest}")
    for path in contents.files:
        if Path(path).as_posix() != path or ".." in path.split("/") or set(path) & set("\n\r\\%"):
            raise UserError(
                f"{audit.results}: {path!r}: a name that no list of a bag holds plainly; rename it"
            )
    if WORKFLOW not in contents.files:
        raise UserError(f"{audit.results}: no Snakefile is kept here; a crate is of what the workflow made")
    return contents


def concerned(audit: Audit, record: Record) -> set[str]:
    """The results that a record is about."""
    return {record.target.removesuffix("/removed"), *map(audit.owner, record.outputs)}


def said_sources(record: Record) -> dict[str, str]:
    """The SHA-256 of all that a record says to have run, by path in the clone."""
    lock = {LOCK: record.derivation["lock"]} if record.derivation["lock"] else {}
    return {**record.execution.get("workflow", {}), **record.derivation["sources"], **lock}


def is_there(audit: Audit, path: str) -> bool:
    return audit.there.digests[path] is not None


def held(audit: Audit, path: str) -> Held:
    return Held(audit.results / path, audit.there.digests[path], audit.there.size(path) or 0)


def private(contents: Contents) -> list[str]:
    """The texts that hold a home folder or a secret of this process."""
    texts = [path for path in contents.files if path.endswith(TEXTS)]
    return [path for path in texts if clean_source(data := contents.files[path].source.read_bytes()) != data]

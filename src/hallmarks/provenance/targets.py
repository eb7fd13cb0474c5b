"""What an auditor may name: a result, a file of one, a row of the claims, or a picture from anywhere."""

import difflib
import os
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.files import sha256
from hallmarks.provenance.audit import Audit, Node
from hallmarks.provenance.numbers import NAME as NUMBERS
from hallmarks.provenance.numbers import numbers_node
from hallmarks.provenance.pictures import key_in
from hallmarks.provenance.report import NAME, report_node

KINDS = ("figures", "tables", "studies", "runs", "kernels", "measures", "data")


def find_targets(audit: Audit, targets: list[str], row: str | None = None) -> list[str]:
    """The results that targets name, all where there is none. Raises UserError."""
    if row is not None:
        return [claim(audit, row)]
    if audit.empty:
        return []
    known = set(audit.everything())
    asked = {Path(target).name for target in targets}
    if not targets or NAME in asked:
        added(audit, report_node(audit))
    if not targets or NUMBERS in asked:
        added(audit, numbers_node(audit, known))
    if not targets:
        roots = [node.name for node in audit.extra]
        return roots + sorted(
            known, key=lambda name: (KINDS.index(kind(name)) if kind(name) in KINDS else 9, name)
        )
    return [found for target in targets for found in named(audit, target, known)]


def added(audit: Audit, node: Node | None) -> None:
    """Put a node that is no result above the others."""
    if node is not None:
        audit.nodes[node.name] = node
        audit.extra.append(node)


def kind(name: str) -> str:
    return name.partition("/")[0]


def named(audit: Audit, target: str, known: set[str]) -> list[str]:
    """The results of one target."""
    results = Path(os.path.abspath(audit.results))
    inside = Path(os.path.abspath(target))
    for path in (inside, results / target):
        if path.parent == results and path.name in {node.name for node in audit.extra}:
            return [path.name]
        if path.is_file() and path.is_relative_to(results):
            return [audit.owner(path.relative_to(results).as_posix())]
    if found := [name for name in (target, *(f"{word}/{target}" for word in KINDS)) if name in known]:
        return found[:1]
    if Path(target).is_file():
        return [detached(audit, Path(target))]
    if any(each.startswith(f"{target}/") for each in known):
        return sorted(each for each in known if each.startswith(f"{target}/"))
    near = difflib.get_close_matches(target, [*known, *(name.partition("/")[2] for name in known)], 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UserError(f"{target}: no such result in the folder {audit.results}, and no file{hint}")


def detached(audit: Audit, path: Path) -> str:
    """A file from anywhere: a node above the result whose bytes, or whose key, it has. Raises UserError."""
    try:
        digest, key = sha256(path), key_in(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    by_bytes = audit.ledger.paths_of.get(digest, [])
    by_key = [record for record in audit.ledger.records.values() if key and record.content["key"] == key]
    node = Node(str(path), None)
    if by_bytes:
        node.parts = [audit.owner(by_bytes[0])]
        current = {each.outputs[by_bytes[0]]["sha256"] for each in audit.ledger.current(by_bytes[0])}
        if digest not in current:
            node.say("replayed", f"{by_bytes[0]} as it was before it was made again")
        else:
            node.say("intact", f"the bytes of {by_bytes[0]}")
    elif by_key:
        node.parts = [by_key[-1].target]
        node.say("altered", f"it holds the key of {by_key[-1].target}, and none of its bytes")
    elif key:
        node.say("broken", f"it holds the key {key[:12]}…, of which there is no record here")
    else:
        node.say("unrecorded", "it holds no key, and no record has its bytes")
    added(audit, node)
    return node.name


def claim(audit: Audit, row: str) -> str:
    """A claim: a node of its own above the claims' table and what this claim alone was judged by."""
    records = [each for each in audit.ledger.by_target.get("tables/claims", []) if each.kind == "made"]
    if not records:
        raise UserError(f"{audit.results}: no claims were recorded here")
    claims = {each["id"]: each for each in records[-1].derivation["settings"].get("claims", [])}
    if row not in claims:
        near = difflib.get_close_matches(row, claims, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"--row {row}: no claim of tables/claims.csv{hint}")
    said = claims[row]
    inputs = [each["path"] for each in records[-1].derivation["inputs"]]
    if said.get("study"):
        wanted = [path for path in inputs if path == f"studies/{said['study']}.csv"]
    else:
        labels = [label for label in said["runs"] if label in texts_of(said)] or [*said["runs"]]
        runs = {f"{said['runs'][label]}/seed{seed}" for label in labels for seed in said["seeds"]}
        wanted = [path for path in inputs if any(f"/{run}." in path or f"/{run}/" in path for run in runs)]
    node = Node(f"claim {row}", None, sorted({audit.owner(path) for path in wanted}))
    audit.there.hash(["tables/claims.csv"])
    now = {each.outputs["tables/claims.csv"]["sha256"] for each in audit.ledger.current("tables/claims.csv")}
    if audit.there.quick:
        node.say("unchecked")
    elif audit.there.digests["tables/claims.csv"] not in now:
        node.say("altered", "tables/claims.csv")
    added(audit, node)
    return node.name


def texts_of(claim: dict) -> set[str]:
    """The labels that a claim names in any of its fields."""
    found: set[str] = set()
    for key, value in claim.items():
        if key != "runs":
            found |= {
                item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)
            }
    return found

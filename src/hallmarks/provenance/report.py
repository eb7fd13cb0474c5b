"""Snakemake's report holds copies of figures and tables: are they those that are recorded?"""

import base64
import hashlib
import json
from pathlib import Path

from hallmarks.provenance.audit import Audit, Node

NAME = "report.html"


def report_node(audit: Audit) -> Node | None:
    """The report beside the results as a node above what it shows; None where there is none."""
    path = audit.results / NAME
    if not path.is_file():
        return None
    node = Node(NAME, None)
    shown = copies(path)
    if shown is None:
        node.say("altered", f"{NAME}: is no report of Snakemake's that can be read")
    for where, digest in (shown or {}).items():
        name = recorded(audit, where)
        if name is None:
            node.say("unrecorded", f"shows {where}")
            continue
        node.parts.append(audit.owner(name))
        now, ever = audit.ledger.current(name), audit.ledger.by_path[name]
        if digest in {record.outputs[name]["sha256"] for record in now}:
            continue
        if digest in {record.outputs[name]["sha256"] for record in ever}:
            node.say("replayed", f"shows {name} as it was before it was made again")
        else:
            node.say("altered", f"shows {name} with bytes that no record has")
    node.parts = sorted(set(node.parts))
    if not node.said:
        node.say("intact", f"{len(node.parts)} figures and tables; nothing records its other text")
    return node


def copies(path: Path) -> dict[str, str] | None:
    """The SHA-256 of each file that a report holds, by its path there; None where it is no report."""
    text = path.read_text(encoding="utf-8", errors="replace")
    rest = text.partition('<script id="results">')[2].partition("var results = ")[2]
    try:
        results, _ = json.JSONDecoder().raw_decode(rest)
        uris = {name: result["data_uri"].partition(";base64,")[2] for name, result in results.items()}
        held = {name: base64.b64decode(data, validate=True) for name, data in uris.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return {name: hashlib.sha256(data).hexdigest() for name, data in held.items()}


def recorded(audit: Audit, where: str) -> str | None:
    """The path below the results of a file that a report names by its path from where Snakemake ran."""
    parts = Path(where).parts
    names = ("/".join(parts[at:]) for at in range(len(parts)))
    return next((name for name in names if name in audit.ledger.by_path), None)

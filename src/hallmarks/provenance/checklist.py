"""What reviewers ask of a reproduction, answered from the records: text, each answer under its question."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import yaml

from hallmarks.provenance.audit import Audit, counts
from hallmarks.provenance.ledger import Record
from hallmarks.provenance.store import Store
from hallmarks.provenance.tree import duration


def checklist(audit: Audit) -> str:
    """Questions and answers; of all that was walked."""
    answers = [
        ("What did it cost, failed and discarded attempts included? (NeurIPS checklist 8)", compute(audit)),
        ("Which runs exist that nothing shows? (REFORMS)", unshown(audit)),
        ("Did each claim stand in the configuration before its runs began? (REFORMS)", claims(audit)),
        ("Were versions mixed within a figure? (ACM Results Reproduced)", saying(audit, "mixed")),
        (
            "Is the code that ran there, of a dirty tree too? (NeurIPS checklist 5, ACM Artifacts Available)",
            code(audit),
        ),
        ("Does every number lead to its data? (CODECHECK, NeurIPS checklist 4)", data(audit)),
    ]
    return "\n\n".join("\n".join([question, *(f"  {line}" for line in said)]) for question, said in answers)


def compute(audit: Audit) -> list[str]:
    """CPU and GPU time by what was made, in all, and of what came to nothing."""
    records = list(audit.ledger.records.values())
    rules = sorted({record.content["rule"] for record in records})
    lines = [f"{rule}: {cost(r for r in records if r.content['rule'] == rule)}" for rule in rules]
    trained = [record for record in records if record.content["rule"] == "train"]
    for target in sorted({record.target for record in trained}):
        lines.append(f"  {target}: {cost(record for record in trained if record.target == target)}")
    lines.append(f"in all: {cost(records)}")
    failed = [record for record in records if record.kind == "failed"]
    superseded = [record for record in records if record.kind == "made" and is_superseded(audit, record)]
    lines.append(f"of that, attempts that failed or were stopped: {cost(failed)}")
    lines.append(f"of that, results that were made again since: {cost(superseded)}")
    unended = len(audit.ledger.begun.keys() - audit.ledger.ended)
    return [*lines, f"attempts that were killed, whose cost nobody recorded: {unended}"]


def is_superseded(audit: Audit, record: Record) -> bool:
    return any(record.superseded_by(other) for other in audit.ledger.by_target.get(record.target, []))


def cost(records: Iterable[Record]) -> str:
    ran = [record.execution for record in records]
    seconds, cpu, gpu = (
        sum(each[word] for each in ran) for word in ("seconds", "cpu_seconds", "gpu_seconds")
    )
    used = (
        f", {duration(gpu)} of GPU ({', '.join(sorted({each['gpu'] for each in ran if 'gpu' in each}))})"
        if gpu
        else ""
    )
    many = f"{len(ran)} attempt{'s' * (len(ran) != 1)}"
    return f"{many}, {duration(seconds)}, {duration(cpu)} of CPU{used}" if ran else "none"


def unshown(audit: Audit) -> list[str]:
    """Runs that no figure and no table was made of, by name."""
    shown: set[str] = set()

    def reach(name: str) -> None:
        if name not in shown and name in audit.nodes:
            shown.add(name)
            for part in audit.nodes[name].parts:
                reach(part)

    for name in audit.nodes:
        if name.startswith(("figures/", "tables/")):
            reach(name)
    return [name for name in sorted(audit.nodes) if name.startswith("runs/") and name not in shown] or [
        "none"
    ]


def claims(audit: Audit) -> list[str]:
    """Of each claim, whether the configuration that asked for its first run had it, word for word."""
    tables = [record for record in audit.ledger.by_target.get("tables/claims", []) if record.kind == "made"]
    if not tables:
        return ["no claims were judged here"]
    judged = tables[-1].derivation["settings"]["claims"]
    now = stated(audit, tables[-1])
    lines = []
    for claim in judged:
        runs = [f"runs/{run}/seed{seed}" for run in claim.get("runs", {}).values() for seed in claim["seeds"]]
        made = [
            record for run in runs for record in audit.ledger.by_target.get(run, []) if record.kind == "made"
        ]
        if not made:
            continue
        first = min(made, key=lambda record: record.execution["begun"])
        before = stated(audit, first).get(claim["id"])
        commit = first.execution.get("commit") or "no commit"
        if before is None:
            lines.append(f"{claim['id']}: no: it came after {first.target} ({commit[:10]})")
        elif before != now.get(claim["id"]):
            lines.append(f"{claim['id']}: it was worded otherwise before {first.target} ({commit[:10]})")
    told = len(judged) - len(lines)
    return [f"{told} of {len(judged)} stood, word for word, or are of studies", *lines]


def stated(audit: Audit, record: Record) -> dict[str, Any]:
    """The claims of the configuration that is kept with a record; of several files the later replace."""
    found: dict[str, Any] = {}
    for name, digest in record.execution.get("workflow", {}).items():
        if name.endswith((".yaml", ".yml")):
            with suppress(yaml.YAMLError, AttributeError, TypeError):  # what is kept may be anything
                content = yaml.safe_load(Store(audit.results).source(digest) or b"") or {}
                found |= content.get("claims") or {}
    return found


def saying(audit: Audit, word: str) -> list[str]:
    """The results of which a word is said, with its cause."""
    return [
        f"{node.name}: {text}" for node in audit.nodes.values() for said, text in node.said if said == word
    ] or ["none"]


def code(audit: Audit) -> list[str]:
    """Commits, what was not in them, and whether every source is kept."""
    made = [node.record for node in audit.nodes.values() if node.record]
    commits = sorted({record.execution.get("commit") or "no commit" for record in made})
    sources = {digest for record in made for digest in record.derivation["sources"].values()}
    kept = sum(Store(audit.results).source(digest) is not None for digest in sources)
    return [
        f"commits: {', '.join(commits)}",
        f"sources that ran: {len(sources)}, of which {kept} are kept in provenance/sources",
        *(f"not the commit's: {line}" for line in saying(audit, "dirty") if line != "none"),
    ]


def data(audit: Audit) -> list[str]:
    """The verdicts, and the data sets at the end of the walk."""
    said = ", ".join(f"{count} {word}" for word, count in counts(audit.nodes.values()).items())
    sets = sorted(name for name in audit.nodes if name.startswith("data/"))
    return [f"{len(audit.nodes)} results: {said}", f"data sets: {', '.join(sets) or 'none'}"]

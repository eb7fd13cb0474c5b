"""An audit as text: a tree from a result down to its data, or a line for each that is not intact."""

import ast
from collections.abc import Iterable

from hallmarks.provenance.audit import Audit, Node, summary
from hallmarks.provenance.store import Store
from hallmarks.provenance.words import FINE, NOTED, WORDS

ANSI = {FINE: "32", NOTED: "33"}
FEW = 10  # unrecorded results that are named one by one


def tree(audit: Audit, roots: Iterable[str], colour: bool) -> str:
    """Each root with all that it was made of, indented; what was shown above is named alone."""
    lines: list[str] = []
    shown: set[str] = set()

    def show(name: str, before: str, branch: str, after: str) -> None:
        node = audit.nodes[name]
        again = name in shown and node.parts
        lines.append(f"{before}{branch}{line(node, colour, details=not again)}{'  (above)' if again else ''}")
        if again:
            return
        shown.add(name)
        lines.extend(f"{before}{after}    {text}" for text in about(audit, node))
        for number, part in enumerate(node.parts):
            last = number == len(node.parts) - 1
            show(part, before + after, "└─ " if last else "├─ ", "   " if last else "│  ")

    for root in roots:
        show(root, "", "", "")
    return "\n".join(lines)


def remarks(audit: Audit, colour: bool) -> list[str]:
    """A line for each result of which anything is to be said, findings first; many unrecorded ones, as of a
    folder that is older than its records, are one line."""
    said = [node for node in audit.nodes.values() if node.said]
    old = [node for node in said if {word for word, _ in node.said} == {"unrecorded"}]
    if len(old) > FEW:
        said = [node for node in said if node not in old]
    lines = [line(node, colour) for node in sorted(said, key=lambda node: (not node.finding, node.name))]
    if len(old) > FEW:
        files = sum(len(node.files) for node in old)
        such = plain(min(node.name for node in old))
        lines.append(f"{len(old)} results, such as {such}  {painted('unrecorded', colour)} ({files} files)")
    return lines


def line(node: Node, colour: bool, details: bool = True) -> str:
    """`kernels/a/b/seed0  altered: kernels/a/b/seed0.npz; stale: kernel/gram.py changed`."""
    causes: dict[str, list[str]] = {}
    for word, text in node.said:
        causes.setdefault(word, []).append(text)
    if set(causes) <= {"intact"}:
        causes = {"intact": causes.get("intact", [])}
    order = [word for word in [*WORDS][1:] + ["intact"] if word in causes]
    words = []
    for word in order:
        text = plain("; ".join(filter(None, causes[word][:3]))) if details else ""
        more = f" and {len(causes[word]) - 3} more" if details and len(causes[word]) > 3 else ""
        words.append(
            painted(word, colour) + (f" {text}" if word == "rests on" else f": {text}" if text else "") + more
        )
    return f"{plain(node.name)}  {' | '.join(words)}"


def plain(text: str) -> str:
    """The text with all that a terminal would act upon, or not show, written out."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def painted(word: str, colour: bool) -> str:
    return f"\033[{ANSI.get(WORDS[word].colour, '31')}m{word}\033[0m" if colour else word


def about(audit: Audit, node: Node) -> list[str]:
    """What is worth knowing of a result beside its verdict: when, where and by what it was made."""
    if node.record is None:
        return []
    ran, derivation = node.record.execution, node.record.derivation
    when = f"{ran['begun'][:16].replace('T', ' ')} UTC, {duration(ran['seconds'])}"
    commit = f"commit {ran['commit'][:10]}" if ran.get("commit") else "no commit"
    where = ran.get("gpu") or ran["cpu"]
    job = f", SLURM job {ran['slurm']['job']}" if "job" in ran.get("slurm", {}) else ""
    lines = [f"{node.record.content['rule']}: {when}, {commit}, Python {derivation['python']}, {where}{job}"]
    if isinstance(derivation["settings"].get("seed"), int):
        lines[0] += f", seed {derivation['settings']['seed']}"
    lines += [f"published: {name} {digest}" for name, digest in published(audit, node).items()]
    return [plain(text) for text in lines]


def published(audit: Audit, node: Node) -> dict[str, str]:
    """The digests that the source of a data set asked for, by file: where the walk ends."""
    if node.record is None or not node.name.startswith("data/"):
        return {}
    module = f"src/hallmarks/data/sets/{node.name.removeprefix('data/').replace('-', '_')}.py"
    source = Store(audit.results).source(node.record.derivation["sources"].get(module, ""))
    try:
        body = ast.parse(source or b"").body
        for statement in body:
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "SHA256":
                return dict(ast.literal_eval(statement.value))
    except (SyntaxError, ValueError, TypeError):
        return {}
    return {}


def duration(seconds: float) -> str:
    """`12 s`, `3.4 min`, `5.1 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def last_line(audit: Audit) -> str:
    """The verdict in one line, with what nobody could say."""
    unknown = (
        ""
        if audit.standing is not None
        else "; whether they are stale is unknown: no checkout to compare with"
    )
    unchecked = "; unchecked: nothing was hashed (--quick)" if audit.there.quick else ""
    return f"{summary(audit)}{'' if audit.empty else unknown + unchecked}"

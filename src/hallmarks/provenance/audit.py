"""Walks from results to what they were made of, and gives each a verdict.

All is judged by the records and the bytes that are there; what a checkout would make, if there is one, is
told by whoever calls.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hallmarks.provenance.ledger import Ledger, Record
from hallmarks.provenance.pictures import key_in
from hallmarks.provenance.there import There, result_of
from hallmarks.provenance.words import WORDS, worst

Said = tuple[str, str]  # a word, and its cause
OF_SOURCES = {"stale", "mixed", "dirty", "rests on"}  # findings that say nothing against a byte
Told = tuple[str, int | None]  # a SHA-256, and bytes


@dataclass
class Node:
    """A result: the results that it was made of, its files, and what is said of it, each with its word."""

    name: str
    record: Record | None
    parts: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    @property
    def word(self) -> str:
        return worst({word for word, _ in self.said})

    @property
    def finding(self) -> bool:
        return any(WORDS[word].finding for word, _ in self.said)

    def say(self, word: str, text: str = "") -> None:
        if (word, text) not in self.said:
            self.said.append((word, text))


class Audit:
    """The verdicts on results in a folder.

    `standing` tells of each result what a checkout says of it, words with causes; None without a checkout.
    """

    def __init__(self, results: Path, standing: dict[str, list[Said]] | None = None, quick: bool = False):
        self.results, self.standing = results, standing
        self.there = There(results, quick)  # first: what is made meanwhile is then no file without a record
        self.ledger = Ledger.read(results)
        self.there.follow(self.ledger.by_path)
        self.nodes: dict[str, Node] = {}
        self.extra: list[
            Node
        ] = []  # what an auditor named that is no result: a picture from anywhere, a claim

    @cached_property
    def empty(self) -> bool:
        """Whether nothing at all was recorded here, as of results from before there were records."""
        return not (self.ledger.records or self.ledger.broken or self.ledger.begun)

    def everything(self) -> list[str]:
        """All that was ever begun here, and all that lies here."""
        begun = {each["target"] for each in self.ledger.begun.values() if is_result(each["target"])}
        made = {name for name in self.ledger.by_target if is_result(name)}
        return sorted({owner for owner in map(self.owner, self.there.files()) if owner} | begun | made)

    def owner(self, path: str) -> str:
        """The result that a file is of, as recorded, else by where it lies."""
        made = [record for record in self.ledger.by_path.get(path, []) if record.kind == "made"]
        name = made[-1].target if made else result_of(path)
        if name.startswith("notebooks/") and not made:
            beside = [f"{room}/{name.partition('/')[2]}" for room in ("figures", "tables")]
            return next((each for each in beside if each in self.ledger.by_target), name)
        return name.removesuffix("/removed") if is_result(name) else name

    def walk(self, names: Iterable[str], whole: bool = False) -> dict[str, Node]:
        """The verdicts on these results and what they were made of; with `whole`, on every file of them."""
        waiting = [*names, *(part for node in self.extra for part in node.parts)]
        lying: dict[str, list[str]] = {}
        for path in self.there.files() if whole else []:
            lying.setdefault(self.owner(path), []).append(path)
        while waiting:
            name = waiting.pop()
            if name in self.nodes:
                continue
            node = self.nodes[name] = self._node(name, lying.get(name, []))
            waiting += node.parts
        self.there.hash(path for node in self.nodes.values() for path in node.files)
        results = [node for node in self.nodes.values() if node not in self.extra]
        for node in results:
            self._judge(node)
        for node in results:
            self._compare_inputs(node)
        self._mixed()
        self._rests()
        if whole:
            self._unreliable()
        return self.nodes

    def _node(self, name: str, lying: list[str]) -> Node:
        made = [record for record in self.ledger.by_target.get(name, []) if record.kind == "made"]
        record = made[-1] if made else None
        own = set(lying) | (set(record.outputs) if record else set())
        if not own:  # named, and not recorded
            own = {path for path in self.there.files() if self.owner(path) == name}
        told = {path for each in own for path in self.there.told_by(each)}
        inputs = record.derivation["inputs"] if record else []
        parts = {self.owner(each["path"]) for each in inputs} - {name}
        return Node(name, record, sorted(parts), sorted(own | told))

    def _judge(self, node: Node) -> None:
        unended = self._unended(node)
        if unended and not self._whole(node):
            lying = [path for path in node.files if self.there.size(path) is not None]
            left = f"; it left {', '.join(lying[:3])}{' …' if len(lying) > 3 else ''}" if lying else ""
            node.say("unfinished", f"begun {unended[-1]}{left}")
        else:
            told = {path: what for each in node.files for path, what in self.there.told_by(each).items()}
            for path in node.files:
                self._judge_file(node, path, told, unended)
        for name in [node.name, f"{node.name}/removed", *node.files]:
            if name in self.ledger.broken_targets:
                node.say("broken", self.ledger.broken_targets[name])
        for begun in unended:
            if not node.said:
                node.say("unfinished", f"begun {begun}")
        if not node.files and not node.said:
            node.say("missing")
        last = self.ledger.by_target.get(node.name, [])[-1:]
        if last and last[0].kind == "failed" and any(word == "missing" for word, _ in node.said):
            error = last[0].execution.get("error", "")
            node.said = [("missing", f"its last attempt failed: {error}"), *node.said]
        if node.record:
            self._judge_record(node, node.record)
        for word, text in (self.standing or {}).get(node.name, []):
            node.say(word, text)

    def _unended(self, node: Node) -> list[str]:
        """When attempts began that never ended, and after which nothing ended."""
        ended = node.record.execution["ended"] if node.record else ""
        return [begun for begun in self.ledger.unended(node.name) if begun >= ended]

    def _whole(self, node: Node) -> bool:
        """Whether what a command writes last lies there."""
        return any(
            path.endswith(("identity.json", "/data.json")) and self.there.size(path) is not None
            for path in node.files
        )

    def _judge_file(self, node: Node, path: str, told: dict[str, Told], unended: list[str]) -> None:
        removed = self.ledger.by_target.get(f"{node.name}/removed", [])
        size = self.there.size(path)
        if size is None and path in told and self.there.referenced.get(path) == told[path][0]:
            node.say("referenced", path.rpartition("/")[0])
        elif size is None:
            gone = removed and (path in told or path.endswith("/points.sha256"))
            at = removed[-1].execution["ended"][:10] if removed else ""
            node.say(*(("discarded", f"points, {at}") if gone else ("missing", path)))
        elif path in told:
            self._compare(node, path, {told[path][0]}, set(), told[path][1])
        elif path in self.ledger.by_path:
            now, ever = self.ledger.current(path), self.ledger.by_path[path]
            sums, before = ({each.outputs[path]["sha256"] for each in records} for records in (now, ever))
            if unended and not self.there.quick and self.there.digests[path] not in before:
                node.say("broken", f"{path}: begun {unended[-1]}, and no record of an end")
                return
            self._compare(node, path, sums, before, now[-1].outputs[path]["bytes"])
            self._compare_key(node, path, ever)
        elif path in self.ledger.broken_targets:
            return
        elif unended:
            node.say("broken", f"{path}: begun {unended[-1]}, and no record of an end")
        else:
            node.say("unrecorded", path)

    def _compare(self, node: Node, path: str, now: set[str], ever: set[str], size: int | None) -> None:
        digest = self.there.digests[path]
        if self.there.quick:
            if size is not None and self.there.size(path) != size:
                node.say("altered", f"{path}: {self.there.size(path)} bytes, not {size}")
            else:
                node.say("unchecked")
        elif digest is None:
            node.say("missing", f"{path}: cannot be read")
        elif digest in now:
            return
        elif digest in ever:
            node.say("replayed", f"{path}: as it was before it was made again")
        else:
            others = [other for other in self.ledger.paths_of.get(digest, []) if other != path]
            node.say("altered", f"{path}: the bytes of {others[0]}" if others else path)

    def _compare_key(self, node: Node, path: str, records: list[Record]) -> None:
        if self.there.quick or not path.endswith((".png", ".pdf")):
            return
        of = [record for record in records if record.outputs[path]["sha256"] == self.there.digests[path]]
        try:
            held = key_in((self.results / path).read_bytes())
        except OSError:
            return
        if of and held is not None and held not in {record.content["key"] for record in of}:
            node.say("broken", f"{path}: holds the key {held[:12]}…, which is not its record's")

    def _judge_record(self, node: Node, record: Record) -> None:
        derivation = record.derivation
        wanted = {**derivation["sources"], "lock": derivation["lock"]}
        wanted |= record.execution.get("workflow", {})
        for path, digest in wanted.items():
            if digest and not self._kept(digest):
                node.say("broken", f"{path}: the source that ran is not kept in provenance/sources")
        if dirty := record.execution.get("dirty"):
            node.say("dirty", ", ".join(dirty))

    def _kept(self, digest: str) -> bool:
        path = f"provenance/sources/{digest}"
        self.there.hash([path])
        return self.there.size(path) is not None and self.there.digests[path] in {digest, None}

    def _compare_inputs(self, node: Node) -> None:
        """Were its inputs recorded, and are they what lies there now?"""
        for each in node.record.derivation["inputs"] if node.record else []:
            path, digest = each["path"], each["sha256"]
            part, records = self.nodes[self.owner(path)], self.ledger.by_path.get(path, [])
            if not records:
                if self.there.size(path) is not None and any(word == "unrecorded" for word, _ in part.said):
                    continue
                part.say("broken", f"{path}: {node.name} was made of it, and its record is absent")
            elif digest not in {record.outputs[path]["sha256"] for record in records}:
                part.say("broken", f"{path}: no record of the bytes that {node.name} was made of")
            elif digest not in {record.outputs[path]["sha256"] for record in self.ledger.current(path)}:
                node.say("stale", f"{path} was made again")

    def _mixed(self) -> None:
        """Two results beneath one, or it and one beneath it, by different versions of a module or a lock."""
        seen: dict[str, dict[str, set[str]]] = {}
        for node in self._in_order():
            own = {
                f"{module}": {digest} for module, digest in (node.record.code if node.record else {}).items()
            }
            if node.record and node.record.derivation["lock"]:
                own["the lock"] = {node.record.derivation["lock"]}
            united: dict[str, set[str]] = {word: set(digests) for word, digests in own.items()}
            for part in node.parts:
                for word, digests in seen.get(part, {}).items():
                    united.setdefault(word, set()).update(digests)
            seen[node.name] = united
            new = [
                word
                for word, digests in united.items()
                if len(digests) > 1
                and not any(len(seen.get(part, {}).get(word, ())) > 1 for part in node.parts)
            ]
            stands = any(
                word == "accepted" for each in [node.name, *node.parts] for word, _ in self.nodes[each].said
            )
            if new and not stands:
                node.say("mixed", ", ".join(sorted(new)))

    def _rests(self) -> None:
        for node in self._in_order():
            for part in node.parts:
                below = self.nodes[part]
                resting = [text for word, text in below.said if word == "rests on"]
                own = {word for word, _ in below.said if WORDS[word].finding and word != "rests on"}
                if own - {word for word, _ in node.said}:  # what it shares with them is said of itself
                    node.say("rests on", f"{part} ({worst(own)})")
                else:
                    for text in resting:
                        node.say("rests on", text)

    def _unreliable(self) -> None:
        """A node for each record, or beginning, that is broken and that no result's verdict names."""
        said = {text for node in self.nodes.values() for word, text in node.said if word == "broken"}
        known = {each for record in self.ledger.records.values() for each in record.content["supersedes"]}
        for path, text in self.ledger.broken.items():
            if f"record {Path(path).stem[:12]}…: {text}" not in said and Path(path).stem not in known:
                self.nodes[path] = Node(path, None, said=[("broken", text)])

    def _in_order(self) -> list[Node]:
        """Every node after its parts."""
        done: dict[str, Node] = {}

        def visit(name: str) -> None:
            if name in done or name in going:
                return
            going.add(name)
            for part in self.nodes[name].parts:
                visit(part)
            done[name] = self.nodes[name]

        going: set[str] = set()
        for name in self.nodes:
            visit(name)
        return list(done.values())


def is_result(name: str) -> bool:
    return not name.startswith("accept ") and not name.endswith("/removed")


def counts(nodes: Iterable[Node]) -> dict[str, int]:
    """How many have each verdict, findings first."""
    found: dict[str, int] = {}
    for node in nodes:
        found[node.word] = found.get(node.word, 0) + 1
    return {word: found[word] for word in [*WORDS] if word in found}


def summary(audit: Audit) -> str:
    """The one line that says how it stands."""
    if audit.empty:
        files = f"{len(audit.there.files())} files"
        return (
            f"{audit.results}: unrecorded ({files}): nothing here was recorded; results made from now on are"
        )
    nodes = audit.nodes.values()
    said = ", ".join(f"{count} {word}" for word, count in counts(nodes).items())
    findings = sum(node.finding for node in nodes)
    ending = f"{findings} with findings" if findings else "no finding"
    words = {word for node in nodes for word, _ in node.said if WORDS[word].finding}
    if findings and words <= OF_SOURCES and not audit.there.quick:
        ending += ", every byte as recorded"
    return f"{len(audit.nodes)} result{'s' * (len(audit.nodes) != 1)}: {said}: {ending}"


def as_json(audit: Audit) -> dict[str, Any]:
    """Every verdict, for programs."""
    return {
        "verdict": summary(audit),
        "findings": int(audit.empty) + sum(node.finding for node in audit.nodes.values()),
        "unrecorded_files": len(audit.there.files()) if audit.empty else 0,
        "checkout": audit.standing is not None,
        "results": {
            node.name: {
                "verdict": node.word,
                "said": [{"word": word, "cause": text} for word, text in node.said],
                "made_of": node.parts,
                "files": {path: audit.there.digests.get(path) for path in node.files},
                "record": node.record.name if node.record else None,
                "key": node.record.content["key"] if node.record else None,
            }
            for node in audit.nodes.values()
        },
        "broken_records": audit.ledger.broken,
    }

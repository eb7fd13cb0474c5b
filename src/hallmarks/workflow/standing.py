"""What a checkout says of results that are recorded: would it make them so, and if not, why."""

import re
from contextlib import suppress
from hashlib import sha256

from hallmarks.provenance import checkout
from hallmarks.provenance.ledger import Ledger, Record
from hallmarks.provenance.store import Store
from hallmarks.runs.acceptance import read_acceptances
from hallmarks.runs.sources import decides_nothing, meaning
from hallmarks.workflow.accepting import stands_accepted
from hallmarks.workflow.results import Results

Said = tuple[str, str]


def standing(results: Results, ledger: Ledger) -> dict[str, list[Said]]:
    """Of each result, by its name, words with their causes: stale, accepted, and what is only to be known."""
    known = {f"{result.kind}/{result.name}": result for result in results.all()}
    found: dict[str, list[Said]] = {}
    for name, records in ledger.by_target.items():
        made = [record for record in records if record.kind == "made"]
        if not made or name.startswith("data/"):
            continue
        if name not in known:
            found[name] = [("unknown", "not in this configuration")]
            continue
        result = known[name]
        said: list[Said] = [("stale", cause) for cause in results.verdict(result) or []]
        if stands_accepted(results, result):
            stands = read_acceptances(results.folder / result.beside("accepted"))
            said.append(("accepted", stands[-1].why))
        found[name] = said + of_lock(made[-1], ledger) + of_comments(made[-1], ledger)
    return found


def of_lock(record: Record, ledger: Ledger) -> list[Said]:
    """Whether the lock is another now, and which versions in it."""
    now, before = checkout.lock(), record.derivation["lock"]
    if now is None or before is None or sha256(now).hexdigest() == before:
        return []
    old, new = (versions(text or b"") for text in (Store(ledger.results).source(before), now))
    added = sorted(new.keys() - old.keys())
    changed = [name for name in sorted(old) if old[name] != new.get(name)]
    if not changed:
        more = f"asks for {', '.join(added)} besides" if added else "is written otherwise"
        return [("intact", f"the lock {more}; all versions that it held stay")]
    said = [f"{name} {old[name]} → {new.get(name, 'none')}" for name in changed]
    return [("stale", f"lock: {', '.join(said[:3])}{' …' if len(said) > 3 else ''}")]


def versions(lock: bytes) -> dict[str, str]:
    """The versions that a lock asks for; of a package, one for each Python that it says."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.decode(errors="replace"), re.M):
        found.setdefault(name, []).append(version)
    return {name: " or ".join(sorted(each)) for name, each in found.items()}


def of_comments(record: Record, ledger: Ledger) -> list[Said]:
    """Modules that decide the result and read otherwise now, though they mean the same."""
    store, found = Store(ledger.results), []
    for path, digest in record.derivation["sources"].items():
        file = checkout.ROOT / path
        module = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if (
            path.endswith(".ipynb")
            or not file.is_file()
            or decides_nothing(module)
            or module not in record.code
        ):
            continue
        now = file.read_bytes()
        if sha256(now).hexdigest() == digest or (before := store.source(digest)) is None:
            continue
        with suppress(SyntaxError, ValueError):  # what is kept may be anything
            if meaning(before.decode()) == meaning(now.decode()):
                found.append(path.removeprefix("src/hallmarks/"))
    return [("intact", f"but for comments or formatting of {', '.join(found)}")] if found else []

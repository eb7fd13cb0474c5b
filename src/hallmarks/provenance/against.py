"""Two folders of results compared: what was made otherwise, and which numbers differ, by how much."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hallmarks.provenance.ledger import Ledger, Record

NUMBERS = ("mds", "mds_relative")


def against(one: Ledger, two: Ledger) -> list[str]:
    """Lines: results that are in one alone, derivations that differ and in what, and numbers."""
    first, second = newest(one), newest(two)
    lines = [f"only here: {name}" for name in sorted(first.keys() - second.keys())]
    lines += [f"only there: {name}" for name in sorted(second.keys() - first.keys())]
    both = sorted(first.keys() & second.keys())
    other = {name: differing(first[name], second[name]) for name in both}
    changed = {name: said for name, said in other.items() if said}
    same = [name for name in both if first[name].outputs == second[name].outputs]
    lines += [f"{name}: {'; '.join(said)}" for name, said in changed.items()]
    equal = len(both) - len(changed)
    lines.append(f"{len(both)} results in both: {equal} made of the same, {len(same)} with the same bytes")
    return lines + list(numbers(one.results, two.results))


def newest(ledger: Ledger) -> dict[str, Record]:
    """The newest record of each result."""
    made = {name: [r for r in records if r.kind == "made"] for name, records in ledger.by_target.items()}
    return {name: records[-1] for name, records in made.items() if records}


def differing(one: Record, two: Record) -> list[str]:
    """In what two derivations differ; inputs that are made otherwise are told where they are made."""
    if one.content["key"] == two.content["key"]:
        return []
    before, now = one.derivation, two.derivation
    said = []
    for word in ("settings", "packages", "sources"):
        names = changed_keys(before[word], now[word])
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            said.append(f"{word}: {', '.join(names[:3])}{more}")
    for word in ("lock", "python", "determinism"):
        if before[word] != now[word]:
            said.append(f"{word}: {short(before[word])}, there {short(now[word])}")
    sums = [{each["path"]: each["sha256"] for each in each_of["inputs"]} for each_of in (before, now)]
    if names := changed_keys(*sums):
        said.append(f"{len(names)} input{'s' * (len(names) != 1)}, such as {names[0]}")
    return said


def short(value: Any) -> str:
    return str(value) if len(str(value)) <= 20 else f"{str(value)[:12]}…"


def changed_keys(one: dict[str, Any], two: dict[str, Any], before: str = "") -> list[str]:
    """The keys whose values differ, those of nested mappings with the way to them."""
    found = []
    for key in sorted(one.keys() | two.keys()):
        mine, other = one.get(key), two.get(key)
        if isinstance(mine, dict) and isinstance(other, dict):
            found += changed_keys(mine, other, f"{before}{key}.")
        elif mine != other:
            found.append(f"{before}{key}")
    return found


def numbers(one: Path, two: Path) -> Iterator[str]:
    """Of each variation ω and ω_0: both means over seeds; their difference, in units of the spread too."""
    first, second = means(one), means(two)
    for name in sorted(first.keys() & second.keys()):
        mine, other = first[name], second[name]
        difference = float(np.mean(other) - np.mean(mine))
        spread = float(np.std(mine, ddof=1)) if len(mine) > 1 else float("nan")
        units = (
            f"{difference / spread:+.2f} of the spread of {len(mine)} seeds"
            if spread > 0
            else "one seed, or no spread"
        )
        yield f"{name}: {np.mean(mine):.6g}, there {np.mean(other):.6g}: {difference:+.3g}, {units}"


def means(results: Path) -> dict[str, list[float]]:
    """ω and ω_0 of each seed, by variation."""
    import pandas as pd

    found: dict[str, list[float]] = {}
    for path in sorted((results / "measures").rglob("*.parquet")):
        table = pd.read_parquet(path, filters=[("group", "==", "all"), ("measure", "in", list(NUMBERS))])
        variation = path.parent.relative_to(results / "measures").as_posix()
        for measure, value in zip(table["measure"], table["value"], strict=True):
            found.setdefault(f"{measure} of {variation}", []).append(float(value))
    return found

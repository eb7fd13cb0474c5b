"""Makes results again in a temporary folder and compares: this alone shows that numbers are honest.

The cheap part, from the stored points: kernel, measures, the numbers of figures and tables. Or a run, from
its seed. Each by the command that made it, with the recorded settings, and the code that is checked out.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from hallmarks.errors import UserError
from hallmarks.files import make_folder, write_json
from hallmarks.provenance.audit import Audit, Node
from hallmarks.provenance.checkout import ROOT

if TYPE_CHECKING:
    import pandas as pd

# What another CPU, or number of threads, may change, as a share of the largest number of an array or column.
# An error ε of a cosine is one of √ε of an angle near 0°, and training lets every error grow.
TOLERANCE = {"kernels": 1e-6, "measures": 1e-3, "figures": 1e-3, "tables": 1e-3, "runs": 1e-3}
AGAIN = ("kernels", "measures", "figures", "tables")  # in this order, each from those before


@dataclass(frozen=True)
class Outcome:
    """What came of making a result again: identical, within, different or failed; and how, in words."""

    name: str
    word: str
    said: str = ""

    @property
    def finding(self) -> bool:
        return self.word in {"different", "failed"}

    def __str__(self) -> str:
        return f"{self.name}  {self.word}{f': {self.said}' if self.said else ''}"


def rederive(audit: Audit, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Make again, of all that was walked, what follows from stored points; `tell` hears of each at once."""
    found = []
    with TemporaryDirectory(prefix="hallmarks-rederive-") as folder:
        there = Path(folder) / "results"
        make_folder(there)
        for room in ("data", "runs", "studies"):
            if (audit.results / room).is_dir():
                (there / room).symlink_to((audit.results / room).resolve(), target_is_directory=True)
        for room in AGAIN:
            for node in sorted(audit.nodes.values(), key=lambda node: node.name):
                if node.name.startswith(f"{room}/") and node.record:
                    found.append(again(audit, node, there))
                    tell(found[-1])
    return found


def again(audit: Audit, node: Node, there: Path) -> Outcome:
    """Make one result again in `there`, and compare."""
    room, _, name = node.name.partition("/")
    if room == "kernels":
        points = audit.results / "runs" / name / "trajectory"
        if not list(points.glob("point-*")):
            copy_kernel(audit.results, there, name)
            return Outcome(
                node.name, "discarded", "its points are not there; what follows is made from it as it is"
            )
        made = call(node, "kernel", "-o", there / f"kernels/{name}.npz", "--", points)
        return made or outcome(
            node, kernels(*(folder / f"kernels/{name}.npz" for folder in (audit.results, there)))
        )
    if room == "measures":
        words = ["--run", name, "-o", there / f"measures/{name}.parquet", "--", there / f"kernels/{name}.npz"]
        return call(node, "measure", *words) or outcome(
            node,
            tables(*(read_table(folder / f"measures/{name}.parquet") for folder in (audit.results, there))),
        )
    settings = there / "settings" / room / f"{name}.json"
    write_json(settings, node.record.derivation["settings"] | {"results": str(there)})
    notebook = ROOT / "notebooks" / f"{node.record.derivation['settings'].get('notebook')}.ipynb"
    for folder in (there / room, there / "notebooks"):
        make_folder(folder)
    words = [f"--settings={settings}", f"--stem={there / room / name}"]
    made = call(node, "notebook", *words, "-o", there / f"notebooks/{name}.ipynb", "--", notebook)
    return made or outcome(
        node, tables(*(read_table(folder / f"{room}/{name}.csv") for folder in (audit.results, there)))
    )


def retrain(audit: Audit, run: str) -> Outcome:
    """Train a run again from its seed, and compare its points. Raises UserError."""
    node = audit.nodes.get(f"runs/{run}")
    if node is None or node.record is None:
        raise UserError(f"--retrain {run}: no run that was recorded here")
    told = node.record.derivation["settings"]
    stored = audit.results / "runs" / run / "trajectory"
    with TemporaryDirectory(prefix="hallmarks-retrain-") as folder:
        settings, made = Path(folder) / "settings.json", Path(folder) / "run"
        parent = {"parent": str(audit.results / told["parent"])} if "parent" in told else {}
        write_json(settings, told | parent)
        words = [run, f"--settings={settings}", f"--data={audit.results / 'data'}", "--record-divergence"]
        failed = call(node, "train", *words, f"--scratch={folder}/scratch", "-o", made)
        return failed or outcome(node, trajectories(stored, made / "trajectory"))


def call(node: Node, command: str, *words: object) -> Outcome | None:
    """Run a command in a process of its own, with as many threads as before; how it failed, or None."""
    said = [sys.executable, "-m", "hallmarks.cli", command, *map(str, words)]
    threads = node.record.execution.get("threads") if node.record else None
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    done = subprocess.run(said, capture_output=True, text=True, env=environment)
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return Outcome(node.name, "failed", lines[-1] if lines else f"exit status {done.returncode}")


def copy_kernel(results: Path, there: Path, name: str) -> None:
    target = there / f"kernels/{name}.npz"
    make_folder(target.parent)
    target.symlink_to((results / f"kernels/{name}.npz").resolve())


def outcome(node: Node, differences: Iterator[tuple[str, float]]) -> Outcome:
    """The verdict on a result by how far each part of it is from what was stored."""
    found = [(where, far) for where, far in differences if far > 0 or np.isnan(far)]
    if not found:
        return Outcome(node.name, "identical")
    where, far = max(found, key=lambda each: np.inf if np.isnan(each[1]) else each[1])
    allowed = TOLERANCE[node.name.partition("/")[0]]
    if far <= allowed:
        return Outcome(node.name, "within", f"{far:.1e} of the largest, {where}; {allowed:g} is allowed")
    return Outcome(
        node.name,
        "different",
        where if np.isinf(far) or np.isnan(far) else f"{where}, by {far:.2g} of the largest",
    )


def kernels(stored: Path, made: Path) -> Iterator[tuple[str, float]]:
    """How far each array of two kernels is apart."""
    with np.load(stored, allow_pickle=False) as one, np.load(made, allow_pickle=False) as two:
        if sorted(one.files) != sorted(two.files):
            yield "other arrays", np.inf
            return
        for name in one.files:
            yield name, distance(one[name], two[name])


def trajectories(stored: Path, made: Path) -> Iterator[tuple[str, float]]:
    """How far each point of two trajectories is apart."""
    from safetensors.numpy import load_file

    one, two = (json.loads((folder / "trajectory.json").read_text())["points"] for folder in (stored, made))
    if len(one) != len(two):
        yield f"{len(two)} points, not {len(one)}", np.inf
        return
    for before, now in zip(one, two, strict=True):
        if before["sha256"] == now["sha256"]:
            continue
        if not (stored / before["file"]).exists():
            yield f"{before['file']} has another SHA-256, and is not here to compare", np.inf
            return
        values, again = load_file(stored / before["file"]), load_file(made / now["file"])
        for name in values:
            yield f"{before['file']}, {name}", distance(values[name], again[name])


def distance(one: np.ndarray, two: np.ndarray) -> float:
    """The largest difference as a share of the largest number; 0 of equal ones, infinite of other shapes."""
    if one.shape != two.shape:
        return np.inf
    if one.dtype.kind not in "fiu":
        return 0.0 if (one == two).all() else np.inf
    if np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
        return 0.0
    if (np.isnan(one) != np.isnan(two)).any():
        return np.inf
    largest = max(float(np.nanmax(np.abs(one))), float(np.nanmax(np.abs(two))))
    return float(np.nanmax(np.abs(one.astype(np.float64) - two.astype(np.float64)))) / largest


def read_table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def tables(stored: "pd.DataFrame", made: "pd.DataFrame") -> Iterator[tuple[str, float]]:
    """How far each column of two tables is apart; texts are the same or are not."""
    if list(stored.columns) != list(made.columns) or len(stored) != len(made):
        yield (
            f"{len(made)} rows of {len(made.columns)} columns, not {len(stored)} of {len(stored.columns)}",
            np.inf,
        )
        return
    for column in stored.columns:
        one, two = stored[column], made[column]
        if one.dtype.kind in "fiu" and two.dtype.kind in "fiu":
            yield f"column {column}", distance(one.to_numpy(np.float64), two.to_numpy(np.float64))
        else:
            same = (
                one.astype(object).where(one.notna(), None) == two.astype(object).where(two.notna(), None)
            ) | (one.isna() & two.isna())
            yield f"column {column}, row {int(np.argmin(same.to_numpy())) + 1}", 0.0 if same.all() else np.inf


def counted(outcomes: list[Outcome]) -> str:
    """One line of all of them."""
    words = ["identical", "within", "different", "failed", "discarded"]
    counts = {word: sum(each.word == word for each in outcomes) for word in words}
    return "made again: " + ", ".join(
        f"{count} {word}" for word, count in counts.items() if count or word == "identical"
    )

"""Makes results again in a temporary folder and compares: this alone shows that numbers are honest.

The cheap part, from the stored points: kernels, measures, studies, figures and tables. Or a run, from its
seed. Each by the command that made it, with the recorded settings, and the code that is checked out.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from hallmarks.errors import UserError
from hallmarks.files import make_folder, sha256, write_json
from hallmarks.provenance.audit import Audit, Node
from hallmarks.provenance.checkout import ROOT, packages
from hallmarks.provenance.pictures import drawn

if TYPE_CHECKING:
    import pandas as pd

# What another CPU, or number of threads, may change: of an inner product of two increments as a share of the
# product of their norms; of a table as a share of the largest number of a run's measure, of angles in their
# cosines, since an error ε of a cosine is √ε near 0°. Kernels and measures are float64, figures and tables
# are written with nine digits; what torch trains is float32, and training lets every error grow.
TOLERANCE = {"kernels": 1e-10, "measures": 1e-9, "studies": 1e-9, "figures": 1e-7, "tables": 1e-7}
TRAINED = 1e-3  # of a run, and of a study that uses torch
LEVELS = 8 / 255  # of a pixel
AGAIN = ("kernels", "measures", "studies", "figures", "tables")  # in this order, each from those before


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
        for room in ("data", "runs"):
            if (audit.results / room).is_dir():
                (there / room).symlink_to((audit.results / room).resolve(), target_is_directory=True)
        for room in AGAIN:
            for node in sorted(audit.nodes.values(), key=lambda node: node.name):
                if not node.name.startswith(f"{room}/"):
                    continue
                if node.record is None:
                    in_place_of(*(folder / file_of(node) for folder in (there, audit.results)))
                    continue
                found.append(again(audit, node, there))
                tell(found[-1])
    return found


def again(audit: Audit, node: Node, there: Path) -> Outcome:
    """Make one result again in `there`, and compare; what follows is made from it, or from the stored one
    where the two are equal but for rounding."""
    stored, made = (folder / file_of(node) for folder in (audit.results, there))
    if not points_there(audit, node):
        in_place_of(made, stored)
        return Outcome(node.name, "discarded", "points are not there; what follows is made from it as it is")
    try:
        found = call(node, *command(audit, node, there)) or outcome(node, compared(node, stored, made))
    except (OSError, ValueError) as error:
        return Outcome(node.name, "failed", f"{type(error).__name__}: {error}")
    if found.word == "within":
        in_place_of(made, stored)
    return found


def file_of(node: Node) -> str:
    """The file with a result's numbers."""
    suffix = {"kernels": ".npz", "measures": ".parquet"}.get(node.name.partition("/")[0], ".csv")
    return f"{node.name}{suffix}"


def points_there(audit: Audit, node: Node) -> bool:
    """Whether the points are there of the runs that it reads points of."""
    if not node.name.startswith(("kernels/", "studies/")):
        return True
    runs = [part for part in node.parts if part.startswith("runs/")]
    return all(list((audit.results / run / "trajectory").glob("point-*")) for run in runs)


def command(audit: Audit, node: Node, there: Path) -> list[object]:
    """The words of the command that makes a result again in `there`."""
    room, _, name = node.name.partition("/")
    if room == "kernels":
        return ["kernel", "-o", there / f"{node.name}.npz", "--", audit.results / f"runs/{name}/trajectory"]
    if room == "measures":
        kernel = there / f"kernels/{name}.npz"
        return ["measure", "--run", name, "-o", there / f"{node.name}.parquet", "--", kernel]
    settings = there / "settings" / f"{node.name}.json"
    told = node.record.derivation["settings"]
    write_json(settings, told | {"results": str(there)})
    for folder in (there / room, there / "notebooks"):
        make_folder(folder)
    if room == "studies":
        return ["study", f"--settings={settings}", f"--output={there / node.name}.csv"]
    notebook = ROOT / "notebooks" / f"{told.get('notebook')}.ipynb"
    output = there / f"notebooks/{name}.ipynb"
    return ["notebook", f"--settings={settings}", f"--stem={there / node.name}", "-o", output, "--", notebook]


def compared(node: Node, stored: Path, made: Path) -> Iterator[tuple[str, float]]:
    """How far each part of a result is apart. Raises OSError, ValueError."""
    if made.suffix == ".npz":
        yield from kernels(stored, made)
        return
    found = list(tables(read_table(stored), read_table(made)))
    yield from found
    if node.name.startswith(("figures/", "tables/")):
        yield from shown(node, stored, made, equal=all(far == 0 for _, far in found))


def shown(node: Node, stored: Path, made: Path, equal: bool) -> Iterator[tuple[str, float]]:
    """How far what is shown is apart: pixels, and of `equal` numbers the PDF, the page and the notebook.

    Nothing where other versions of packages drew it.
    """
    if node.record is None or node.record.derivation["packages"] != packages():
        return
    folders = stored.parents[1], made.parents[1]
    names = {f"{node.name}.{suffix}" for suffix in ("png", "pdf", "html")} & node.record.outputs.keys()
    for name in sorted(names):
        if equal or name.endswith(".png"):
            yield name, unlike(*((folder / name).read_bytes() for folder in folders))
    if equal:
        said = [outputs((folder / f"notebooks/{made.stem}.ipynb").read_bytes()) for folder in folders]
        same = [one == two or unlike(one, two) <= LEVELS for one, two in zip(*said, strict=False)]
        yield f"notebooks/{made.stem}.ipynb", 0.0 if len(said[0]) == len(said[1]) and all(same) else np.inf


def unlike(one: bytes, two: bytes) -> float:
    """0 where both show the same, of pictures the largest difference of a pixel, else infinite."""
    one, two = drawn(one), drawn(two)
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray) and one.shape == two.shape:
        far = float(np.abs(one.astype(np.float64) - two.astype(np.float64)).max(initial=0))
        return 0.0 if far <= LEVELS else far
    return 0.0 if type(one) is type(two) and not isinstance(one, np.ndarray) and one == two else np.inf


def outputs(notebook: bytes) -> list[bytes]:
    """What the cells of a notebook put out, texts and pictures in their order."""
    found = []
    for cell in json.loads(notebook)["cells"]:
        for output in cell.get("outputs", []):
            told = output.get("data", {}) | {"text": output.get("text", "")}
            for kind, text in sorted(told.items()):
                text = "".join(text) if isinstance(text, list) else str(text)
                found.append(base64.b64decode(text) if kind == "image/png" else text.encode())
    return found


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


def in_place_of(made: Path, stored: Path) -> None:
    """Let the stored result be what follows is made from."""
    make_folder(made.parent)
    made.unlink(missing_ok=True)
    made.symlink_to(stored.resolve())


def outcome(node: Node, differences: Iterator[tuple[str, float]]) -> Outcome:
    """The verdict on a result by how far each part of it is from what was stored."""
    from safetensors import SafetensorError

    try:
        found = [(where, far) for where, far in differences if far > 0 or np.isnan(far)]
    except (OSError, ValueError, KeyError, BadZipFile, SafetensorError) as error:  # what is stored is damaged
        return Outcome(node.name, "failed", f"{type(error).__name__}: {error}")
    if not found:
        return Outcome(node.name, "identical")
    where, far = max(found, key=lambda each: np.inf if np.isnan(each[1]) else each[1])
    allowed = tolerance(node)
    if far <= allowed:
        return Outcome(node.name, "within", f"{where}, by {far:.1e}; {allowed:g} is allowed")
    return Outcome(
        node.name, "different", where if np.isinf(far) or np.isnan(far) else f"{where}, by {far:.2g}"
    )


def tolerance(node: Node) -> float:
    """What may be apart, as TOLERANCE has it."""
    room = node.name.partition("/")[0]
    torch = room == "studies" and node.record is not None and node.record.derivation["determinism"]
    return TRAINED if room == "runs" or torch else TOLERANCE[room]


def kernels(stored: Path, made: Path) -> Iterator[tuple[str, float]]:
    """How far each array of two kernels is apart."""
    with np.load(stored, allow_pickle=False) as one, np.load(made, allow_pickle=False) as two:
        if sorted(one.files) != sorted(two.files):
            yield "other arrays", np.inf
            return
        for name in one.files:
            of_gram = name == "increments_gram" and one[name].shape == two[name].shape
            yield name, (gram_distance if of_gram else distance)(one[name], two[name])


def gram_distance(one: np.ndarray, two: np.ndarray) -> float:
    """The largest difference of two inner products as a share of the product of the increments' norms."""
    largest = 0.0
    for before, now in zip(one, two, strict=True):
        norms = np.sqrt(np.maximum(np.diagonal(before), np.diagonal(now)))
        apart, scale = np.abs(before - now), np.outer(norms, norms)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(apart == 0, 0.0, apart / scale)
        largest = max(largest, float(share.max(initial=0)))  # NaN is told by `outcome`
        if np.isnan(share).any():
            return np.inf
    return largest


def trajectories(stored: Path, made: Path) -> Iterator[tuple[str, float]]:
    """How far each point of two trajectories is apart."""
    from safetensors.numpy import load_file

    one, two = (json.loads((folder / "trajectory.json").read_text())["points"] for folder in (stored, made))
    if len(one) != len(two):
        yield f"{len(two)} points, not {len(one)}", np.inf
        return
    for before, now in zip(one, two, strict=True):
        there = (stored / before["file"]).exists()
        # What is told of a stored point is not the point.
        if now["sha256"] == (sha256(stored / before["file"]) if there else before["sha256"]):
            continue
        if not there:
            yield f"{before['file']} has another SHA-256, and is not here to compare", np.inf
            return
        values, again = load_file(stored / before["file"]), load_file(made / now["file"])
        if values.keys() != again.keys():
            yield f"{before['file']}, other tensors", np.inf
            return
        for name in values:
            yield f"{before['file']}, {name}", distance(values[name], again[name])


def distance(one: np.ndarray, two: np.ndarray, scale: float | None = None) -> float:
    """The largest difference as a share of `scale`, by default the largest number; 0 of equal ones, infinite
    of other shapes."""
    if one.shape != two.shape:
        return np.inf
    if one.dtype.kind not in "fiu":
        return 0.0 if (one == two).all() else np.inf
    if np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
        return 0.0
    if (np.isnan(one) != np.isnan(two)).any():
        return np.inf
    scale = scale or max(float(np.nanmax(np.abs(one))), float(np.nanmax(np.abs(two))))
    return float(np.nanmax(np.abs(one.astype(np.float64) - two.astype(np.float64)))) / scale


def read_table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def tables(stored: "pd.DataFrame", made: "pd.DataFrame") -> Iterator[tuple[str, float]]:
    """How far each column of two tables is apart, of the rows of one run and measure; texts are the same or
    are not."""
    if list(stored.columns) != list(made.columns) or len(stored) != len(made):
        yield (
            f"{len(made)} rows of {len(made.columns)} columns, not {len(stored)} of {len(stored.columns)}",
            np.inf,
        )
        return
    numbers = [name for name in stored.columns if numeric(stored[name]) and numeric(made[name])]
    texts = [name for name in stored.columns if name not in numbers]
    for column in texts:
        one, two = (
            table[column].astype(object).where(table[column].notna(), None) for table in (stored, made)
        )
        same = (one == two) | (one.isna() & two.isna())
        yield f"column {column}, row {int(np.argmin(same.to_numpy())) + 1}", 0.0 if same.all() else np.inf
    rows = stored.groupby(texts, dropna=False).indices if texts else {(): np.arange(len(stored))}
    for column in numbers:
        one, two = (table[column].to_numpy(np.float64, na_value=np.nan) for table in (stored, made))
        if np.array_equal(one, two, equal_nan=True):
            yield f"column {column}", 0.0
            continue
        for key, at in rows.items():
            words = key if isinstance(key, tuple) else (key,)
            yield f"column {column} of {', '.join(map(str, words))}", apart(column, words, one[at], two[at])


def apart(column: str, words: tuple, one: np.ndarray, two: np.ndarray) -> float:
    """How far numbers of one run and measure are apart: angles by their cosines; of what is a cosine, or a
    mean of them, the difference itself."""
    if column == "value" and any(str(word).startswith(("angle_", "apex_")) for word in words):
        return 0.0 if np.array_equal(one, two, equal_nan=True) else distance(cosine(one), cosine(two), 1.0)
    bounded = column == "cosine" or (column == "value" and any("mds" in str(word) for word in words))
    return distance(one, two, 1.0 if bounded else None)


def cosine(degrees: np.ndarray) -> np.ndarray:
    return np.cos(np.deg2rad(degrees))


def numeric(column: "pd.Series") -> bool:
    return column.dtype.kind in "fiu"


def counted(outcomes: list[Outcome]) -> str:
    """One line of all of them."""
    words = ["identical", "within", "different", "failed", "discarded"]
    counts = {word: sum(each.word == word for each in outcomes) for word in words}
    return "made again: " + ", ".join(
        f"{count} {word}" for word, count in counts.items() if count or word == "identical"
    )

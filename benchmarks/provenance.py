"""What recording and auditing cost: python benchmarks/provenance.py RESULTS

Of the folder RESULTS, which has its records: what share of each rule's CPU time recording took, measured by
making small results with and without a folder of provenance; and an audit's time, beside that of reading.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hallmarks.files import sha256
from hallmarks.provenance.ledger import Ledger
from hallmarks.provenance.seal import sealed_files
from hallmarks.provenance.store import Store
from hallmarks.trajectory.store import TrajectoryWriter

REPEATS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    results = parser.parse_args().results
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; the median of {REPEATS}, seconds of CPU")
    with TemporaryDirectory() as folder:
        plain, recorded = (seconds(Path(folder) / name, name == "recorded") for name in ("plain", "recorded"))
    cost = recorded - plain
    print(f"the smallest job, hallmarks measure: {plain:.3f}, recorded {recorded:.3f}: {cost:.3f} more")
    ledger = Ledger.read(results)
    rules = sorted({record.content["rule"] for record in ledger.records.values()})
    total = 0.0
    for rule in rules:
        spent = [r.execution["cpu_seconds"] for r in ledger.records.values() if r.content["rule"] == rule]
        total += sum(spent)
        print(
            f"{rule}: {len(spent)} jobs of {statistics.mean(spent):.2f}: {cost / statistics.mean(spent):.1%}"
        )
    print(f"all {len(ledger.records)} jobs: {cost * len(ledger.records) / total:.1%}")
    files = sealed_files(results)
    size = sum((results / name).stat().st_size for name in files)
    began = time.perf_counter()
    for name in files:
        sha256(results / name)
    read = time.perf_counter() - began
    words = ["audit", "--no-checkout", "--summary", "--results", results]
    print(f"{len(files)} files, {size / 1e6:.0f} MB: hashed one by one {read:.2f} s; audited {taken(*words)}")
    figure = next(name for name in sorted(ledger.by_target) if name.startswith("figures/"))
    print(f"{figure} alone: {taken(*words, figure)}")


def taken(*words: object) -> str:
    """How long a command takes, and of CPU, which others that work beside it do not lengthen."""
    began, used = time.perf_counter(), sum(os.times()[2:4])
    call(*words)
    return f"{time.perf_counter() - began:.2f} s, {sum(os.times()[2:4]) - used:.2f} s of CPU"


def seconds(folder: Path, record: bool) -> float:
    """CPU time of the smallest job, in a folder that has, or has no, provenance."""
    writer = TrajectoryWriter(
        folder / "runs/a/default/seed0/trajectory", {"w": {"shape": [9], "kind": "linear"}}
    )
    for t, point in enumerate(np.random.default_rng(0).standard_normal((4, 9)).cumsum(axis=0)):
        writer.write({"w": point.astype(np.float32)}, t, t, 0.1)
    writer.finish()
    if record:
        Store(folder).prepare()
    kernel = folder / "kernels/a/default/seed0.npz"
    call("kernel", folder / "runs/a/default/seed0/trajectory", "-o", kernel)
    took = []
    for _ in range(REPEATS):
        began = sum(os.times()[2:4])
        call("measure", kernel, "-o", folder / "measures/a/default/seed0.parquet")
        took.append(sum(os.times()[2:4]) - began)
    return statistics.median(took)


def call(*words: object) -> None:
    """Run a command, whose findings are none of ours."""
    done = subprocess.run(
        [sys.executable, "-m", "hallmarks.cli", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode in {0, 1}, done.stderr


if __name__ == "__main__":
    main()

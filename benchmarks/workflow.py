"""How long planning takes: dry run and plan of the paper's own configuration, over seeds; a job's start-up.

    python benchmarks/workflow.py [--repeats 5] [--seeds 1 10 100]

Prints one Markdown table: medians of wall-clock seconds, with the least and the most.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def seconds(command: list[str], repeats: int) -> list[float]:
    """Wall-clock seconds of each of `repeats` runs of a command that must succeed."""
    times = []
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return times


def row(what: str, times: list[float]) -> str:
    return f"| {what} | {statistics.median(times):.2f} | {min(times):.2f} … {max(times):.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 10, 100])
    arguments = parser.parse_args()
    experiments = yaml.safe_load((ROOT / "config.yaml").read_text())["experiments"]
    print("| what | median s | least … most |\n|---|---|---|")
    for command in ["kernel", "measure", "train"]:
        print(
            row(
                f"start of `hallmarks {command}`",
                seconds(["hallmarks", command, "--help"], arguments.repeats),
            )
        )
    profile = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
    for count in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            overlay = Path(folder, "seeds.yaml")
            seeds = {name: {"seeds": list(range(count))} for name in experiments}
            overlay.write_text(yaml.safe_dump({"experiments": seeds}))
            Path(folder, "profile.yaml").write_text(yaml.safe_dump(profile | {"configfile": str(overlay)}))
            commands = {
                "dry run of the paper": ["snakemake", "-n", "-q", "--nolock", "--configfile", str(overlay)],
                "dry run with the profile slurm": ["snakemake", "-n", "-q", "--nolock", "--profile", folder],
                "`hallmarks plan` with the profile slurm": ["hallmarks", "plan", "--profile", folder],
            }
            for what, command in commands.items():
                print(row(f"{what}, {count} seeds", seconds(command, arguments.repeats)), flush=True)


if __name__ == "__main__":
    main()

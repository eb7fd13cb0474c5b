"""The project to be tried as a whole, at smoke scale."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

# They differ from others in numbers alone: planned and judged with the rest, but not made.
REPEATED = {
    *("resnet50-wd", "resnet50-momentum", "vgg16-learning-rate"),
    *(f"vgg16-momentum-{letter}" for letter in "abcd"),
}


class Project:
    """A copy of the project's tracked files, and Snakemake run in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        path = f"{BIN}:{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src")}

    def take(self, other: "Project") -> None:
        """The configuration, the results and Snakemake's memory of another."""
        for name in ("config.yaml", "config/smoke.yaml"):
            shutil.copy2(other.folder / name, self.folder / name)
        for name in ("results", ".snakemake"):
            shutil.copytree(other.folder / name, self.folder / name, symlinks=True, dirs_exist_ok=True)

    def keep_one_of_each_kind(self) -> None:
        """Leave out of the configuration what only repeats."""
        for name in ("config.yaml", "config/smoke.yaml"):
            config = one_of_each_kind(yaml.safe_load((self.folder / name).read_text()))
            (self.folder / name).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        return self.run("snakemake", "--profile", "smoke", *arguments)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess:
        command = [str(BIN / program), *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs by rule that a dry run would run, without the targets themselves."""
        dry = self.snakemake("-n", *arguments)
        assert dry.returncode == 0, dry.stderr + dry.stdout
        jobs = dict(re.findall(r"^(\w+) +(\d+)$", dry.stdout + dry.stderr, flags=re.M))
        return {rule: int(count) for rule, count in jobs.items() if rule not in {"all", "total"}}


def one_of_each_kind(config: dict) -> dict:
    """A configuration without the experiments that repeat others, and without their figures and claims."""

    def repeats(each: dict) -> bool:
        return not REPEATED.isdisjoint([*each.get("experiments", []), each.get("experiment")])

    kept = {key: each for key, each in config["experiments"].items() if key not in REPEATED}
    shown = {
        kind: {key: each for key, each in config[kind].items() if not repeats(each)}
        for kind in ("figures", "claims")
        if kind in config
    }
    return config | {"experiments": kept} | shown

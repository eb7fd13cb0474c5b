"""The project to be tried as a whole, at smoke scale."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


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

"""A finished, recorded folder with its checkout, of which each test that audits takes a copy and tampers."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml
from tiny import configuration

from hallmarks.provenance.store import key_of, text_of
from smoke import BIN, Project

RUN = "tiny/default/seed0"
OTHER = "tiny/default/seed1"
KERNEL = f"kernels/{RUN}"
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]


class Copy:
    """A checkout with its finished results, to be tampered with."""

    def __init__(self, folder: Path):
        self.folder, self.results = folder, folder / "results"
        path = f"{BIN}:{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src")}

    def run(self, *words: object) -> subprocess.CompletedProcess:
        command = [str(BIN / "hallmarks"), *map(str, words)]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def audit(self, *words: object) -> tuple[int, dict]:
        done = self.run("audit", "--profile", "smoke", "--json", *words)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, name
        path.write_text(text.replace(old, new, 1))

    def configure(self, change: Callable[[dict], object]) -> None:
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        change(config)
        path.write_text(yaml.safe_dump(config))

    def flip(self, name: str, at: int = -1) -> None:
        """Change one bit of a result; its times stay."""
        path = self.results / name
        before, data = path.stat(), bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def record_of(self, target: str) -> Path:
        """The newest record of a result."""
        found = []
        for path in (self.results / "provenance/records").glob("*.json"):
            content = json.loads(path.read_text())
            if content["target"] == target:
                found.append((content["execution"]["ended"], path))
        return max(found)[1]

    def add(self, content: dict) -> Path:
        """Put a record there, rightly named."""
        data = text_of(content)
        path = self.results / f"provenance/records/{hashlib.sha256(data).hexdigest()}.json"
        path.write_bytes(data)
        return path

    def forge(self, target: str, change: Callable[[dict], object], begun: bool) -> None:
        """Put a changed record, rightly named, in place of the newest; `begun` forges its attempt too."""
        path = self.record_of(target)
        content = json.loads(path.read_text())
        change(content)
        content["key"] = key_of(content["derivation"])
        if not begun:
            content["attempt"] = content["attempt"][:-8] + "00000000"
        path.unlink()
        self.add(content)


def build(folder: Path) -> Copy:
    """The finished folder: its checkout is one commit, and its figure was drawn with another title before."""
    folder.mkdir(parents=True, exist_ok=True)
    project = Project(folder)
    config = configuration() | {"results": "results"}
    config["experiments"]["one"]["seeds"] = [0, 1]
    del config["scale"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "config/smoke.yaml").write_text("scale: tiny\n")
    for words in ["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]:
        subprocess.run([*GIT, *words], cwd=folder, check=True)
    made = project.snakemake("all")
    assert made.returncode == 0, made.stderr[-5000:]
    before = folder / "before"
    for name in ["figures/map.png", "figures/map.pdf", "figures/map.identity.json", "notebooks/map.ipynb"]:
        (before / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / "results" / name, before / name)
    copy = Copy(folder)
    copy.configure(lambda config: config["figures"]["map"].update(title="Another map"))
    made = project.snakemake("all")
    assert made.returncode == 0, made.stderr[-5000:]
    return copy


def remake_kernel(copy: Copy) -> None:
    """One kernel made again by newer code, by hand; its bytes are the same."""
    append(copy, "kernel/gram.py", "EDITED = 1\n")
    settings = copy.results / f"settings/{KERNEL}.json"
    trajectory = copy.results / f"runs/{RUN}/trajectory"
    words = ["kernel", f"--settings={settings}", trajectory, "-o", copy.results / f"{KERNEL}.npz"]
    assert copy.run(*words).returncode == 0
    touched = [str(BIN / "snakemake"), "--profile", "smoke", "--touch", "all"]
    done = subprocess.run(touched, cwd=copy.folder, env=copy.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def append(copy: Copy, module: str, text: str) -> None:
    path = copy.folder / "src/hallmarks" / module
    before = path.stat()
    path.write_text(path.read_text() + text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def leave_unfinished(copy: Copy) -> None:
    """As a kill does: the outputs that Snakemake deleted, an attempt, and no record of its end."""
    content = json.loads(copy.record_of(f"measures/{RUN}").read_text())
    attempt = content["attempt"][:-8] + "ffffffff"
    said = {key: content[key] for key in ("schema", "rule", "target", "supersedes")}
    path = copy.results / f"provenance/begun/{attempt}.json"
    ran = content["execution"] | {"begun": content["execution"]["ended"]}
    path.write_text(json.dumps(said | {"attempt": attempt, "execution": ran}))


def measure_again(copy: Copy) -> None:
    """Made again, with equal bytes, as Snakemake does after a kill, and by two drivers."""
    for _ in range(2):
        words = ["measure", copy.results / f"{KERNEL}.npz", "--run", RUN]
        settings = copy.results / f"settings/measures/{RUN}.json"
        done = copy.run(*words, "--settings", settings, "-o", copy.results / f"measures/{RUN}.parquet")
        assert done.returncode == 0, done.stderr


def move_run(copy: Copy) -> None:
    """A run that lies on another disk, behind a link."""
    shutil.move(copy.results / "runs/tiny", copy.folder / "disk")
    (copy.results / "runs/tiny").symlink_to(copy.folder / "disk")


def discard(copy: Copy) -> None:
    run = copy.results / f"runs/{RUN}"
    words = ["discard", "--kernel", copy.results / f"{KERNEL}.npz", "-o", run / "removed.json"]
    assert copy.run(*words, run / "trajectory").returncode == 0

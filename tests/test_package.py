"""The package as `pip install .` gives it: what it asks for, and what works with the light part of that."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from packaging.requirements import Requirement
from safetensors.numpy import save_file

from hallmarks.cli import EXTRAS, SUMMARIES
from hallmarks.measures import Kernel
from smoke import ROOT, Project

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"

# Finds none of the modules in the first argument, as if they were not installed.
WITHOUT = """
import sys
missing = set(sys.argv.pop(1).split(","))
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Without())
from hallmarks.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder in which the wheel was unpacked, as an installer does."""
    clone, wheels, site = (tmp_path_factory.mktemp(name) for name in ("clone", "wheels", "site"))
    Project(clone)
    built = subprocess.run([sys.executable, "-c", BUILD, wheels], cwd=clone, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = wheels.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return site


@pytest.fixture(scope="module")
def metadata(installed) -> Message:
    (path,) = installed.glob("*.dist-info/METADATA")
    return message_from_bytes(path.read_bytes())


@pytest.fixture(scope="module")
def heavy(metadata) -> set[str]:
    """The modules that the light requirements do not bring."""
    wanted, closure = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line], set()
    while wanted:
        requirement = Requirement(wanted.pop())
        name = normal(requirement.name)
        if name not in closure and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
            closure.add(name)
            wanted += importlib.metadata.requires(name) or []
    heavy = {module for module, name in distributions().items() if name not in closure | {"hallmarks"}}
    assert {"torch", "snakemake", "pytest", "sklearn"} <= heavy
    return heavy


@pytest.fixture
def run(installed, heavy, tmp_path):
    """Runs `hallmarks` with the light requirements alone, or without others too."""

    def run(*words, without: Iterable[str] = ()) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", WITHOUT, ",".join(heavy.union(without)), *map(str, words)]
        environment = {"PYTHONPATH": str(installed), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


@pytest.fixture
def checkpoints(tmp_path) -> Path:
    (tmp_path / "mine").mkdir()
    for t, point in enumerate(np.random.default_rng(0).standard_normal((6, 40)).cumsum(axis=0)):
        save_file({"weight": point}, tmp_path / "mine" / f"step{t}.safetensors")
    return tmp_path / "mine"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions() -> dict[str, str]:
    """Each importable module's distribution."""
    found = importlib.metadata.packages_distributions().items()
    return {module: normal(names[0]) for module, names in found}


def imported() -> set[str]:
    """The top-level modules of others that the package imports, anywhere."""
    names = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"hallmarks"}


def test_what_the_wheel_says(metadata, installed):
    assert metadata["License-Expression"] == "MIT" and metadata["License-File"] == "LICENSE"
    assert metadata.get_all("Provides-Extra") == ["training", "workflow", "crate", "lightning", "tests"]
    light = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert {"numpy", "pyarrow", "seaborn"} < {Requirement(line).name for line in light}
    assert not [line for line in light if re.match("torch|snakemake|pytest", line)]
    (entries,) = installed.glob("*.dist-info/entry_points.txt")
    assert "hallmarks = hallmarks.cli:main" in entries.read_text()
    assert (installed / "hallmarks/commands/map.py").exists() and not (installed / "tests").exists()


def test_the_citation_is_of_this_version(metadata):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (metadata["Version"], metadata["License-Expression"])
    assert citation["preferred-citation"] == citation["references"][0]


def test_every_import_is_stated_and_the_command_line_knows_the_extras(metadata):
    stated: dict[str, set[str]] = {"": set()}
    for line in metadata.get_all("Requires-Dist"):
        extra = re.search(r'extra == "(\w+)"', line)
        stated.setdefault(extra[1] if extra else "", set()).add(normal(Requirement(line).name))
    owner = distributions() | {"pydantic_core": "pydantic"}  # pydantic asks for the one that it was made with
    by_extra = {extra: {m for m in imported() if owner[m] in names} for extra, names in stated.items()}
    assert set().union(*by_extra.values()) == imported()
    assert {extra: by_extra[extra] for extra in ("training", "workflow", "crate")} == EXTRAS
    assert not by_extra["tests"]


def test_the_light_commands_need_nothing_more(run, checkpoints, tmp_path):
    for words in (
        ["map", checkpoints, "-o", "map.png"],
        ["kernel", checkpoints, "-o", "kernel.npz"],
        ["measure", "kernel.npz", "--run", "mine", "-o", "measures.parquet"],
    ):
        done = run(*words)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "measures.parquet").stat().st_size > 1000
    assert len(Kernel.load(tmp_path / "kernel.npz").step) == 6


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_command_that_needs_more_says_so_in_a_line(run, name):
    done = run(name, "--help")
    if done.returncode:
        assert_names_an_extra(done, name, "training|workflow|crate")
    else:
        assert done.stdout.startswith(f"usage: hallmarks {name} ") and not done.stderr


def test_torch_checkpoints_need_nothing_more_and_gpus_need_training(run, checkpoints, tmp_path):
    torch.save({"weight": torch.ones(3)}, tmp_path / "step0.pt")
    assert run("kernel", "step0.pt", "-o", "torch.npz").returncode == 0
    gpu = run("kernel", checkpoints, "-o", "kernel.npz", "--device", "cuda")
    assert_names_an_extra(gpu, "kernel", "training")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "step0.pt", "torch.npz"]


def test_what_draws_initialisations_needs_training(run, tmp_path):
    settings = {"study": "initialisations", "model": {"name": "resnet20"}, "channels": 1, "classes": 2}
    (tmp_path / "study.json").write_text(json.dumps(settings | {"seeds": [0, 1], "paper": 0.4}))
    done = run("study", "--settings", tmp_path / "study.json", "-o", "table.csv")
    assert_names_an_extra(done, "study", "training")


@pytest.mark.parametrize("name", ["plan", "doctor"])
def test_a_plan_needs_the_workflow(run, name, tmp_path):
    Project(tmp_path)
    assert_names_an_extra(run(name, "--profile", "smoke"), name, "workflow")


def assert_names_an_extra(done: subprocess.CompletedProcess, name: str, extra: str) -> None:
    assert done.returncode == 2, done.stderr
    line = rf"hallmarks {name}: \w+ is not installed; .*: pip install 'hallmarks\[({extra})\]'\n"
    assert re.fullmatch(line, done.stderr) and not done.stdout


def test_a_light_package_that_is_missing_is_named(run):
    done = run("kernel", "x", "-o", "y.npz", without=["numpy"])
    assert done.returncode == 2
    assert done.stderr == (
        "hallmarks kernel: numpy is not installed, though hallmarks depends on it: "
        "install hallmarks with its dependencies\n"
    )


def test_the_help_speaks_to_a_user(run):
    bare, asked = run(), run("--help")
    assert (bare.returncode, asked.returncode) == (2, 0)
    assert bare.stderr == asked.stdout and not bare.stdout + asked.stderr
    assert all(f"\n  {name} " in asked.stdout for name in SUMMARIES)
    assert "hallmarks.commands" not in asked.stdout and "Exit status: 0 done" in asked.stdout


@pytest.mark.parametrize(
    "name, advice",
    [
        ("mesure", "did you mean measure?"),
        ("xyzzy", "`hallmarks --help` lists them"),
        ("--run", "`hallmarks"),
    ],
)
def test_a_command_that_there_is_not(run, name, advice):
    done = run(name, "x")
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f"hallmarks: there is no command {name}; {advice}")

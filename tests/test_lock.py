"""The lock holds every requirement, each with hashes, and no download address; conda gets its versions."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "envs/requirements.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def names(lines: list[str]) -> list[str]:
    """The packages that are required, without ourselves, whom an extra names to build on another."""
    return [name for name in (Requirement(line).name for line in lines) if name != "hallmarks"]


def test_every_requirement_is_locked_with_hashes():
    entries = re.findall(r"^([A-Za-z0-9._-]+)==.*(?:\n    --hash=\S+.*)+", LOCK, flags=re.M)
    for lines in PROJECT["dependencies"], *EXTRAS.values():
        assert set(names(lines)) <= set(entries)
    assert len(entries) == len(re.findall(r"^\S+==", LOCK, flags=re.M))


def test_the_lock_is_of_versions_that_are_asked_for():
    for line in [*PROJECT["dependencies"], *sum(EXTRAS.values(), [])]:
        asked = Requirement(line)
        locked = re.findall(rf"^{re.escape(asked.name)}==(\S+)", LOCK, flags=re.M)
        assert asked.name == "hallmarks" or locked
        assert all(asked.specifier.contains(version) for version in locked), line


def test_no_address():
    assert "://" not in LOCK


def test_the_conda_environment_has_the_locks_versions_and_nothing_for_tests():
    environment = yaml.safe_load((ROOT / "envs/hallmarks.yaml").read_text())
    pinned = dict(line.split("==") for line in environment["dependencies"][-1]["pip"])
    wanted = names([*PROJECT["dependencies"], *EXTRAS["training"], *EXTRAS["workflow"]])
    assert list(pinned) == [*wanted, "setuptools"]  # which builds the project itself
    for line in re.findall(r"^\S+==[^\\\n]*", LOCK, flags=re.M):
        locked = Requirement(line)
        if locked.name in pinned and (
            not locked.marker or locked.marker.evaluate({"python_full_version": "3.11.0"})
        ):
            assert str(locked.specifier) == f"=={pinned.pop(locked.name)}"
    assert not pinned

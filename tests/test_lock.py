"""The lock holds every requirement, each with hashes, and no download address."""

import re
from pathlib import Path

import yaml

ENVS = Path(__file__).parents[1] / "envs"
LOCK = (ENVS / "requirements.txt").read_text()


def test_every_requirement_is_locked_with_hashes():
    entries = re.findall(r"^([A-Za-z0-9._-]+)==.*(?:\n    --hash=\S+.*)+", LOCK, flags=re.M)
    lines = (ENVS / "requirements.in").read_text().splitlines()
    wanted = {re.split(r"[<>=]", line)[0] for line in lines if line and not line.startswith("#")}
    assert wanted <= set(entries)
    assert len(entries) == len(re.findall(r"^\S+==", LOCK, flags=re.M))


def test_no_address():
    assert "://" not in LOCK


def test_the_conda_environment_has_the_locks_versions():
    environment = yaml.safe_load((ENVS / "hallmarks.yaml").read_text())
    pinned = dict(line.split("==") for line in environment["dependencies"][-1]["pip"])
    lines = (ENVS / "requirements.in").read_text().splitlines()
    assert list(pinned) == [
        re.split(r"[<>=]", line)[0] for line in lines if line and not line.startswith("#")
    ]
    for name, version in pinned.items():
        assert re.search(rf"^{re.escape(name)}=={re.escape(version)}( |$)", LOCK, flags=re.M), name

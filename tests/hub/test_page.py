"""docs/published.md: its commands as they are written, against a hub of this machine."""

import os
import shlex
import subprocess

import pytest
import yaml
from hub.conftest import weights
from tiny import BIN, ROOT

from hallmarks.config.types import TASKS

PAGE = (ROOT / "docs/published.md").read_text()
COMMANDS = [line.strip() for line in PAGE.splitlines() if line.startswith("    hallmarks ")]
NAMED = [0, 8, 128, 1000, 143000]


@pytest.fixture
def pythia(published):
    """Every step that the page names, and four steps a point of step*:4."""
    for step in sorted({*NAMED, *range(2000, 14000, 1000)}):
        published.publish("EleutherAI/pythia-14m", f"step{step}", {"model.safetensors": weights(step)})
    return published


def test_the_commands_of_the_page(pythia, tmp_path):
    assert len(COMMANDS) == 6
    environment = os.environ | {"HF_ENDPOINT": pythia.url, "PYTHONPATH": str(ROOT / "src")}
    for command in COMMANDS:
        program, *words = shlex.split(command)
        done = subprocess.run(
            [str(BIN / program), *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"map.png", "map.npz", "pythia.npz", "pythia-14m.json", "kept"}


def test_the_configuration_of_the_page():
    (block,) = [each.partition("```")[0] for each in PAGE.split("```yaml\n")[1:]]
    (task,) = yaml.safe_load(block)["tasks"].values()
    TASKS.validate(task).check()

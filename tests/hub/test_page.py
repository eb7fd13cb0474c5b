"""docs/published.md: its commands as they are written, against a hub of this machine."""

import os
import re
import shlex
import subprocess
import textwrap

import pytest
import yaml
from hub.conftest import as_bin, point, weights
from tiny import BIN, ROOT

from hallmarks.config.types import TASKS

PAGE = (ROOT / "docs/published.md").read_text()
COMMANDS = [line.strip() for line in PAGE.splitlines() if line.startswith("    hallmarks ")]
NAMED = [0, 8, 128, 1000, 143000]
EVERY = [0, *(2**k for k in range(10)), *range(1000, 144000, 1000)]


@pytest.fixture
def pythia(published):
    """Every step that the page names, and four steps a point of step*:4."""
    for step in sorted({*NAMED, *range(2000, 14000, 1000)}):
        published.publish("EleutherAI/pythia-14m", f"step{step}", {"model.safetensors": weights(step)})
    return published


@pytest.fixture
def faults(published):
    """2.8B's in small: of 39 safetensors 20 are main's, and 3 a second file; the .bin are right."""
    read = EVERY[::4]
    stale = dict.fromkeys([*read[:16], *read[-4:], "main"], 143000)
    stale |= dict.fromkeys([54000, 58000, 62000], 54000)
    for step in [*EVERY, "main"]:
        own = 143000 if step == "main" else step
        files = {"model.safetensors": weights(stale.get(step, own)), "pytorch_model.bin": as_bin(point(own))}
        published.publish("EleutherAI/pythia-2.8b", "main" if step == "main" else f"step{step}", files)
    return published


def test_the_lines_of_the_page_are_what_is_printed(faults, call):
    (shown,) = re.findall(r"on the server of .*?:\n\n((?:    .+\n)+)", PAGE)
    status, said, _ = call("hub", "check", "hf://EleutherAI/pythia-2.8b@step*:4")
    assert status == 1 and said == textwrap.dedent(shown)


def test_the_commands_of_the_page(pythia, faults, tmp_path):
    assert len(COMMANDS) == 7
    environment = os.environ | {"HF_ENDPOINT": pythia.url, "PYTHONPATH": str(ROOT / "src")}
    for command in COMMANDS:
        program, *words = shlex.split(command)
        done = subprocess.run(
            [str(BIN / program), *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == ("2.8b" in command), f"{command}: {done.stderr}"
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"map.png", "map.npz", "pythia.npz", "pythia-14m.json", "kept"}


def test_the_configuration_of_the_page():
    (block,) = [each.partition("```")[0] for each in PAGE.split("```yaml\n")[1:]]
    (task,) = yaml.safe_load(block)["tasks"].values()
    TASKS.validate(task).check()

"""The smallest workflow: one run of 64 digits, a figure and a table, in a folder that is no clone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
# Whatever a shell, YAML, Snakemake, Jinja, reStructuredText or HTML could take for its own.
ODD = "-x 'a' \"b\" $(touch ran) `touch ran` ; touch ran > ran & *é* _ω_ |y| \\ #1\n- z"
BRACES = "<i> {0} {name} {{ 1 }} {% z %} ω_{0}"
FLAGS = [
    "--cores=2",
    "--rerun-triggers=mtime",
    "--max-checksum-file-size=0",
    "--max-jobs-per-timespan=1000/1s",
]


def configuration(text: str = "") -> dict:
    """Its configuration, with `text` in every title, section, statement and reason."""
    recipe = {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "batch_size": 32, "length": 1}
    task = {"data": {"name": "digits", "training_images": 64}, "model": {"name": "resnet20", "width": 1}}
    task |= {"recipe": recipe, "choices": {"model": f"narrow {text}"}}
    of = {"section": f"1 {text}", "experiment": "one"}
    claim = {
        "kind": "bound",
        "statement": f"it grows {text}",
        "measure": "norm",
        "reduce": "change",
        "above": 0,
    }
    return {
        "scale": "tiny",
        "tasks": {"tiny": task},
        "experiments": {
            "one": {
                "title": f"One {text}",
                "section": f"1 {text}",
                "task": "tiny",
                "variations": [{}],
                "choices": {"seeds": f"one {text}"},
            }
        },
        "figures": {"map": {"title": f"Map {text}", "notebook": "maps", "experiments": ["one"]}},
        "claims": {"grows": claim | of | {"variations": [0]}},
    }


class Tiny:
    """A folder with a configuration, and the clone's workflow run in it."""

    def __init__(self, folder: Path, config: dict | None = None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if config is not None:
            (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))

    def snakemake(self, *arguments: str, snakefile: Path = ROOT / "Snakefile", **environment: str):
        command = [str(BIN / "snakemake"), f"--snakefile={snakefile}", *FLAGS, *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | environment
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def planned(self, *arguments: str, **options) -> dict[str, int]:
        """Jobs by rule that a dry run would run, without the targets themselves."""
        dry = self.snakemake("-n", *arguments, **options)
        assert dry.returncode == 0, dry.stderr + dry.stdout
        jobs = dict(re.findall(r"^(\w+) +(\d+)$", dry.stdout + dry.stderr, flags=re.M))
        return {rule: int(count) for rule, count in jobs.items() if rule not in {"all", "total"}}

    def refused(self, *arguments: str, **options) -> str:
        """What it says in place of a plan: one line, no traceback."""
        refused = self.snakemake("-n", *arguments, **options)
        said = refused.stderr + refused.stdout
        assert refused.returncode == 1 and "Traceback" not in said, said
        after = said.partition("WorkflowError in file")[2].splitlines()[1:]
        assert len(after) > 0 and all(line.startswith("  File ") for line in after[1:] if line), said
        return after[0]

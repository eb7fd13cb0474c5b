"""A Snakemake profile, and what it runs."""

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hallmarks
from hallmarks.config.load import overlay, read_yaml
from hallmarks.errors import UserError
from hallmarks.workflow.paper import Paper, open_paper
from hallmarks.workflow.results import Results

CLONE = Path(hallmarks.__file__).parents[2]


@dataclass(frozen=True)
class Profile:
    """The keys of a `profile.yaml`, the results of its workflow, and how to tell Snakemake of both."""

    name: str
    keys: dict[str, Any]
    results: Results
    arguments: list[str]

    @property
    def paper(self) -> Paper:
        return self.results.paper

    @property
    def slurm(self) -> bool:
        return self.keys.get("executor") == "hallmarks-slurm"

    @property
    def attempts(self) -> int:
        """How often a job is tried."""
        return 1 + int(self.keys.get("retries", 0))


def open_profile(name: str, overlays: list[Path] = ()) -> Profile:
    """Read a profile and the configuration with its overlays, or with these. Raises UserError.

    A name, a folder and a `profile.yaml` are looked for here, then in the clone whose code runs; so is the
    workflow. A path in a profile that starts from the profile's folder is one from there.
    """
    here = Path()
    root = next((folder for folder in (here, CLONE) if (folder / "Snakefile").exists()), None)
    if root is None:
        raise UserError(f"{here.resolve()}: has no Snakefile; run this in the folder of the clone")
    folders = dict.fromkeys([here, root])
    candidates = [folder / name / file for folder in folders for file in ("", "profile.yaml")]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        present = sorted({other.parent.name for folder in folders for other in folder.glob("*/profile.yaml")})
        raise UserError(f"--profile {name}: there is none; there are {', '.join(present) or 'none'}")
    if root != here:
        print(f"the workflow of {root}, with results in {here.resolve()}", file=sys.stderr)
    keys = read_yaml(path)
    arguments = ["--profile", str(path), "--snakefile", str(root / "Snakefile")]
    if overlays:
        arguments += ["--configfile", *map(str, overlays)]
    else:
        given = keys.get("configfile", [])
        overlays = [path.parent / file for file in ([given] if isinstance(given, str) else given)]
    own = here / "config.yaml"
    files = [own if own.exists() else root / "config.yaml", *overlays]
    content = functools.reduce(overlay, map(read_yaml, files), {})
    paper = open_paper(content, overlays, " + ".join(map(str, files)))
    return Profile(name, keys, Results(paper, root.resolve()), arguments)

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


def open_profile(name: str, overlays: list[Path] = ()) -> Profile:
    """Read a profile and the configuration with its overlays, or with these. Raises UserError.

    A name, a folder and a `profile.yaml` are looked for here, then in the clone whose code runs; so is the
    workflow. A path in a profile that starts from the profile's folder is one from there.
    """
    here = Path()
    root = next((folder for folder in (here, CLONE) if (folder / "Snakefile").exists()), None)
    if root is None:
        raise UserError(f"{here.resolve()}: has no Snakefile; run this in the folder of the clone")
    path = find_profile(name, [here, root])
    if root != here:
        print(f"the workflow of {root}, with results in {here.resolve()}", file=sys.stderr)
    keys = read_yaml(path)
    given = keys.get("configfile", [])
    overlays = overlays or [path.parent / file for file in ([given] if isinstance(given, str) else given)]
    arguments = ["--profile", str(path), "--snakefile", str(root / "Snakefile")]
    arguments += ["--configfile", *map(str, overlays)] if overlays else []
    own = here / "config.yaml"
    files = [own if own.exists() else root / "config.yaml", *overlays]
    paper = open_paper(functools.reduce(overlay, map(read_yaml, files)), [], " + ".join(map(str, files)))
    return Profile(name, keys, Results(paper, root.resolve()), arguments)


def find_profile(name: str, folders: list[Path]) -> Path:
    """The `profile.yaml` of this name. Raises UserError, with those that there are."""
    for path in (folder / name / file for folder in folders for file in ("", "profile.yaml")):
        if path.is_file():
            return path
    present = sorted({path.parent.name for folder in folders for path in folder.glob("*/profile.yaml")})
    raise UserError(f"--profile {name}: there is none; there are {', '.join(present) or 'none'}")

"""A Snakemake profile, and the configuration that it runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hallmarks.config.load import load, read
from hallmarks.config.types import Config
from hallmarks.errors import UserError


@dataclass(frozen=True)
class Profile:
    """The keys of a `profile.yaml`, and the configuration with the overlays that it names."""

    name: str
    keys: dict[str, Any]
    config: Config

    @property
    def slurm(self) -> bool:
        return self.keys.get("executor") == "hallmarks-slurm"

    @property
    def attempts(self) -> int:
        """How often a job is tried."""
        return 1 + int(self.keys.get("retries", 0))


def open_profile(name: str, folder: Path = Path()) -> Profile:
    """Read a profile, found from `folder` (a clone) as Snakemake finds it. Raises UserError."""
    if not (folder / "Snakefile").exists():
        raise UserError(f"{folder.resolve()}: has no Snakefile; run this in the folder of the clone")
    path = folder / name / "profile.yaml"
    if not path.exists():
        present = ", ".join(sorted(other.parent.name for other in folder.glob("*/profile.yaml")))
        raise UserError(f"--profile {name}: there is no {path}; there are {present or 'none'}")
    keys = read(path)
    overlays = keys.get("configfile", [])
    overlays = [overlays] if isinstance(overlays, str) else overlays
    return Profile(name, keys, load([folder / file for file in ["config.yaml", *overlays]]))

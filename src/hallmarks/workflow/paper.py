"""The configuration as the workflow uses it: checked, expanded to runs, and asked for on purpose."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hallmarks.config.load import check, read_yaml
from hallmarks.config.types import Config
from hallmarks.errors import UserError
from hallmarks.runs.origin import Origin
from hallmarks.runs.run import Row, Run, expand, runs_of, shown_in

PROFILES = "laptop, smoke or slurm (`snakemake --profile laptop …`)"


@dataclass(frozen=True)
class Paper:
    """A configuration with its experiments' rows."""

    config: Config
    experiments: dict[str, list[Row]]

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Every run by name."""
        return runs_of(self.experiments)

    @cached_property
    def shown(self) -> dict[str, list[Row]]:
        """What each figure shows."""
        found = {}
        for name, figure in self.config.figures.items():
            try:
                found[name] = shown_in(figure, self.experiments)
            except UserError as error:
                raise UserError(f"figures.{name} {error}") from None
        return found

    def runs_shown(self, figure: str) -> list[str]:
        """The names of the runs that a figure shows, in its order."""
        return [run for row in self.shown[figure] for run in row.names]

    @cached_property
    def judged(self) -> list[str]:
        """The runs that claims compare, sorted."""
        experiments = {claim.experiment for claim in self.config.claims.values()}
        return sorted({run for name in experiments for row in self.experiments[name] for run in row.names})

    @property
    def data_sets(self) -> list[str]:
        """Every data set that a run needs, sorted."""
        return sorted({name for run in self.runs.values() for name in run.settings.data_sets()})

    def task(self, experiment: str) -> Origin:
        return self.config.tasks[self.config.experiments[experiment].task]


def open_paper(content: dict[str, Any], overlays: list[Path], source: str = "the configuration") -> Paper:
    """The configuration that Snakemake has merged. Raises UserError for a mistake in it or in an overlay.

    The paper's own scale costs hundreds of GPU hours: some overlay, or `content`, must have asked for it.
    """
    for path in overlays:
        read_yaml(path)  # Snakemake's own reading takes the last of two equal keys
    config = check(content, source)
    paper = Paper(config, expand(config))
    assert paper.runs is not None and paper.shown is not None  # raises for what cannot be run or shown
    return paper


def require_scale(config: Config, overlays: list[Path], given: dict[str, Any]) -> None:
    """Raise UserError where nobody asked for the paper's own scale: no profile, or its overlay replaced."""
    if config.scale == "paper" and "scale" not in given:
        if any("scale" in read_yaml(path) for path in overlays):
            return
        if overlays:
            names = " ".join(str(path) for path in overlays)
            raise UserError(
                f"--configfile {names} replaces the profile's own overlay, and leaves the whole paper, "
                f"hundreds of GPU hours; name both, `config/laptop.yaml {names}`, or say `scale:` in it"
            )
        raise UserError(
            f"name a profile: {PROFILES}; without one this is the whole paper, hundreds of GPU hours "
            "(`--configfile config/paper.yaml` asks for it)"
        )

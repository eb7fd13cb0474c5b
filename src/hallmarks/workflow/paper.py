"""The configuration as the workflow uses it: checked, expanded to runs, and asked for on purpose."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hallmarks.config.load import check, read_yaml
from hallmarks.config.types import Config, Figure
from hallmarks.errors import UserError
from hallmarks.runs.origin import Origin, Time
from hallmarks.runs.run import Row, Run, expand, runs_of, shown_in
from hallmarks.runs.study import StudyOfRuns

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
    def kept(self) -> dict[str, list[int]]:
        """After which steps the state of a run is kept, for those that others branch from."""
        found: dict[str, set[int]] = {}
        for run in self.runs.values():
            if run.parent:
                found.setdefault(run.parent.name, set()).update(run.settings.parent_run().steps)
        return {name: sorted(steps) for name, steps in found.items()}

    @cached_property
    def shown(self) -> dict[str, list[Row]]:
        """What each figure, and each table of runs, shows."""
        found = {}
        for kind in ("figures", "tables"):
            for name, figure in getattr(self.config, kind).items():
                try:
                    found[name] = shown_in(figure, self.experiments)
                except UserError as error:
                    raise UserError(f"{kind}.{name} {error}") from None
        return found

    def runs_shown(self, name: str) -> list[str]:
        """The names of the runs that a figure or a table shows, in its order."""
        return [run for row in self.shown[name] for run in row.names]

    def figure(self, name: str) -> Figure:
        """A figure, or a table of runs."""
        return (self.config.figures | self.config.tables)[name]

    @cached_property
    def judged(self) -> dict[str, list[str]]:
        """What claims are judged by: the names of results by kind, such as the runs whose logs they read."""
        found: dict[str, set[str]] = {"runs": set(), "kernels": set(), "measures": set(), "studies": set()}
        for claim in self.config.claims.values():
            rows = (
                [self.experiments[claim.experiment][at] for at in claim.positions()]
                if claim.experiment
                else []
            )
            found[claim.reads()] |= (
                {claim.study} if claim.study else {run for row in rows for run in row.names}
            )
        return {kind: sorted(names) for kind, names in found.items()}

    @cached_property
    def claim_times(self) -> dict[str, Time]:
        """How the runs that each claim compares count their time. Raises UserError for unequal drops."""
        found = {}
        for name, claim in self.config.claims.items():
            if not claim.experiment:
                continue
            compared = [self.experiments[claim.experiment][at] for at in claim.positions()]
            times = {row.label: row.runs[0].settings.time() for row in compared}
            found[name], *others = times.values()
            if claim.needs_drops() and not (
                found[name].drops and all(other == found[name] for other in others)
            ):
                said = "; ".join(f"{label}: {time.drops or 'none'}" for label, time in times.items())
                raise UserError(
                    f"claims.{name} is about drops of the learning rate, and asks for equal ones ({said})"
                )
        return found

    @cached_property
    def runs_in_all(self) -> list[str]:
        """The runs of the stages, such as `train_all`, without experiments that are made by name alone."""
        kept = [name for name, experiment in self.config.experiments.items() if experiment.in_all]
        return list(runs_of({name: self.experiments[name] for name in kept}))

    def in_all(self, names: Iterable[str]) -> list[str]:
        """Of these figures and tables those that `all` makes: of no experiment that is made by name alone."""
        shown = self.config.figures | self.config.tables
        left_out = {name for name, each in self.config.experiments.items() if not each.in_all}
        return [name for name in names if name not in shown or not left_out & {*shown[name].experiments}]

    @cached_property
    def studied(self) -> dict[str, list[str]]:
        """The runs that each study looks at."""
        found = {}
        for name, study in self.config.studies.items():
            rows = self.experiments[study.experiment] if isinstance(study, StudyOfRuns) else []
            for row in rows:
                try:
                    study.check(row.runs[0].settings)
                except UserError as error:
                    raise UserError(f"studies.{name}: experiment {study.experiment}: {error}") from None
            found[name] = [run for row in rows for run in row.names]
        return found

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
    # Each raises for what cannot be run, shown, studied or judged.
    assert None not in (paper.runs, paper.shown, paper.studied, paper.claim_times)
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

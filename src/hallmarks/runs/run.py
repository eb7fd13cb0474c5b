"""Configuration → runs and their names; equal runs of different experiments are one."""

from collections.abc import Callable
from dataclasses import dataclass

from hallmarks.config.types import Config, Figure
from hallmarks.errors import UserError
from hallmarks.runs.identity import Identity, leaves
from hallmarks.runs.origin import Origin
from hallmarks.runs.sources import code_of
from hallmarks.runs.vary import label, vary


@dataclass(frozen=True)
class Run:
    """One run: `<task>/<variation>/seed<k>` and everything that decides it."""

    task: str
    variation: str
    seed: int
    settings: Origin
    parent: "Run | None" = None
    """The run whose state it goes on from, if any."""

    @property
    def name(self) -> str:
        return f"{self.task}/{self.variation}/seed{self.seed}"

    def identity(self, inputs: dict[str, str]) -> Identity:
        """What decides its numbers, given the digest of each file of its data, and its parent's key."""
        return identity_of(self.settings, self.seed, inputs)


@dataclass(frozen=True)
class Row:
    """One variation of an experiment: what a reader calls it, and a run a seed."""

    label: str
    experiment: str
    runs: list[Run]

    @property
    def names(self) -> list[str]:
        return [run.name for run in self.runs]


def identity_of(settings: Origin, seed: int, inputs: dict[str, str]) -> Identity:
    """The identity of a run with these settings; `inputs` are data, `set/file`, and `runs/<parent>`."""
    return Identity(
        {"seed": seed} | settings.decides(),
        inputs,
        code_of(tuple(sorted(settings.modules()))),
        {"seed": seed} | settings.given(),
    )


def rows_of(config: Config, name: str) -> list[Row]:
    """One experiment's variations. Raises UserError where one cannot be run."""
    experiment = config.experiments[name]
    task = config.tasks[experiment.task]
    checked(task, f"tasks.{experiment.task}.")
    rows = []
    for number, variation in enumerate(experiment.variations):
        where = f"experiments.{name}.variations[{number}]"
        named, settings = vary(task, variation, where)
        checked(settings, f"{where}: ")
        parent = parent_of(config, settings, where)
        runs = [Run(experiment.task, named, seed, settings, parent(seed)) for seed in experiment.seeds]
        rows.append(Row(label(variation), name, runs))
    steps = sorted({row.runs[0].settings.steps() for row in rows})
    if experiment.equal_steps and len(steps) > 1:
        raise UserError(
            f"experiments.{name}: its runs take {', '.join(map(str, steps))} steps, and equal_steps asks for "
            f"one number; give the length of {experiment.task} in steps"
        )
    return rows


def parent_of(config: Config, settings: Origin, where: str) -> Callable[[int], Run | None]:
    """The parent of each seed's run: the variation of its task that has the branch's settings of it."""
    parent = settings.parent_run()
    if parent is None:
        return lambda seed: None
    task = config.tasks[parent.task]
    wanted = {".".join(way): value for way, value in leaves(parent.settings.resolved())}
    named, varied = vary(task, wanted, where)
    return lambda seed: Run(parent.task, named, seed, varied)


def checked(settings: Origin, where: str) -> None:
    """Raise UserError that begins with `where` for settings that cannot be run."""
    try:
        settings.check()
    except UserError as error:
        raise UserError(f"{where}{error}") from None


def expand(config: Config) -> dict[str, list[Row]]:
    """Every experiment's rows. Raises UserError where an experiment cannot be run."""
    return {name: rows_of(config, name) for name in config.experiments}


def runs_of(experiments: dict[str, list[Row]]) -> dict[str, Run]:
    """Every run by name, parents before their branches. Raises UserError where two of one name differ."""
    found: dict[str, Run] = {}
    for rows in experiments.values():
        own = [run for row in rows for run in row.runs]
        for run in [*(run.parent for run in own if run.parent), *own]:
            if found.setdefault(run.name, run) != run:
                raise UserError(f"experiments.{rows[0].experiment}: another run is called {run.name} as well")
    return found


def shown_in(figure: Figure, experiments: dict[str, list[Row]]) -> list[Row]:
    """What a figure shows, in the order of its experiments and their variations. Raises UserError."""
    rows = [row for name in figure.experiments for row in experiments[name]]
    if figure.labels is None:
        return rows
    labels = [row.label for row in rows]
    if unknown := [wanted for wanted in figure.labels if wanted not in labels]:
        raise UserError(f"names the variation '{unknown[0]}', which is none of {', '.join(labels)}")
    return [row for row in rows if row.label in figure.labels]
